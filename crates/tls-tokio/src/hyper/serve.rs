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
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tls_core::TlsBackend;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::BoxError;
use super::connection::{Connections, within};
use super::stopping;
use crate::{Error, TlsAcceptor};

/// How much time a client has by default to begin, once its handshake is done:
/// 30 s.
pub const OPENING_TIMEOUT: Duration = Duration::from_secs(30);

/// How many connections there may be at once by default: 10,000.
pub const MAX_CONNECTIONS: usize = 10_000;

/// After how much silence an HTTP/2 client is asked whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long a listener rests that has no resources left to accept with (file
/// descriptors, say): they come back when connections end.
const REST: Duration = Duration::from_millis(100);

type OnAcceptFailure = dyn Fn(&io::Error) + Send + Sync;

/// Gives what a client holds while it is there.
type Admit = dyn Fn(SocketAddr) -> Option<Box<dyn Send>> + Send + Sync;

/// Serves a service over TLS, as HTTP/1.1 or HTTP/2.
///
/// ALPN decides which of them; without ALPN a client says so itself, by the
/// preface of HTTP/2. Each connection has a task of its own, so a slow handshake
/// holds up nobody, and a service that panics loses this connection alone.
/// The extensions of each request tell whom it comes from: [`Peer`](super::Peer).
///
/// # Defaults
/// - 10,000 connections at once ([`max_connections`](Self::max_connections)),
///   from anywhere ([`admit`](Self::admit)).
/// - A handshake has the acceptor's time. Then the client has 30 s to begin
///   ([`opening_timeout`](Self::opening_timeout)).
/// - HTTP/1.1: the headers of each request have 30 s, in which the time that
///   the connection was idle counts
///   ([`header_read_timeout`](http1::Builder::header_read_timeout)).
/// - HTTP/2: a client that was silent for 30 s gets a PING, and 20 s to answer
///   it. One that answers may stay
///   ([`keep_alive_interval`](http2::Builder::keep_alive_interval)).
/// - At a shutdown, requests that have begun are finished, without limit:
///   [`drain_timeout`](Self::drain_timeout).
/// - Failed handshakes are nobody's concern
///   ([`on_handshake_failure`](Self::on_handshake_failure)), nor is a listener
///   that cannot accept ([`on_accept_failure`](Self::on_accept_failure)).
#[must_use = "a server does nothing until it runs"]
pub struct Server<B: TlsBackend, S> {
    listener: TcpListener,
    connections: Connections<B, S>,
    max_connections: usize,
    admit: Box<Admit>,
    drain_timeout: Option<Duration>,
    on_accept_failure: Option<Box<OnAcceptFailure>>,
}

impl<B: TlsBackend, S> Server<B, S> {
    /// A server of `service` on this listener.
    pub fn new(listener: TcpListener, acceptor: TlsAcceptor<B>, service: S) -> Self {
        let mut http1 = http1::Builder::new();
        // Without a clock hyper bounds no header's time.
        http1.timer(TokioTimer::new());
        // A client may end its direction behind its request (RFC 8446, section 6.1).
        http1.half_close(true);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL);
        Self {
            listener,
            connections: Connections {
                acceptor,
                service,
                http1,
                http2,
                opening_timeout: Some(OPENING_TIMEOUT),
                on_handshake_failure: None,
            },
            max_connections: MAX_CONNECTIONS,
            admit: Box::new(|_| Some(Box::new(()))),
            drain_timeout: None,
            on_accept_failure: None,
        }
    }

    /// The settings of HTTP/1.1.
    pub fn http1(&mut self) -> &mut http1::Builder {
        &mut self.connections.http1
    }

    /// The settings of HTTP/2.
    pub fn http2(&mut self) -> &mut http2::Builder<TokioExecutor> {
        &mut self.connections.http2
    }

    /// How many connections there may be at once, from their acceptance on. While
    /// there is no room, others wait in the system's queue. An upgraded
    /// connection belongs to the service and counts no more.
    pub fn max_connections(mut self, most: usize) -> Self {
        self.max_connections = most;
        self
    }

    /// Asks for each client whether it may come in, before anything is read of
    /// it. `None` closes its connection at once; anything else is held until the
    /// connection is over: a permit of `pool::server::Admission`, say, which
    /// limits how many connections an address has and how often it comes.
    pub fn admit<P: Send + 'static>(
        mut self,
        admit: impl Fn(SocketAddr) -> Option<P> + Send + Sync + 'static,
    ) -> Self {
        self.admit = Box::new(move |from| Some(Box::new(admit(from)?)));
        self
    }

    /// How long a client may take to begin, from the end of its handshake to
    /// its first octet or, in HTTP/2, the 24 octets that its preface starts with
    /// (RFC 9113, section 3.4). Who is late is sent `close_notify`. `None` is no
    /// limit, and lets a silent client stay for ever.
    pub fn opening_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.connections.opening_timeout = timeout;
        self
    }

    /// How long connections may go on after a shutdown has begun, before they
    /// are cut off. `None` is no limit.
    pub fn drain_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// Is told of each handshake that fails, and of whom. A handshake that a
    /// shutdown cuts off is none.
    pub fn on_handshake_failure(
        mut self,
        told: impl Fn(SocketAddr, &Error) + Send + Sync + 'static,
    ) -> Self {
        self.connections.on_handshake_failure = Some(Arc::new(told));
        self
    }

    /// Is told when the listener cannot accept, for want of descriptors say. It
    /// then rests for 100 ms and tries again, so that is how often it is told at
    /// most.
    pub fn on_accept_failure(mut self, told: impl Fn(&io::Error) + Send + Sync + 'static) -> Self {
        self.on_accept_failure = Some(Box::new(told));
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
    /// ended: no more are accepted, requests that have begun are answered,
    /// idle connections are closed with `close_notify` (HTTP/2: with GOAWAY
    /// before it), handshakes are cut off.
    ///
    /// A connection that was upgraded belongs to the service, and is neither
    /// told nor waited for.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) {
        let mut tasks = JoinSet::new();
        let room = self.max_connections.min(Semaphore::MAX_PERMITS);
        let room = Arc::new(Semaphore::new(room));
        let (stop, stopping) = stopping::channel();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                accepted = accept(&self.listener, &room) => match accepted {
                    Ok((stream, from, place)) => {
                        let Some(permit) = (self.admit)(from) else { continue };
                        let connections = self.connections.clone();
                        let stopping = stopping.clone();
                        tasks.spawn(async move {
                            let _held = (permit, place);
                            connections.serve(stream, from, stopping).await;
                        });
                    }
                    // The one connection failed before it was accepted.
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(error) => {
                        if let Some(told) = &self.on_accept_failure {
                            told(&error);
                        }
                        sleep(REST).await;
                    }
                },
                // Takes back what tasks leave behind.
                Some(_) = tasks.join_next() => {}
                () = &mut shutdown => break,
            }
        }
        drop(self.listener);
        stop.now();
        let drained = async { while tasks.join_next().await.is_some() {} };
        if within(self.drain_timeout, drained).await.is_none() {
            tasks.shutdown().await;
        }
    }
}

/// The next client for which there is room, and its place.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // It fails only where a semaphore is closed, which nobody does.
    let place = Arc::clone(room).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    let (stream, from) = listener.accept().await?;
    Ok((stream, from, place))
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
            .field("max_connections", &self.max_connections)
            .field("opening_timeout", &self.connections.opening_timeout)
            .field("drain_timeout", &self.drain_timeout)
            .finish_non_exhaustive()
    }
}
