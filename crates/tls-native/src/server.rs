//! A server's config, compiled, and the sessions made of it.

use std::fmt;

use native_tls::TlsAcceptor;
use tls_core::{Error, KernelTls, ServerConfig};

use crate::info::info;
use crate::library::{Judging, Known, Start};
use crate::version::protocol;
use crate::{Library, NativeSession, identity};

/// A server's config as native-tls wants it. Cheap to clone.
#[derive(Clone)]
pub struct ServerContext {
    acceptor: TlsAcceptor,
    kernel_tls: KernelTls,
}

impl ServerContext {
    pub(crate) fn new(config: &ServerConfig) -> Result<Self, Error> {
        config.check(info())?;
        let (min, max) = config.protocol().versions().into_inner();
        TlsAcceptor::builder(identity::load(config.identity())?)
            .min_protocol_version(protocol(min))
            .max_protocol_version(protocol(max))
            .build()
            .map(|acceptor| Self {
                acceptor,
                kernel_tls: config.protocol().kernel_tls(),
            })
            .map_err(identity::not_presented)
    }

    /// The library's own acceptor.
    pub fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    pub(crate) fn accept(&self) -> Result<NativeSession, Error> {
        let known = Known {
            server_name: None,
            judging: Judging::Nothing,
            peers: None,
        };
        let session = Library::session(Start::Accept(self.acceptor.clone()), known)?;
        // The library shows no secrets, so it always keeps the records.
        Ok(session.with_kernel_tls(self.kernel_tls))
    }
}

impl fmt::Debug for ServerContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerContext").finish_non_exhaustive()
    }
}
