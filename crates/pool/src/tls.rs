//! TLS for the connections of a pool.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use socket::Socket;
use tls_core::{ClientConfig, Error as TlsError, Fingerprint, ServerName, TlsBackend};

use crate::key::Key;
use crate::target::{Protection, Target};
use crate::{Endpoint, Error};

/// A client's config as one backend compiled it, with its fingerprint. Make it
/// once: that reads every root certificate. Cheap to clone.
pub struct Tls<B: TlsBackend>(Arc<Inner<B>>);

struct Inner<B: TlsBackend> {
    backend: B,
    context: B::ClientContext,
    /// Kept as long as the fingerprint is compared.
    config: ClientConfig,
    fingerprint: Fingerprint,
    /// The backend's name and its library.
    library: String,
}

impl<B: TlsBackend> Tls<B> {
    /// Compiles a config. What the backend cannot honour is refused here.
    pub fn new(backend: &B, config: &ClientConfig) -> Result<Self, TlsError> {
        let info = backend.info();
        Ok(Self(Arc::new(Inner {
            backend: backend.clone(),
            context: backend.client(config)?,
            config: config.clone(),
            fingerprint: config.fingerprint(),
            library: format!("{}\n{}", info.name, info.library),
        })))
    }

    /// The config.
    pub fn config(&self) -> &ClientConfig {
        &self.0.config
    }

    /// Stands for the whole config.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }
}

impl<B: TlsBackend> Target<B> {
    /// TLS connections to the server `name`, which is verified as the config
    /// says. Connections are shared with targets of the same endpoint, server
    /// name, backend and config ([`ClientConfig::fingerprint`]), and with no
    /// others.
    pub fn tls(endpoint: impl Into<Endpoint>, tls: &Tls<B>, name: ServerName<'static>) -> Self {
        let mut octets = tls.0.fingerprint.as_bytes().to_vec();
        octets.extend_from_slice(name.to_str().to_ascii_lowercase().as_bytes());
        octets.push(b'\n');
        octets.extend_from_slice(tls.0.library.as_bytes());
        let kept: Arc<dyn Any + Send + Sync> = Arc::<Inner<B>>::clone(&tls.0);
        Self {
            key: Key::tls(endpoint.into(), octets, kept),
            protection: Some(Arc::new(Named {
                tls: tls.clone(),
                name,
            })),
        }
    }

    /// TLS connections to the host of this name and TCP port, which is also
    /// the name that is verified; see [`tls`](Self::tls).
    pub fn tls_host(host: &str, port: u16, tls: &Tls<B>) -> Result<Self, Error> {
        let name =
            tls_core::parse_server_name(host).map_err(|error| Error::Handshake(error.into()))?;
        Ok(Self::tls(Endpoint::host(host, port), tls, name))
    }
}

struct Named<B: TlsBackend> {
    tls: Tls<B>,
    name: ServerName<'static>,
}

impl<B: TlsBackend> Protection<B> for Named<B> {
    fn protect(&self, socket: &mut Socket<B>, timeout: Duration) -> Result<(), socket::Error> {
        let Inner {
            backend, context, ..
        } = &*self.tls.0;
        socket.enable_tls_client(backend, context, &self.name)?;
        socket.handshake(timeout)
    }

    #[cfg(feature = "tokio")]
    fn handshake(&self, io: crate::tokio::Io) -> tls_tokio::Handshake<B, crate::tokio::Io> {
        let Inner {
            backend, context, ..
        } = &*self.tls.0;
        tls_tokio::TlsConnector::new(backend.clone(), context.clone())
            .handshake_timeout(None)
            .connect(&self.name, io)
    }
}

impl<B: TlsBackend> Clone for Tls<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: TlsBackend> fmt::Debug for Tls<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("backend", &self.0.backend)
            .field("fingerprint", &self.0.fingerprint)
            .finish_non_exhaustive()
    }
}
