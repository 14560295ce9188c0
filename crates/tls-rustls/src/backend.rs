//! The backend value.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use tls_core::{BackendInfo, ClientConfig, Error, ServerConfig, ServerName, TlsBackend};

use crate::{ClientContext, RustlsSession, ServerContext, info};

/// The backend's name, in [`BackendInfo`] and in errors.
pub(crate) const NAME: &str = "rustls";

/// TLS by rustls, with the cryptography of a provider.
#[derive(Clone)]
pub struct Rustls {
    provider: Arc<CryptoProvider>,
}

impl Rustls {
    /// With this provider. What it has is what the backend advertises; which
    /// of its suites, groups and schemes a session uses is the config's to say.
    pub fn with_provider(provider: Arc<CryptoProvider>) -> Self {
        Self { provider }
    }

    /// Where the cryptography comes from.
    pub fn provider(&self) -> &Arc<CryptoProvider> {
        &self.provider
    }
}

/// With everything that aws-lc-rs has.
#[cfg(feature = "aws-lc-rs")]
impl Default for Rustls {
    fn default() -> Self {
        use rustls::crypto::aws_lc_rs;

        let mut provider = aws_lc_rs::default_provider();
        if !provider.fips() {
            provider.cipher_suites = aws_lc_rs::ALL_CIPHER_SUITES.to_vec();
            provider.kx_groups = aws_lc_rs::ALL_KX_GROUPS.to_vec();
        }
        Self::with_provider(Arc::new(provider))
    }
}

impl fmt::Debug for Rustls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rustls")
            .field(&info::provider_name(&self.provider))
            .finish()
    }
}

impl TlsBackend for Rustls {
    type ClientContext = ClientContext;
    type ServerContext = ServerContext;
    type Session = RustlsSession;

    fn info(&self) -> BackendInfo {
        info::probe(&self.provider)
    }

    fn client(&self, config: &ClientConfig) -> Result<ClientContext, Error> {
        ClientContext::compile(config, self.info(), &self.provider)
    }

    fn server(&self, config: &ServerConfig) -> Result<ServerContext, Error> {
        ServerContext::compile(config, &self.info(), &self.provider)
    }

    fn connect(
        &self,
        context: &ClientContext,
        name: &ServerName<'_>,
    ) -> Result<RustlsSession, Error> {
        context.connect(name)
    }

    fn accept(&self, context: &ServerContext) -> Result<RustlsSession, Error> {
        context.accept()
    }
}
