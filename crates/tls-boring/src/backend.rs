//! The backend value.

use tls_core::{BackendInfo, ClientConfig, Error, ServerConfig, ServerName, TlsBackend};

use crate::info::info;
use crate::{BoringSession, ClientContext, ServerContext, queue};

/// BoringSSL.
///
/// A session holds record buffers only while a record is in them; there is
/// nothing to choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Boring(());

impl Boring {
    /// The one value that there is.
    pub const fn new() -> Self {
        Self(())
    }
}

impl TlsBackend for Boring {
    type ClientContext = ClientContext;
    type ServerContext = ServerContext;
    type Session = BoringSession;

    fn info(&self) -> BackendInfo {
        info().clone()
    }

    fn client(&self, config: &ClientConfig) -> Result<ClientContext, Error> {
        queue::scoped(|| ClientContext::new(config))
    }

    fn server(&self, config: &ServerConfig) -> Result<ServerContext, Error> {
        queue::scoped(|| ServerContext::new(config))
    }

    fn connect(
        &self,
        context: &ClientContext,
        name: &ServerName<'_>,
    ) -> Result<BoringSession, Error> {
        queue::scoped(|| context.connect(name))
    }

    fn accept(&self, context: &ServerContext) -> Result<BoringSession, Error> {
        queue::scoped(|| context.accept())
    }

    fn leftover_errors(&self) -> usize {
        queue::count()
    }
}
