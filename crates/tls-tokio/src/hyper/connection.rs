//! One connection of a server, from its acceptance to its end.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1::{self, UpgradeableConnection};
use hyper::server::conn::http2;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tls_core::TlsBackend;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::BoxError;
use super::opening::{Opening, Version};
use super::peer::{Introduced, Peer};
use super::rewound::Rewound;
use super::stopping::Stopping;
use crate::{Error, TlsAcceptor, TlsStream};

/// How long `close_notify` may take on the way to a client that does not read.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) type OnHandshakeFailure = dyn Fn(SocketAddr, &Error) + Send + Sync;

type Io<B> = TokioIo<Rewound<TlsStream<B, TcpStream>>>;

/// What each connection's task needs.
#[derive(Clone)]
pub(super) struct Connections<B: TlsBackend, S> {
    pub(super) acceptor: TlsAcceptor<B>,
    pub(super) service: S,
    pub(super) http1: http1::Builder,
    pub(super) http2: http2::Builder<TokioExecutor>,
    pub(super) opening_timeout: Option<Duration>,
    pub(super) on_handshake_failure: Option<Arc<OnHandshakeFailure>>,
}

impl<B, S, D> Connections<B, S>
where
    B: TlsBackend,
    S: Service<Request<Incoming>, Response = Response<D>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    D: Body + Send + 'static,
    D::Data: Send,
    D::Error: Into<BoxError>,
{
    /// Serves this client. What goes wrong behind the handshake is the
    /// client's, and the service has seen as much of it as it can.
    pub(super) async fn serve(self, stream: TcpStream, from: SocketAddr, mut stopping: Stopping) {
        // It fails only where the peer has gone.
        let _ = stream.set_nodelay(true);
        let mut stream = match stopping.unless(self.acceptor.accept(stream)).await {
            Some(Ok(stream)) => stream,
            Some(Err(error)) => {
                if let Some(told) = &self.on_handshake_failure {
                    told(from, &error);
                }
                return;
            }
            None => return,
        };
        let agreed = Version::agreed(stream.alpn());
        let opening = within(self.opening_timeout, Opening::read(&mut stream, agreed));
        let Some(Some(Ok(Some(opening)))) = stopping.unless(opening).await else {
            close(&mut stream).await;
            return;
        };
        let facts = stream.facts().cloned().unwrap_or_default();
        let peer = Peer::new(from, facts);
        let io = TokioIo::new(Rewound::new(stream, opening.octets));
        match opening.version {
            Version::Http1 => self.serve_http1(io, peer, stopping).await,
            Version::Http2 => self.serve_http2(io, peer, stopping).await,
        }
    }

    async fn serve_http1(self, io: Io<B>, peer: Peer, mut stopping: Stopping) {
        let mut connection = self
            .http1
            .serve_connection(io, Introduced::new(self.service, peer))
            .with_upgrades();
        let ended = stopping
            .serve(
                Pin::new(&mut connection),
                UpgradeableConnection::graceful_shutdown,
            )
            .await;
        // A client that was idle for too long has missed nothing, and shall
        // see that. After any other error a part may be missing.
        if ended.is_err_and(|error| error.is_timeout())
            && let Some(parts) = connection.into_parts()
        {
            close(&mut parts.io.into_inner().into_inner()).await;
        }
    }

    async fn serve_http2(self, io: Io<B>, peer: Peer, mut stopping: Stopping) {
        let service = Introduced::new(self.service, peer);
        let connection = pin!(self.http2.serve_connection(io, service));
        let _ = stopping
            .serve(connection, http2::Connection::graceful_shutdown)
            .await;
    }
}

/// `None` where the limit comes first.
pub(super) async fn within<T>(
    limit: Option<Duration>,
    future: impl Future<Output = T>,
) -> Option<T> {
    match limit {
        None => Some(future.await),
        Some(limit) => timeout(limit, future).await.ok(),
    }
}

/// Sends `close_notify`, as far as the client takes it.
async fn close(stream: &mut (impl AsyncWrite + Unpin)) {
    let closed = poll_fn(|cx| Pin::new(&mut *stream).poll_shutdown(cx));
    let _ = timeout(CLOSE_TIMEOUT, closed).await;
}
