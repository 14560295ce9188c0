//! Hides what a backend can do, to see that it is then refused.

use polytls::tls::{
    BackendInfo, Capabilities, ClientConfig, Error, Role, ServerConfig, ServerName, TlsBackend,
};

/// A backend that does not advertise some capabilities of the one inside.
#[derive(Clone, Debug)]
pub struct Masked<B> {
    inner: B,
    role: Role,
    hidden: Capabilities,
}

impl<B> Masked<B> {
    /// Hides these in this role.
    pub fn new(inner: B, role: Role, hidden: Capabilities) -> Self {
        Self {
            inner,
            role,
            hidden,
        }
    }
}

impl<B: TlsBackend> TlsBackend for Masked<B> {
    type ClientContext = B::ClientContext;
    type ServerContext = B::ServerContext;
    type Session = B::Session;

    fn info(&self) -> BackendInfo {
        let mut info = self.inner.info();
        match self.role {
            Role::Client => info.client -= self.hidden,
            Role::Server => info.server -= self.hidden,
        }
        info
    }

    fn client(&self, config: &ClientConfig) -> Result<Self::ClientContext, Error> {
        config.check(&self.info())?;
        self.inner.client(config)
    }

    fn server(&self, config: &ServerConfig) -> Result<Self::ServerContext, Error> {
        config.check(&self.info())?;
        self.inner.server(config)
    }

    fn connect(
        &self,
        context: &Self::ClientContext,
        name: &ServerName<'_>,
    ) -> Result<Self::Session, Error> {
        self.inner.connect(context, name)
    }

    fn accept(&self, context: &Self::ServerContext) -> Result<Self::Session, Error> {
        self.inner.accept(context)
    }

    fn leftover_errors(&self) -> usize {
        self.inner.leftover_errors()
    }
}
