//! A client's config, compiled, and the sessions made of it.

use std::net::IpAddr;
use std::sync::Arc;

use native_tls::TlsConnector;
use tls_core::{
    AlpnProtocols, Capabilities, ClientConfig, Error, ServerName, ServerVerification, Unsupported,
};

use crate::info::{NAME, info};
use crate::library::{Judging, Known, Start};
use crate::peers::Peers;
use crate::version::protocol;
use crate::{Library, NativeSession, identity, roots};

/// A client's config as native-tls wants it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ClientContext(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connector: TlsConnector,
    config: ClientConfig,
    peers: Arc<Peers>,
}

impl ClientContext {
    pub(crate) fn new(config: &ClientConfig) -> Result<Self, Error> {
        config.check(info())?;
        let mut builder = TlsConnector::builder();
        let (min, max) = config.protocol().versions().into_inner();
        builder
            .min_protocol_version(protocol(min))
            .max_protocol_version(protocol(max))
            .use_sni(config.sni())
            .disable_built_in_roots(true);
        let trusted = match config.verification() {
            ServerVerification::Full(trusted) => Some(trusted),
            ServerVerification::ChainOnly(trusted) => {
                builder.danger_accept_invalid_hostnames(true);
                Some(trusted)
            }
            ServerVerification::Nothing => {
                builder
                    .danger_accept_invalid_hostnames(true)
                    .danger_accept_invalid_certs(true);
                None
            }
        };
        if let Some(trusted) = trusted {
            for root in roots::load(trusted)? {
                builder.add_root_certificate(root);
            }
        }
        builder.request_alpns(&texts(config.protocol().alpn())?);
        if let Some(own) = config.identity() {
            builder.identity(identity::load(own)?);
        }
        let connector = builder.build().map_err(|error| match config.identity() {
            Some(_) => identity::not_presented(error),
            None => Error::backend(NAME, error),
        })?;
        Ok(Self(Arc::new(Inner {
            connector,
            config: config.clone(),
            peers: Arc::default(),
        })))
    }

    /// The library's own connector.
    pub fn connector(&self) -> &TlsConnector {
        &self.0.connector
    }

    pub(crate) fn connect(&self, name: &ServerName<'_>) -> Result<NativeSession, Error> {
        let Inner {
            connector,
            config,
            peers,
        } = &*self.0;
        config.check_name(info(), name)?;
        let (domain, host) = match name {
            ServerName::DnsName(host) => {
                let host = host.as_ref();
                let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
                (host.clone(), Some(host))
            }
            ServerName::IpAddress(address) => (IpAddr::from(*address).to_string(), None),
            _ => return Err(Error::config("server_name", "it is of an unknown kind")),
        };
        let judging = match config.verification() {
            ServerVerification::Full(_) if host.is_some() => Judging::ForHost,
            ServerVerification::Full(_) | ServerVerification::ChainOnly(_) => Judging::Chain,
            ServerVerification::Nothing => Judging::Nothing,
        };
        let known = Known {
            server_name: host.filter(|_| config.sni()),
            judging,
            peers: Some(Arc::clone(peers)),
        };
        let start = Start::Connect {
            connector: connector.clone(),
            domain,
        };
        let session = Library::session(start, known)?;
        // The library shows no secrets, so it always keeps the records.
        Ok(session.with_kernel_tls(config.protocol().kernel_tls()))
    }
}

/// The library takes application protocols as text.
fn texts(protocols: &AlpnProtocols) -> Result<Vec<&str>, Error> {
    let text = |name| {
        str::from_utf8(name).map_err(|_| {
            let because = "alpn lists a protocol that is no UTF-8, and the library takes no other";
            Unsupported::new(NAME, Capabilities::ALPN_OCTETS, because).into()
        })
    };
    protocols.iter().map(text).collect()
}
