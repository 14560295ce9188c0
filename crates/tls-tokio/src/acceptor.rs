//! The server's side.

use std::fmt;
use std::time::Duration;

use tls_core::{Error, ServerConfig, TlsBackend};
use tokio::time::Instant;

use crate::deadline::{Deadline, HANDSHAKE_TIMEOUT};
use crate::{Handshake, Offload, kernel};

/// Makes servers' TLS of connected streams. Cheap to clone.
///
/// # Defaults
/// - A handshake has 30 s ([`HANDSHAKE_TIMEOUT`]).
/// - It is computed in the task that awaits it, not [offloaded](Self::offload).
pub struct TlsAcceptor<B: TlsBackend> {
    backend: B,
    context: B::ServerContext,
    timeout: Option<Duration>,
    offload: Option<Offload>,
}

impl<B: TlsBackend> TlsAcceptor<B> {
    /// An acceptor with a context that is compiled already. If its config
    /// requires kernel TLS, the handshakes are refused.
    pub fn new(backend: B, context: B::ServerContext) -> Self {
        Self {
            backend,
            context,
            timeout: Some(HANDSHAKE_TIMEOUT),
            offload: None,
        }
    }

    /// An acceptor with this config. What the backend cannot honour is refused,
    /// and so is a config that requires kernel TLS, which no stream here has.
    pub fn from_config(backend: B, config: &ServerConfig) -> Result<Self, Error> {
        kernel::check(&backend, config.protocol().kernel_tls())?;
        let context = backend.server(config)?;
        Ok(Self::new(backend, context))
    }

    /// How long a handshake may take, however the peer's bytes trickle in.
    /// `None` is no limit, and lets a silent client stay for ever.
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
    pub fn context(&self) -> &B::ServerContext {
        &self.context
    }

    /// Does the handshake with the client on `io`. Nothing is read before the
    /// future is polled.
    pub fn accept<IO>(&self, io: IO) -> Handshake<B, IO> {
        self.accept_after(io, Vec::new(), Instant::now())
    }

    /// The same behind what was read already, in a time that has begun to run.
    pub(crate) fn accept_after<IO>(
        &self,
        io: IO,
        read: Vec<u8>,
        start: Instant,
    ) -> Handshake<B, IO> {
        let session = self.backend.accept(&self.context);
        Handshake::new(
            &self.backend,
            session,
            io,
            read,
            self.offload.as_ref(),
            Deadline::new(start, self.timeout),
        )
    }
}

impl<B: TlsBackend> Clone for TlsAcceptor<B> {
    fn clone(&self) -> Self {
        Self {
            backend: self.backend.clone(),
            context: self.context.clone(),
            timeout: self.timeout,
            offload: self.offload.clone(),
        }
    }
}

impl<B: TlsBackend> fmt::Debug for TlsAcceptor<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor")
            .field("backend", &self.backend)
            .field("handshake_timeout", &self.timeout)
            .field("offload", &self.offload)
            .finish_non_exhaustive()
    }
}
