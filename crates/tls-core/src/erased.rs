//! A backend that is chosen at run time.

use std::any::Any;
use std::fmt::{self, Debug};
use std::sync::Arc;

use rustls_pki_types::ServerName;

use crate::{BackendInfo, ClientConfig, Error, ServerConfig, TlsBackend, TlsSession};

/// Any backend, behind one type. It costs a boxed session and a call through
/// a table; it behaves like the backend inside.
#[derive(Clone)]
pub struct AnyBackend(Arc<dyn ErasedBackend>);

impl AnyBackend {
    /// Hides the backend's type.
    pub fn new<B: TlsBackend>(backend: B) -> Self {
        Self(Arc::new(backend))
    }
}

impl Debug for AnyBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyBackend").field(&self.0).finish()
    }
}

/// A context of [`AnyBackend`]. It serves the backend that made it; another
/// one refuses it with [`Error::Config`].
#[derive(Clone)]
pub struct AnyContext {
    made_by: &'static str,
    context: Arc<dyn Any + Send + Sync>,
}

impl AnyContext {
    fn new(made_by: &'static str, context: impl Any + Send + Sync) -> Self {
        Self {
            made_by,
            context: Arc::new(context),
        }
    }

    fn get<C: Any>(&self, asked: impl FnOnce() -> BackendInfo) -> Result<&C, Error> {
        self.context.downcast_ref().ok_or_else(|| {
            Error::config(
                "context",
                format!(
                    "it was made by {}, not by {}, or for the other role",
                    self.made_by,
                    asked().name
                ),
            )
        })
    }
}

impl Debug for AnyContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyContext").field(&self.made_by).finish()
    }
}

/// Tells a client's context from a server's where a backend has one type for both.
struct ForClient<C>(C);
struct ForServer<C>(C);

trait ErasedBackend: Debug + Send + Sync {
    fn info(&self) -> BackendInfo;
    fn client(&self, config: &ClientConfig) -> Result<AnyContext, Error>;
    fn server(&self, config: &ServerConfig) -> Result<AnyContext, Error>;
    fn connect(
        &self,
        context: &AnyContext,
        name: &ServerName<'_>,
    ) -> Result<Box<dyn TlsSession>, Error>;
    fn accept(&self, context: &AnyContext) -> Result<Box<dyn TlsSession>, Error>;
    fn leftover_errors(&self) -> usize;
}

impl<B: TlsBackend> ErasedBackend for B {
    fn info(&self) -> BackendInfo {
        TlsBackend::info(self)
    }

    fn client(&self, config: &ClientConfig) -> Result<AnyContext, Error> {
        let context = TlsBackend::client(self, config)?;
        Ok(AnyContext::new(self.info().name, ForClient(context)))
    }

    fn server(&self, config: &ServerConfig) -> Result<AnyContext, Error> {
        let context = TlsBackend::server(self, config)?;
        Ok(AnyContext::new(self.info().name, ForServer(context)))
    }

    fn connect(
        &self,
        context: &AnyContext,
        name: &ServerName<'_>,
    ) -> Result<Box<dyn TlsSession>, Error> {
        let ForClient(context) = context.get::<ForClient<B::ClientContext>>(|| self.info())?;
        Ok(Box::new(TlsBackend::connect(self, context, name)?))
    }

    fn accept(&self, context: &AnyContext) -> Result<Box<dyn TlsSession>, Error> {
        let ForServer(context) = context.get::<ForServer<B::ServerContext>>(|| self.info())?;
        Ok(Box::new(TlsBackend::accept(self, context)?))
    }

    fn leftover_errors(&self) -> usize {
        TlsBackend::leftover_errors(self)
    }
}

impl TlsBackend for AnyBackend {
    type ClientContext = AnyContext;
    type ServerContext = AnyContext;
    type Session = Box<dyn TlsSession>;

    fn info(&self) -> BackendInfo {
        self.0.info()
    }

    fn client(&self, config: &ClientConfig) -> Result<AnyContext, Error> {
        self.0.client(config)
    }

    fn server(&self, config: &ServerConfig) -> Result<AnyContext, Error> {
        self.0.server(config)
    }

    fn connect(
        &self,
        context: &AnyContext,
        name: &ServerName<'_>,
    ) -> Result<Box<dyn TlsSession>, Error> {
        self.0.connect(context, name)
    }

    fn accept(&self, context: &AnyContext) -> Result<Box<dyn TlsSession>, Error> {
        self.0.accept(context)
    }

    fn leftover_errors(&self) -> usize {
        self.0.leftover_errors()
    }
}
