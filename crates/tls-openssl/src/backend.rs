//! The backend value.

use tls_core::{BackendInfo, ClientConfig, Error, ServerConfig, ServerName, TlsBackend};

use crate::info::info;
use crate::{ClientContext, OpenSslSession, ServerContext, queue};

/// OpenSSL.
///
/// # Defaults
/// - A session gives its record buffers back when a read finds nothing, and
///   keeps them from one write to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenSsl {
    release_buffers: bool,
}

impl OpenSsl {
    /// With the defaults above.
    pub const fn new() -> Self {
        Self {
            release_buffers: false,
        }
    }

    /// Whether a session gives its record buffers back whenever they are
    /// empty (`SSL_MODE_RELEASE_BUFFERS`): about 17 KiB less for a session that
    /// has written and not read since, for an allocation at each read and
    /// write. Default: off.
    #[must_use]
    pub const fn release_buffers(mut self, on: bool) -> Self {
        self.release_buffers = on;
        self
    }

    pub(crate) const fn releases_buffers(self) -> bool {
        self.release_buffers
    }
}

impl TlsBackend for OpenSsl {
    type ClientContext = ClientContext;
    type ServerContext = ServerContext;
    type Session = OpenSslSession;

    fn info(&self) -> BackendInfo {
        info().clone()
    }

    fn client(&self, config: &ClientConfig) -> Result<ClientContext, Error> {
        queue::scoped(|| ClientContext::new(*self, config))
    }

    fn server(&self, config: &ServerConfig) -> Result<ServerContext, Error> {
        queue::scoped(|| ServerContext::new(*self, config))
    }

    fn connect(
        &self,
        context: &ClientContext,
        name: &ServerName<'_>,
    ) -> Result<OpenSslSession, Error> {
        queue::scoped(|| context.connect(name))
    }

    fn accept(&self, context: &ServerContext) -> Result<OpenSslSession, Error> {
        queue::scoped(|| context.accept())
    }

    fn leftover_errors(&self) -> usize {
        queue::count()
    }
}
