//! A server's config, compiled, and the sessions made of it.

use std::sync::Arc;

use boring::error::ErrorStack;
use boring::ssl::{AlpnError, Ssl, SslContext, SslContextBuilder, SslContextRef, SslVerifyMode};
use tls_core::{
    AlpnProtocols, ClientAuth, Error, KernelTls, NamedGroup, Role, Roots, ServerConfig,
};

use crate::facts::Known;
use crate::hello::Offer;
use crate::info::{NAME, info};
use crate::notes::Notes;
use crate::peers::Peers;
use crate::{BoringSession, context, ffi, identity, names, roots, session, verify};

/// A server's config as BoringSSL wants it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServerContext(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ssl: SslContext,
    verifies: bool,
    kernel_tls: KernelTls,
    peers: Arc<Peers>,
}

impl ServerContext {
    pub(crate) fn new(config: &ServerConfig) -> Result<Self, Error> {
        config.check(info())?;
        let protocol = config.protocol();
        let mut builder = context::builder(protocol, info())?;
        ffi::send_no_tickets(&mut builder);
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
        let schemes = protocol.signature_schemes(info());
        let own = identity::load(&mut builder, config.identity(), &schemes)?;
        let classical = protocol.groups(info()).into_iter();
        let classical: Vec<NamedGroup> =
            classical.filter(|group| !group.is_post_quantum()).collect();
        compare_hellos(
            &mut builder,
            Offer {
                groups: names::groups(&classical),
                schemes: names::schemes(&own),
            },
        );
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

    pub(crate) fn accept(&self) -> Result<BoringSession, Error> {
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
        ffi::set_accept_state(&mut ssl);
        ffi::shed_config(&mut ssl);
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
    builder.set_cert_verify_callback(verify::decide);
    ffi::watch(builder);
    Ok(())
}

fn compare_hellos(builder: &mut SslContextBuilder, own: Offer) {
    builder.set_select_certificate_callback(move |hello| {
        if let Some(notes) = Notes::of(hello.ssl()) {
            notes.share(own.compare(&hello));
        }
        Ok(())
    });
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
