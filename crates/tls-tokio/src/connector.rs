//! The client's side.

use std::fmt;
use std::time::Duration;

use tls_core::{ClientConfig, Error, ServerName, TlsBackend};
use tokio::time::Instant;

use crate::deadline::{Deadline, HANDSHAKE_TIMEOUT};
use crate::{Handshake, Offload, kernel};

/// Makes clients' TLS of connected streams. Cheap to clone.
///
/// # Defaults
/// - A handshake has 30 s ([`HANDSHAKE_TIMEOUT`]).
/// - It is computed in the task that awaits it, not [offloaded](Self::offload).
pub struct TlsConnector<B: TlsBackend> {
    backend: B,
    context: B::ClientContext,
    timeout: Option<Duration>,
    offload: Option<Offload>,
}

impl<B: TlsBackend> TlsConnector<B> {
    /// A connector with a context that is compiled already. If its config
    /// requires kernel TLS, the handshakes are refused.
    pub fn new(backend: B, context: B::ClientContext) -> Self {
        Self {
            backend,
            context,
            timeout: Some(HANDSHAKE_TIMEOUT),
            offload: None,
        }
    }

    /// A connector with this config. What the backend cannot honour is refused,
    /// and so is a config that requires kernel TLS, which no stream here has.
    pub fn from_config(backend: B, config: &ClientConfig) -> Result<Self, Error> {
        kernel::check(&backend, config.protocol().kernel_tls())?;
        let context = backend.client(config)?;
        Ok(Self::new(backend, context))
    }

    /// How long a handshake may take, however the peer's bytes trickle in.
    /// `None` is no limit.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Computes handshakes on other threads.
    #[must_use]
    pub fn offload(mut self, offload: Offload) -> Self {
        self.offload = Some(offload);
        self
    }

    /// The backend.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// The compiled config.
    pub fn context(&self) -> &B::ClientContext {
        &self.context
    }

    /// Does the handshake with the server `name` over `io`. Nothing is sent
    /// before the future is polled.
    pub fn connect<IO>(&self, name: &ServerName<'_>, io: IO) -> Handshake<B, IO> {
        let session = self.backend.connect(&self.context, name);
        Handshake::new(
            &self.backend,
            session,
            io,
            Vec::new(),
            self.offload.as_ref(),
            Deadline::new(Instant::now(), self.timeout),
        )
    }
}

impl<B: TlsBackend> Clone for TlsConnector<B> {
    fn clone(&self) -> Self {
        Self {
            backend: self.backend.clone(),
            context: self.context.clone(),
            timeout: self.timeout,
            offload: self.offload.clone(),
        }
    }
}

impl<B: TlsBackend> fmt::Debug for TlsConnector<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector")
            .field("backend", &self.backend)
            .field("handshake_timeout", &self.timeout)
            .field("offload", &self.offload)
            .finish_non_exhaustive()
    }
}
