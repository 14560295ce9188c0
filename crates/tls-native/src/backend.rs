//! The backend value.

use tls_core::{BackendInfo, ClientConfig, Error, ServerConfig, ServerName, TlsBackend};

use crate::info::info;
use crate::{ClientContext, NativeSession, ServerContext, platform};

/// native-tls. It has no settings of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Native(());

impl Native {
    /// The one value.
    pub const fn new() -> Self {
        Self(())
    }
}

impl TlsBackend for Native {
    type ClientContext = ClientContext;
    type ServerContext = ServerContext;
    type Session = NativeSession;

    fn info(&self) -> BackendInfo {
        info().clone()
    }

    fn client(&self, config: &ClientConfig) -> Result<ClientContext, Error> {
        platform::scoped(|| ClientContext::new(config))
    }

    fn server(&self, config: &ServerConfig) -> Result<ServerContext, Error> {
        platform::scoped(|| ServerContext::new(config))
    }

    fn connect(
        &self,
        context: &ClientContext,
        name: &ServerName<'_>,
    ) -> Result<NativeSession, Error> {
        context.connect(name)
    }

    fn accept(&self, context: &ServerContext) -> Result<NativeSession, Error> {
        context.accept()
    }

    fn leftover_errors(&self) -> usize {
        platform::leftover_errors()
    }
}
