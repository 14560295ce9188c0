//! A server of a hyper service over TLS.

use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tls_core::TlsBackend;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::BoxError;
use crate::{Error, TlsAcceptor};

/// How long a listener rests that has no resources left to accept with (file
/// descriptors, say): they come back when connections end.
const REST: Duration = Duration::from_millis(100);

type OnFailure = dyn Fn(SocketAddr, &Error) + Send + Sync;

/// Serves a service over TLS, as HTTP/1.1 or HTTP/2.
///
/// Each connection has a task of its own, so a slow handshake holds up nobody.
///
/// # Defaults
/// - A handshake has the acceptor's time, and HTTP/1.1 headers have 30 s.
/// - At a shutdown, requests that have begun are finished, without limit:
///   [`drain_timeout`](Self::drain_timeout).
/// - Failed handshakes are nobody's concern:
///   [`on_handshake_failure`](Self::on_handshake_failure).
#[must_use = "a server does nothing until it runs"]
pub struct Server<B: TlsBackend, S> {
    listener: TcpListener,
    connections: Connections<B, S>,
    drain_timeout: Option<Duration>,
}

/// What each connection's task needs.
#[derive(Clone)]
struct Connections<B: TlsBackend, S> {
    acceptor: TlsAcceptor<B>,
    service: S,
    http: Builder<TokioExecutor>,
    on_failure: Option<Arc<OnFailure>>,
}

impl<B: TlsBackend, S> Server<B, S> {
    /// A server of `service` on this listener.
    pub fn new(listener: TcpListener, acceptor: TlsAcceptor<B>, service: S) -> Self {
        let mut http = Builder::new(TokioExecutor::new());
        // Without a clock hyper bounds no header's time.
        http.http1().timer(TokioTimer::new());
        http.http2().timer(TokioTimer::new());
        Self {
            listener,
            connections: Connections {
                acceptor,
                service,
                http,
                on_failure: None,
            },
            drain_timeout: None,
        }
    }

    /// The settings of HTTP.
    pub fn http(&mut self) -> &mut Builder<TokioExecutor> {
        &mut self.connections.http
    }

    /// How long connections may go on after a shutdown has begun, before they
    /// are cut off. `None` is no limit.
    pub fn drain_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// Is told of each handshake that fails, and of whom.
    pub fn on_handshake_failure(
        mut self,
        told: impl Fn(SocketAddr, &Error) + Send + Sync + 'static,
    ) -> Self {
        self.connections.on_failure = Some(Arc::new(told));
        self
    }
}

impl<B, S, D> Server<B, S>
where
    B: TlsBackend,
    S: Service<Request<Incoming>, Response = Response<D>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    D: Body + Send + 'static,
    D::Data: Send,
    D::Error: Into<BoxError>,
{
    /// Serves until the future is dropped, which cuts all connections off.
    pub async fn run(self) {
        self.run_until(pending()).await;
    }

    /// Serves until `shutdown` is ready, and then until all connections have
    /// ended: no more are accepted, idle ones are closed, requests that have
    /// begun are answered.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) {
        let mut tasks = tokio::task::JoinSet::new();
        let watched = GracefulShutdown::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, from)) => {
                        let connections = self.connections.clone();
                        tasks.spawn(connections.serve(stream, from, watched.watcher()));
                    }
                    // The one connection failed before it was accepted.
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(_) => sleep(REST).await,
                },
                // Takes back what tasks leave behind.
                Some(_) = tasks.join_next() => {}
                () = &mut shutdown => break,
            }
        }
        drop(self.listener);
        let drained = watched.shutdown();
        match self.drain_timeout {
            None => drained.await,
            Some(timeout) => {
                // Who is late is cut off by the drop of the tasks.
                let _ = tokio::time::timeout(timeout, drained).await;
            }
        }
    }
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
    async fn serve(self, stream: TcpStream, from: SocketAddr, watcher: Watcher) {
        // It fails only where the peer has gone.
        let _ = stream.set_nodelay(true);
        let stream = match self.acceptor.accept(stream).await {
            Ok(stream) => stream,
            Err(error) => {
                if let Some(told) = &self.on_failure {
                    told(from, &error);
                }
                return;
            }
        };
        let served = self
            .http
            .serve_connection_with_upgrades(TokioIo::new(stream), self.service);
        // What goes wrong from here on is the peer's, and the service has
        // seen as much of it as it can.
        let _ = watcher.watch(served).await;
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

impl<B: TlsBackend, S> fmt::Debug for Server<B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("listener", &self.listener)
            .field("acceptor", &self.connections.acceptor)
            .finish_non_exhaustive()
    }
}
