//! Connections to the upstream, from a pool.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use polytls::pool::tokio::{Pool, Pooled};
use polytls::pool::{Endpoint, Error, Options, Target, Tls};
use polytls::tls::{AnyBackend, SessionFacts, parse_server_name};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{sleep, sleep_until};

use super::KEEPALIVE;
use super::client::reset_on_drop;
use crate::failure::Failure;
use crate::{args, settings};

/// How long to let things settle when connections cannot be made in advance.
const REST: Duration = Duration::from_secs(1);

pub(super) struct Upstream {
    pool: Pool<AnyBackend>,
    /// What to connect to, by the protocol that the client speaks. The last one
    /// is for clients that have negotiated none.
    routes: Vec<Route>,
    must_agree: bool,
    timeout: Duration,
    taken: Notify,
}

struct Route {
    alpn: Option<String>,
    target: Target<AnyBackend>,
    /// Each connection in use has a clone.
    uses: Arc<()>,
}

impl Upstream {
    pub(super) fn new(args: &args::Proxy) -> Result<Self, Failure> {
        let (host, port) = settings::host_and_port("upstream", &args.upstream)?;
        let endpoint = Endpoint::host(host, port);
        // Between two sides of TLS it is the client that chooses.
        let must_agree = args.terminate && args.originate && !args.protocol.alpn.is_empty();
        let mut routes = Vec::new();
        let mut add = |alpn: Option<&String>, target| {
            routes.push(Route {
                alpn: alpn.cloned(),
                target,
                uses: Arc::default(),
            });
        };
        if args.originate {
            let name = args.client.server_name.as_deref().unwrap_or(host);
            let name = parse_server_name(name).map_err(Failure::config)?;
            let backend = args.upstream_backend.as_deref();
            let backend = settings::backend(backend.or(args.protocol.backend.as_deref()))?;
            let cert = args.upstream_cert.as_deref();
            let files = settings::pair(cert, args.upstream_key.as_deref());
            let target = |protocol: &args::Protocol| -> Result<_, Failure> {
                let config = settings::client(protocol, &args.client, files)?;
                let tls = Tls::new(&backend, &config).map_err(Failure::config)?;
                Ok(Target::tls(endpoint.clone(), &tls, name.clone()))
            };
            if must_agree {
                for name in &args.protocol.alpn {
                    let alpn = vec![name.clone()];
                    let protocol = args::Protocol {
                        alpn,
                        ..args.protocol.clone()
                    };
                    add(Some(name), target(&protocol)?);
                }
                let none = args::Protocol {
                    alpn: Vec::new(),
                    ..args.protocol.clone()
                };
                add(None, target(&none)?);
            } else {
                add(None, target(&args.protocol)?);
            }
        } else {
            add(None, Target::plain(endpoint));
        }
        let most = args.running.connections as usize + args.prewarm as usize;
        let options = Options::new()
            .max_per_key(most)
            .max_total(most)
            .keepalive(Some(KEEPALIVE));
        let pool = Pool::new(options).map_err(|error| Failure::other("the settings", error))?;
        Ok(Self {
            pool,
            routes,
            must_agree,
            timeout: args.timeout,
            taken: Notify::new(),
        })
    }

    /// Whether the upstream must speak the protocol that the client speaks.
    pub(super) fn must_agree(&self) -> bool {
        self.must_agree
    }

    /// A connection for a client that has negotiated this protocol.
    pub(super) async fn get(&self, alpn: Option<&[u8]>) -> Result<Connection, Error> {
        let is_for = |route: &&Route| route.alpn.as_ref().map(String::as_bytes) == alpn;
        let route = self.routes.iter().find(is_for).or(self.routes.last());
        let Some(Route { target, uses, .. }) = route else {
            return Err(Error::Drained);
        };
        let uses = Arc::clone(uses);
        let pooled = self.pool.get(target, self.timeout).await?;
        self.taken.notify_one();
        if let Some(stream) = plain(&pooled) {
            reset_on_drop(stream, true);
        }
        Ok(Connection {
            pooled,
            _uses: uses,
        })
    }

    /// Holds so many connections ready for those to come. It never ends.
    pub(super) async fn keep_ready(&self, wanted: usize) {
        let first = self.routes.first().filter(|_| wanted > 0);
        let Some(Route { target, uses, .. }) = first else {
            return std::future::pending().await;
        };
        loop {
            let in_use = Arc::strong_count(uses) - 1;
            let made = self.pool.prewarm(target, in_use + wanted, self.timeout);
            if let Err(error) = made.await {
                tracing::warn!(%error, kind = error.kind(), "no connection is made in advance");
                sleep(REST).await;
                continue;
            }
            let expiry = self.pool.sweep().unwrap_or_else(|| Instant::now() + REST);
            tokio::select! {
                () = self.taken.notified() => {}
                () = sleep_until(expiry.into()) => {}
            }
        }
    }

    /// Ends those that are idle, in order.
    pub(super) async fn close(&self) {
        self.pool.drain(Duration::ZERO).await;
    }
}

/// A connection to the upstream. Dropped before it has [ended in
/// order](Self::end_in_order), the upstream sees no clean end: without TLS,
/// that is a reset.
pub(super) struct Connection {
    pooled: Pooled<AnyBackend>,
    _uses: Arc<()>,
}

impl Connection {
    pub(super) fn facts(&self) -> Option<&SessionFacts> {
        self.pooled.facts()
    }

    pub(super) fn alpn(&self) -> Option<&[u8]> {
        self.pooled.alpn()
    }

    /// The address that was connected to.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.pooled.io().tcp()?.peer_addr().ok()
    }

    /// Whether it was there already.
    pub(super) fn was_ready(&self) -> bool {
        self.pooled.is_reused()
    }

    /// The next drop is no fault.
    pub(super) fn end_in_order(&self) {
        if let Some(stream) = plain(&self.pooled) {
            reset_on_drop(stream, false);
        }
    }

    /// Gives it to others: nothing has passed on it.
    pub(super) fn release(self) {
        self.end_in_order();
        // One that is not fit is closed.
        let _ = self.pooled.release();
    }
}

/// The stream of a connection without TLS.
fn plain(pooled: &Pooled<AnyBackend>) -> Option<&tokio::net::TcpStream> {
    match pooled.is_tls() {
        true => None,
        false => pooled.io().tcp(),
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().pooled).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().pooled).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().pooled).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.pooled.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().pooled).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().pooled).poll_shutdown(cx)
    }
}
