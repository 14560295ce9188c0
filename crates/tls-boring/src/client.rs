//! A client's config, compiled, and the sessions made of it.

use std::net::IpAddr;
use std::sync::Arc;

use boring::error::ErrorStack;
use boring::ssl::{Ssl, SslContext, SslContextRef, SslVerifyMode};
use tls_core::{
    ClientConfig, Error, NamedGroup, ProtocolVersion, Role, ServerName, ServerVerification,
};

use crate::context::HOST_FLAGS;
use crate::facts::Known;
use crate::info::{NAME, info};
use crate::notes::Notes;
use crate::peers::Peers;
use crate::{BoringSession, context, ffi, identity, roots, session, verify};

/// A client's config as BoringSSL wants it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ClientContext(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ssl: SslContext,
    config: ClientConfig,
    peers: Arc<Peers>,
    /// The group of the only key share, where the library would send two.
    key_share: Option<u16>,
}

impl ClientContext {
    pub(crate) fn new(config: &ClientConfig) -> Result<Self, Error> {
        config.check(info())?;
        let protocol = config.protocol();
        let mut builder = context::builder(protocol, info())?;
        match config.verification() {
            ServerVerification::Full(trusted) | ServerVerification::ChainOnly(trusted) => {
                roots::load(&mut builder, trusted)?;
                builder.set_verify(SslVerifyMode::PEER);
                builder.set_cert_verify_callback(verify::decide);
                ffi::watch(&mut builder);
            }
            ServerVerification::Nothing => {
                builder.set_verify(SslVerifyMode::NONE);
                builder.set_cert_verify_callback(|_| true);
            }
        }
        if let Some(own) = config.identity() {
            let schemes = protocol.signature_schemes(info());
            identity::load(&mut builder, own, &schemes)?;
        }
        if !protocol.alpn().is_empty() {
            builder
                .set_alpn_protos(&protocol.alpn().wire())
                .map_err(failed)?;
        }
        let key_share = if protocol.allows(ProtocolVersion::Tls13) {
            only_key_share(&protocol.groups(info()))
        } else {
            None
        };
        Ok(Self(Arc::new(Inner {
            ssl: builder.build(),
            config: config.clone(),
            peers: Arc::default(),
            key_share,
        })))
    }

    /// The library's own context.
    pub fn ssl_context(&self) -> &SslContextRef {
        &self.0.ssl
    }

    pub(crate) fn connect(&self, name: &ServerName<'_>) -> Result<BoringSession, Error> {
        let config = &self.0.config;
        config.check_name(info(), name)?;
        let verification = config.verification();
        let by_name = matches!(verification, ServerVerification::Full(_));
        let (ssl, server_name) = self.ssl(name, by_name).map_err(failed)?;
        let known = Known {
            server_name,
            verifies: !matches!(verification, ServerVerification::Nothing),
            peers: Arc::clone(&self.0.peers),
        };
        let kernel_tls = config.protocol().kernel_tls();
        session::new(ssl, Role::Client, known, kernel_tls)
    }

    /// The library's session, and the name that it will send.
    fn ssl(
        &self,
        name: &ServerName<'_>,
        by_name: bool,
    ) -> Result<(Ssl, Option<String>), ErrorStack> {
        let mut ssl = Ssl::new(&self.0.ssl)?;
        ffi::set_connect_state(&mut ssl);
        ffi::never_renegotiate(&mut ssl);
        ffi::shed_config(&mut ssl);
        Notes::attach(&mut ssl)?;
        if let Some(group) = self.0.key_share {
            ffi::set_key_shares(&mut ssl, &[group])?;
        }
        ssl.param_mut().set_hostflags(HOST_FLAGS);
        let mut sent = None;
        match name {
            ServerName::DnsName(host) => {
                let host = host.as_ref();
                let host = host.strip_suffix('.').unwrap_or(host);
                if by_name {
                    ssl.param_mut().set_host(host)?;
                }
                if self.0.config.sni() {
                    ssl.set_hostname(host)?;
                    sent = Some(host.to_ascii_lowercase());
                }
            }
            ServerName::IpAddress(address) if by_name => {
                ssl.param_mut().set_ip(IpAddr::from(*address))?;
            }
            _ => {}
        }
        Ok((ssl, sent))
    }
}

/// A client sends a key share of the first group. If that is a hybrid it
/// sends one of the first classical group too, which costs little and spares
/// a round trip with a server that has no hybrids. The library does so by
/// itself, but adds a share of a hybrid to a classical one as well.
fn only_key_share(groups: &[NamedGroup]) -> Option<u16> {
    let (first, others) = groups.split_first()?;
    let adds_a_hybrid =
        !first.is_post_quantum() && others.iter().any(|group| group.is_post_quantum());
    adds_a_hybrid.then(|| first.number())
}

fn failed(error: ErrorStack) -> Error {
    Error::backend(NAME, error)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Authority, Pair, serving, trusting};
    use tls_core::TlsSession;

    use super::*;

    #[test]
    fn a_share_of_a_hybrid_is_sent_only_where_that_comes_first() {
        use NamedGroup::{Secp256r1, X25519, X25519MLKEM768};

        let authority = Authority::new();
        // A share of the hybrid has 1,216 octets.
        for (groups, has_hybrid) in [
            (vec![X25519, X25519MLKEM768, Secp256r1], false),
            (vec![X25519, Secp256r1], false),
            (vec![X25519MLKEM768, X25519], true),
        ] {
            let client = trusting(&authority).groups(groups.clone());
            let mut pair = Pair::new(client, serving(&authority));
            let _ = pair.client.handshake(&mut pair.client_end).unwrap();
            let hello = pair.server_end.waiting();
            assert_eq!(hello > 1216, has_hybrid, "{groups:?}: {hello}");
            pair.connect();
            let facts = pair.client.facts().unwrap();
            assert_eq!(facts.group, groups.first().copied());
        }
    }
}
