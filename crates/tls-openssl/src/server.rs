//! A server's config, compiled, and the sessions made of it.

use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::ssl::{AlpnError, Ssl, SslContext, SslContextBuilder, SslContextRef, SslVerifyMode};
use tls_core::{
    AlpnProtocols, ClientAuth, Error, KernelTls, PeerChains, Role, Roots, ServerConfig,
};

use crate::facts::Known;
use crate::info::{NAME, info};
use crate::notes::Notes;
use crate::{OpenSsl, OpenSslSession, context, identity, roots, session, signing, verify};

/// A server's config as OpenSSL wants it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServerContext(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ssl: SslContext,
    verifies: bool,
    kernel_tls: KernelTls,
    peers: Arc<PeerChains>,
}

impl ServerContext {
    pub(crate) fn new(backend: OpenSsl, config: &ServerConfig) -> Result<Self, Error> {
        config.check(info())?;
        let protocol = config.protocol();
        let mut builder = context::builder(backend, protocol, info())?;
        builder.set_num_tickets(0).map_err(failed)?;
        match config.client_auth() {
            ClientAuth::None => builder.set_verify(SslVerifyMode::NONE),
            ClientAuth::Optional(trusted) => {
                ask(&mut builder, trusted, SslVerifyMode::PEER)?;
            }
            ClientAuth::Required(trusted) => {
                let demand = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
                ask(&mut builder, trusted, demand)?;
            }
        }
        let key = identity::load(&mut builder, config.identity())?;
        let schemes = protocol.signature_schemes(info());
        signing::restrict(&mut builder, Role::Server, &schemes, &key).map_err(failed)?;
        if !protocol.alpn().is_empty() {
            set_alpn(&mut builder, protocol.alpn().clone());
        }
        Ok(Self(Arc::new(Inner {
            ssl: builder.build(),
            verifies: !matches!(config.client_auth(), ClientAuth::None),
            kernel_tls: protocol.kernel_tls(),
            peers: Arc::default(),
        })))
    }

    /// The library's own context.
    pub fn ssl_context(&self) -> &SslContextRef {
        &self.0.ssl
    }

    pub(crate) fn accept(&self) -> Result<OpenSslSession, Error> {
        let known = Known {
            server_name: None,
            verifies: self.0.verifies,
            peers: Arc::clone(&self.0.peers),
        };
        let ssl = self.ssl().map_err(failed)?;
        session::new(ssl, Role::Server, known, self.0.kernel_tls)
    }

    fn ssl(&self) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.0.ssl)?;
        ssl.set_accept_state();
        Notes::attach(&mut ssl)?;
        Ok(ssl)
    }
}

/// Asks clients for a certificate, naming the roots that it may lead to.
fn ask(builder: &mut SslContextBuilder, trusted: &Roots, mode: SslVerifyMode) -> Result<(), Error> {
    for root in roots::load(builder, trusted)? {
        builder.add_client_ca(&root).map_err(failed)?;
    }
    builder.set_verify(mode);
    verify::install(builder).map_err(failed)
}

fn set_alpn(builder: &mut SslContextBuilder, own: AlpnProtocols) {
    builder.set_alpn_select_callback(move |ssl, offered| {
        own.select(offered).map_err(|error| {
            if let Some(notes) = Notes::of(ssl) {
                notes.refuse(error);
            }
            AlpnError::ALERT_FATAL
        })
    });
}

fn failed(error: ErrorStack) -> Error {
    Error::backend(NAME, error)
}
