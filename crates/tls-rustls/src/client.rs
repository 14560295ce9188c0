//! A client's config, compiled.

use std::fmt;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::sign::SingleCertAndKey;
use tls_core::{BackendInfo, ClientConfig, Error, PeerChains, Role, ServerName};

use crate::RustlsSession;
use crate::backend::NAME;
use crate::identity;
use crate::key_log::Shown;
use crate::provider::Allowed;
use crate::session::Origin;
use crate::verifier::ServerVerifier;

/// A client config as rustls wants it. A clone is two reference counts.
#[derive(Clone)]
pub struct ClientContext {
    config: Arc<rustls::ClientConfig>,
    asked: Arc<Asked>,
}

/// What was compiled, and for what: names are checked against both.
struct Asked {
    config: ClientConfig,
    info: BackendInfo,
    verifies: bool,
    peers: Arc<PeerChains>,
}

impl ClientContext {
    /// What rustls was given.
    pub fn config(&self) -> &Arc<rustls::ClientConfig> {
        &self.config
    }

    pub(crate) fn compile(
        config: &ClientConfig,
        info: BackendInfo,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        config.check(&info)?;
        let protocol = config.protocol();
        let allowed = Allowed::by(protocol, &info, provider);
        let verifier = ServerVerifier::new(config.verification(), &allowed)?;
        let verifies = verifier.verifies();
        let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&allowed.provider))
            .with_protocol_versions(&allowed.versions)
            .map_err(|error| Error::backend(NAME, error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut compiled = match config.identity() {
            Some(identity) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(
                identity::load(identity, &allowed, Role::Client)?,
            ))),
            None => builder.with_no_client_auth(),
        };
        compiled.alpn_protocols = protocol.alpn().iter().map(<[u8]>::to_vec).collect();
        compiled.enable_sni = config.sni();
        compiled.resumption = Resumption::disabled();
        compiled.enable_early_data = false;
        compiled.cert_compressors = Vec::new();
        compiled.cert_decompressors = Vec::new();
        if let Some(log) = Shown::to(protocol) {
            compiled.key_log = log;
        }
        Ok(Self {
            config: Arc::new(compiled),
            asked: Arc::new(Asked {
                config: config.clone(),
                info,
                verifies,
                peers: Arc::default(),
            }),
        })
    }

    pub(crate) fn connect(&self, name: &ServerName<'_>) -> Result<RustlsSession, Error> {
        let Asked {
            config,
            info,
            verifies,
            peers,
        } = &*self.asked;
        config.check_name(info, name)?;
        let connection = rustls::ClientConnection::new(Arc::clone(&self.config), name.to_owned())
            .map_err(|error| Error::backend(NAME, error))?;
        let sent = match name {
            ServerName::DnsName(host) if config.sni() => {
                Some(host.as_ref().trim_end_matches('.').to_ascii_lowercase())
            }
            _ => None,
        };
        let origin = Origin {
            sent_name: sent,
            verifies: *verifies,
            kernel_tls: config.protocol().kernel_tls(),
            peers: Arc::clone(peers),
        };
        Ok(RustlsSession::new(connection.into(), origin))
    }
}

impl fmt::Debug for ClientContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientContext")
            .field(&self.asked.config)
            .finish()
    }
}
