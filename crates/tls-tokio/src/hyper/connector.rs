//! TLS for hyper's clients.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tls_core::{ServerName, TlsBackend, parse_server_name};
use tower_service::Service;

use super::{BoxError, HttpsStream};
use crate::TlsConnector;

/// Connects to `https` addresses: by `H`, and then with TLS to the host that
/// the address names, which is verified.
///
/// # Defaults
/// `http` addresses are refused: [`allow_http`](Self::allow_http).
#[derive(Clone, Debug)]
pub struct HttpsConnector<B: TlsBackend, H = HttpConnector> {
    tls: TlsConnector<B>,
    http: H,
    allows_http: bool,
}

/// Why an address was not connected to, before anything was tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The scheme is `http`, which is not allowed.
    #[error("{0} is an http address, and only https is allowed")]
    HttpNotAllowed(Uri),
    /// The scheme is neither `https` nor `http`, or there is none.
    #[error("{0} is no https address")]
    Scheme(Uri),
    /// There is no host.
    #[error("{0} names no host")]
    NoHost(Uri),
}

impl<B: TlsBackend> HttpsConnector<B> {
    /// Connects by TCP, with the system's resolver.
    pub fn new(tls: TlsConnector<B>) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        Self::over(tls, http)
    }
}

impl<B: TlsBackend, H> HttpsConnector<B, H> {
    /// Connects by `http`, which must take `https` addresses too
    /// ([`HttpConnector::enforce_http`]).
    pub fn over(tls: TlsConnector<B>, http: H) -> Self {
        Self {
            tls,
            http,
            allows_http: false,
        }
    }

    /// Whether `http` addresses are connected to, in the clear. Default: no.
    #[must_use]
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allows_http = allow;
        self
    }

    /// Whom to verify; `None` for a plain connection.
    fn server_name(&self, uri: &Uri) -> Result<Option<ServerName<'static>>, BoxError> {
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP && self.allows_http => return Ok(None),
            Some(scheme) if *scheme == Scheme::HTTP => {
                return Err(ConnectError::HttpNotAllowed(uri.clone()).into());
            }
            Some(scheme) if *scheme == Scheme::HTTPS => {}
            _ => return Err(ConnectError::Scheme(uri.clone()).into()),
        }
        let host = uri
            .host()
            .ok_or_else(|| ConnectError::NoHost(uri.clone()))?;
        Ok(Some(parse_server_name(host)?))
    }
}

impl<B, H> Service<Uri> for HttpsConnector<B, H>
where
    B: TlsBackend,
    H: Service<Uri>,
    H::Response: Read + Write + Connection + Unpin + Send + 'static,
    H::Future: Send + 'static,
    H::Error: Into<BoxError>,
{
    type Response = HttpsStream<B, H::Response>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.http.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let name = match self.server_name(&uri) {
            Ok(name) => name,
            Err(error) => return Box::pin(async { Err(error) }),
        };
        let connecting = self.http.call(uri);
        let secured = name.map(|name| (self.tls.clone(), name));
        Box::pin(async move {
            let io = connecting.await.map_err(Into::into)?;
            let Some((tls, name)) = secured else {
                return Ok(HttpsStream::Http(io));
            };
            let stream = tls.connect(&name, TokioIo::new(io)).await?;
            Ok(HttpsStream::Https(TokioIo::new(stream)))
        })
    }
}
