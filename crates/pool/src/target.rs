//! What a caller wants a connection to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use socket::{Layer, NoTls, Socket};

use crate::Endpoint;
use crate::key::Key;

/// An endpoint, and how connections to it are protected. Make it once and keep
/// it: it is cheap to clone, and compares by what it means.
pub struct Target<B: Layer = NoTls> {
    pub(crate) key: Key,
    pub(crate) protection: Option<Arc<dyn Protection<B>>>,
}

/// Turns TLS on.
pub(crate) trait Protection<B: Layer>: Send + Sync {
    /// Turns it on and does the handshake within this time.
    fn protect(&self, socket: &mut Socket<B>, timeout: Duration) -> Result<(), socket::Error>;

    /// The handshake on a stream of tokio, which has no time limit of its own.
    #[cfg(feature = "tokio")]
    fn handshake(&self, io: crate::tokio::Io) -> tls_tokio::Handshake<B, crate::tokio::Io>
    where
        B: tls_core::TlsBackend;
}

impl<B: Layer> Target<B> {
    /// Plain connections.
    pub fn plain(endpoint: impl Into<Endpoint>) -> Self {
        Self {
            key: Key::plain(endpoint.into()),
            protection: None,
        }
    }

    /// Where the connections lead.
    pub fn endpoint(&self) -> &Endpoint {
        self.key.endpoint()
    }

    /// Whether they are under TLS.
    pub fn is_tls(&self) -> bool {
        self.key.is_tls()
    }
}

impl<B: Layer> Clone for Target<B> {
    fn clone(&self) -> Self {
        Self {
            key: self.key.clone(),
            protection: self.protection.clone(),
        }
    }
}

/// Two targets are equal when one's connections may serve the other's callers.
impl<B: Layer> PartialEq for Target<B> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<B: Layer> Eq for Target<B> {}

impl<B: Layer> fmt::Debug for Target<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("endpoint", self.endpoint())
            .field("tls", &self.is_tls())
            .finish()
    }
}
