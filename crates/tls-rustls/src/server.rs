//! A server's config, compiled.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::NoServerSessionStorage;
use tls_core::{BackendInfo, ClientAuth, Error, PeerChains, Role, ServerConfig};

use crate::RustlsSession;
use crate::backend::NAME;
use crate::identity;
use crate::key_log::Shown;
use crate::provider::Allowed;
use crate::resolver::Resolver;
use crate::session::Origin;
use crate::verifier::ClientVerifier;

/// A server config as rustls wants it. A clone is three reference counts.
#[derive(Clone)]
pub struct ServerContext {
    config: Arc<rustls::ServerConfig>,
    asked: Arc<ServerConfig>,
    peers: Arc<PeerChains>,
}

impl ServerContext {
    /// What rustls was given.
    pub fn config(&self) -> &Arc<rustls::ServerConfig> {
        &self.config
    }

    pub(crate) fn compile(
        config: &ServerConfig,
        info: &BackendInfo,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        config.check(info)?;
        let protocol = config.protocol();
        let allowed = Allowed::by(protocol, info, provider);
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&allowed.provider))
            .with_protocol_versions(&allowed.versions)
            .map_err(|error| Error::backend(NAME, error))?;
        let builder = match config.client_auth() {
            ClientAuth::None => builder.with_no_client_auth(),
            ClientAuth::Optional(roots) => {
                builder.with_client_cert_verifier(ClientVerifier::new(roots, false, &allowed)?)
            }
            ClientAuth::Required(roots) => {
                builder.with_client_cert_verifier(ClientVerifier::new(roots, true, &allowed)?)
            }
        };
        let certified = identity::load(config.identity(), &allowed, Role::Server)?;
        let resolver = Resolver::new(certified, &allowed);
        let mut compiled = builder.with_cert_resolver(Arc::new(resolver));
        compiled.alpn_protocols = protocol.alpn().iter().map(<[u8]>::to_vec).collect();
        compiled.ignore_client_order = false;
        compiled.session_storage = Arc::new(NoServerSessionStorage {});
        compiled.send_tls13_tickets = 0;
        compiled.max_tls13_tickets = 0;
        compiled.max_early_data_size = 0;
        compiled.cert_compressors = Vec::new();
        compiled.cert_decompressors = Vec::new();
        if let Some(log) = Shown::to(protocol) {
            compiled.key_log = log;
        }
        Ok(Self {
            config: Arc::new(compiled),
            asked: Arc::new(config.clone()),
            peers: Arc::default(),
        })
    }

    pub(crate) fn accept(&self) -> Result<RustlsSession, Error> {
        let connection = rustls::ServerConnection::new(Arc::clone(&self.config))
            .map_err(|error| Error::backend(NAME, error))?;
        let origin = Origin {
            sent_name: None,
            verifies: true,
            kernel_tls: self.asked.protocol().kernel_tls(),
            peers: Arc::clone(&self.peers),
        };
        Ok(RustlsSession::new(connection.into(), origin))
    }
}

impl fmt::Debug for ServerContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerContext").field(&self.asked).finish()
    }
}
