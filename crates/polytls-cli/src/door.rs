//! Who comes in, and how all go, with tokio.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use polytls::Listener;
use polytls::pool::server::{Admission, HandshakePermit, Limits, Permit};
use polytls::tls::AnyBackend;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::failure::Failure;
use crate::{access, signals};

/// How long to let things settle when a connection cannot be accepted, for
/// example because no descriptor is free.
const REST: Duration = Duration::from_millis(100);

/// Tells when to stop.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// At the first signal.
    pub(crate) fn at_signal() -> Result<Self, Failure> {
        let (stop, stops) = watch::channel(false);
        // It fails only if nobody listens any more.
        signals::at_first(move || {
            let _ = stop.send(true);
        })?;
        Ok(Self(stops))
    }

    /// Ends when it is time to stop.
    pub(crate) async fn begun(&self) {
        // The sender goes when it has told.
        let _ = self.0.clone().wait_for(|stops| *stops).await;
    }
}

/// A listener that lets no more in than there is room for.
pub(crate) struct Door {
    listener: TcpListener,
    limits: Limits,
    admission: Admission,
    freed: Arc<Notify>,
}

/// The right of one connection to be there.
pub(crate) struct Place {
    // In this order: there is room before it is told.
    permit: Permit,
    _freed: Freed,
}

/// Tells when it is dropped that there is room.
struct Freed(Arc<Notify>);

impl Door {
    /// Needs the runtime.
    pub(crate) fn new(listener: Listener<AnyBackend>, limits: Limits) -> io::Result<Self> {
        let listener = std::net::TcpListener::from(listener.into_fd());
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener: TcpListener::from_std(listener)?,
            limits,
            admission: Admission::new(limits),
            freed: Arc::default(),
        })
    }

    /// Serves each client in a task of its own until it is time to stop. Then
    /// nobody comes in any more, and whoever has not gone when the time is over
    /// is cut off.
    pub(crate) async fn serve<F>(
        self,
        stop: Stop,
        drain_timeout: Duration,
        serve: impl Fn(TcpStream, SocketAddr, Place) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                (stream, peer, place) = self.next() => {
                    tasks.spawn(serve(stream, peer, place));
                }
                // Takes back what tasks leave behind.
                Some(_) = tasks.join_next() => {}
                () = stop.begun() => break,
            }
        }
        drop(self);
        let drained = async { while tasks.join_next().await.is_some() {} };
        if timeout(drain_timeout, drained).await.is_err() {
            tasks.shutdown().await;
        }
    }

    /// The next client that is let in. Others wait in the system's queue while
    /// there is no room.
    async fn next(&self) -> (TcpStream, SocketAddr, Place) {
        loop {
            let freed = self.freed.notified();
            if self.admission.statistics().connections >= self.limits.connections {
                freed.await;
                continue;
            }
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "connections are not accepted for a moment");
                    sleep(REST).await;
                    continue;
                }
            };
            match self.admission.admit(Some(peer.ip()), Instant::now()) {
                Ok(permit) => {
                    // It fails only where the peer has gone.
                    let _ = stream.set_nodelay(true);
                    let place = Place {
                        permit,
                        _freed: Freed(Arc::clone(&self.freed)),
                    };
                    return (stream, peer, place);
                }
                Err(refusal) => access::Connection::new(peer).failed("refused", refusal),
            }
        }
    }
}

impl Place {
    /// Waits for its turn to do a handshake. Who comes first is first.
    pub(crate) async fn handshake(&self) -> HandshakePermit {
        self.permit.handshake_turn().await
    }
}

impl Drop for Freed {
    fn drop(&mut self) {
        self.0.notify_waiters();
    }
}
