//! A client's config, compiled, and the sessions made of it.

use std::net::IpAddr;
use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslContext, SslContextRef, SslVerifyMode};
use tls_core::{ClientConfig, Error, PeerChains, Role, ServerName, ServerVerification};

use crate::context::HOST_FLAGS;
use crate::facts::Known;
use crate::info::{NAME, info};
use crate::notes::Notes;
use crate::{OpenSsl, OpenSslSession, context, ffi, identity, roots, session, signing, verify};

/// A client's config as OpenSSL wants it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ClientContext(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ssl: SslContext,
    config: ClientConfig,
    peers: Arc<PeerChains>,
}

impl ClientContext {
    pub(crate) fn new(backend: OpenSsl, config: &ClientConfig) -> Result<Self, Error> {
        config.check(info())?;
        let protocol = config.protocol();
        let mut builder = context::builder(backend, protocol, info())?;
        match config.verification() {
            ServerVerification::Full(trusted) | ServerVerification::ChainOnly(trusted) => {
                roots::load(&mut builder, trusted)?;
                builder.set_verify(SslVerifyMode::PEER);
                verify::install(&mut builder).map_err(failed)?;
            }
            ServerVerification::Nothing => {
                builder.set_verify(SslVerifyMode::NONE);
                ffi::set_accepting(&mut builder);
            }
        }
        if let Some(own) = config.identity() {
            let key = identity::load(&mut builder, own)?;
            let schemes = protocol.signature_schemes(info());
            signing::restrict(&mut builder, Role::Client, &schemes, &key).map_err(failed)?;
        }
        if !protocol.alpn().is_empty() {
            builder
                .set_alpn_protos(&protocol.alpn().wire())
                .map_err(failed)?;
        }
        Ok(Self(Arc::new(Inner {
            ssl: builder.build(),
            config: config.clone(),
            peers: Arc::default(),
        })))
    }

    /// The library's own context.
    pub fn ssl_context(&self) -> &SslContextRef {
        &self.0.ssl
    }

    pub(crate) fn connect(&self, name: &ServerName<'_>) -> Result<OpenSslSession, Error> {
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
        ssl.set_connect_state();
        Notes::attach(&mut ssl)?;
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

fn failed(error: ErrorStack) -> Error {
    Error::backend(NAME, error)
}
