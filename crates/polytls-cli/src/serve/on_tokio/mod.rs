//! The server on tokio: a task for each client, on all cores.

mod body;
mod echo;
mod http;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use polytls::tls::AnyBackend;
use polytls::tokio::{TlsAcceptor, TlsStream};
use polytls::{Listener, MAX_DISCARDED_OCTETS, SHUTDOWN_TIMEOUT};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::{Server, Service};
use crate::access;
use crate::door::{Door, Place, Stop};
use crate::failure::Failure;
use crate::watched::{Activity, Watched};

/// Serves until a signal, and then until all clients have been. `ready` is
/// called when signals are waited for.
pub(super) fn run(
    server: Server,
    listener: Listener<AnyBackend>,
    ready: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let failed = |error| Failure::io("starting tokio", &error);
    let stop = Stop::at_signal()?;
    ready()?;
    let runtime = Runtime::new().map_err(failed)?;
    let server = Arc::new(server);
    runtime.block_on(async {
        let door = Door::new(listener, server.limits).map_err(failed)?;
        let timeout = server.drain_timeout;
        let stops = stop.clone();
        let serve = move |stream, peer, place| {
            let (server, stop) = (Arc::clone(&server), stops.clone());
            async move { server.client(stream, peer, place, stop).await }
        };
        door.serve(stop, timeout, serve).await;
        Ok(())
    })?;
    // A thread that reads from a slow disk holds nobody up.
    runtime.shutdown_background();
    Ok(())
}

impl Server {
    /// Serves one client to its end.
    async fn client(&self, stream: TcpStream, peer: SocketAddr, place: Place, stop: Stop) {
        let mut line = access::Connection::new(peer);
        let stream = tokio::select! {
            stream = self.accept(stream, &place, &mut line) => stream,
            // Nothing has been said that could be ended.
            () = stop.begun() => return,
        };
        let Some(stream) = stream else { return };
        line.tls = access::Tls::of(stream.facts());
        let is_h2 = stream.alpn() == Some(b"h2");
        let activity = Activity::new();
        let stream = Watched::new(stream, &activity);
        let end = Ending {
            activity: &activity,
            timeout: self.timeout,
            stop: &stop,
        };
        // Whatever becomes of it, its numbers are told.
        let mut line = Counted {
            line,
            activity: Arc::clone(&activity),
        };
        match &self.service {
            Service::Folder(folder) => {
                http::serve(stream, is_h2, folder, &end, &mut line.line).await;
            }
            Service::Echo => echo::serve(stream, &end, &mut line.line).await,
        }
    }

    async fn accept(
        &self,
        stream: TcpStream,
        place: &Place,
        line: &mut access::Connection,
    ) -> Option<TlsStream<AnyBackend, TcpStream>> {
        let _turn = place.handshake().await;
        let acceptor = TlsAcceptor::new(self.backend.clone(), self.context.clone())
            .handshake_timeout(Some(self.timeout));
        match acceptor.accept(stream).await {
            Ok(stream) => Some(stream),
            Err(error) => {
                line.failed(access::kind(&error), error);
                None
            }
        }
    }
}

/// Why a connection ends that its client does not end.
struct Ending<'a> {
    activity: &'a Activity,
    timeout: Duration,
    stop: &'a Stop,
}

impl Ending<'_> {
    /// How long an end in order may take.
    fn grace(&self) -> Duration {
        SHUTDOWN_TIMEOUT.min(self.timeout)
    }

    /// Ends our direction, and waits a little for the client's end. What comes
    /// until then is thrown away: left unread, it would make a reset, which can
    /// overtake what was sent before.
    async fn in_order(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let ending = async {
            stream.shutdown().await?;
            let mut rest = stream.take(MAX_DISCARDED_OCTETS);
            tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
        };
        // The client may be gone already: it has had all that it asked for.
        let _ = timeout(self.grace(), ending).await;
    }
}

struct Counted {
    line: access::Connection,
    activity: Arc<Activity>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.line.received = self.activity.read();
        self.line.sent = self.activity.written();
    }
}
