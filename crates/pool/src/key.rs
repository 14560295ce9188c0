//! What connections have in common that may serve each other's callers.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::Endpoint;

/// The endpoint, and everything that TLS connections to it depend on.
#[derive(Clone)]
pub(crate) struct Key(Arc<Inner>);

struct Inner {
    endpoint: Endpoint,
    /// The backend, the server's name and the config's fingerprint; empty for
    /// plain connections.
    tls: Vec<u8>,
    /// What the fingerprint was made from: its hooks count by their place in
    /// memory, which must not be taken by others meanwhile.
    _kept: Option<Arc<dyn Any + Send + Sync>>,
}

impl Key {
    pub(crate) fn plain(endpoint: Endpoint) -> Self {
        Self(Arc::new(Inner {
            endpoint,
            tls: Vec::new(),
            _kept: None,
        }))
    }

    /// `tls` must not be empty.
    #[cfg(feature = "tls")]
    pub(crate) fn tls(endpoint: Endpoint, tls: Vec<u8>, kept: Arc<dyn Any + Send + Sync>) -> Self {
        Self(Arc::new(Inner {
            endpoint,
            tls,
            _kept: Some(kept),
        }))
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    pub(crate) fn is_tls(&self) -> bool {
        !self.0.tls.is_empty()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.endpoint == other.0.endpoint && self.0.tls == other.0.tls)
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.endpoint.hash(state);
        self.0.tls.hash(state);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("endpoint", &self.0.endpoint)
            .field("tls", &self.is_tls())
            .finish()
    }
}
