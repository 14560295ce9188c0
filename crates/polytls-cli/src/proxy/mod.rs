//! `polytls proxy`.

mod carry;
mod client;
mod line;
mod upstream;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anstream::stdout;
use polytls::tls::AnyBackend;
use polytls::tokio::TlsAcceptor;
use polytls::{Keepalive, Listener, SHUTDOWN_TIMEOUT};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::door::{Door, Place, Stop};
use crate::failure::Failure;
use crate::watched::{Activity, Watched};
use crate::{access, args, log, settings};
use carry::{Broken, End, Side, carry};
use client::Client;
use line::Line;
use upstream::Upstream;

/// A connection may be silent for as long as it likes, but not because the other
/// end has vanished: that is noticed after two minutes.
const KEEPALIVE: Keepalive = Keepalive {
    idle: Duration::from_secs(60),
    interval: Duration::from_secs(10),
    probes: 6,
};

pub(crate) fn run(args: &args::Proxy) -> Result<(), Failure> {
    let upstream = Upstream::new(args)?;
    let acceptor = match args.terminate {
        true => Some(acceptor(args)?),
        false => None,
    };
    let listener = Listener::<AnyBackend>::bind_tcp(args.listen)
        .map_err(|error| Failure::at("listening", error))?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::at("listening", error))?;
    log::start(args.running.log_format);
    let failed = |error| Failure::io("starting tokio", &error);
    let stop = Stop::at_signal()?;
    // The first line on standard output tells where, for whoever asked for port 0.
    writeln!(stdout(), "listening on {address} for {}", args.upstream)
        .and_then(|()| stdout().flush())
        .map_err(Failure::output)?;
    let runtime = Runtime::new().map_err(failed)?;
    let proxy = Arc::new(Proxy {
        acceptor,
        upstream,
        idle_timeout: args.idle_timeout,
    });
    runtime.block_on(async {
        let door = Door::new(listener, settings::limits(&args.running)).map_err(failed)?;
        let (stops, serving) = (stop.clone(), Arc::clone(&proxy));
        let serve = move |stream, peer, place| {
            let (proxy, stop) = (Arc::clone(&serving), stops.clone());
            async move { proxy.client(stream, peer, place, stop).await }
        };
        tokio::select! {
            () = door.serve(stop, args.running.drain_timeout, serve) => {}
            () = proxy.upstream.keep_ready(args.prewarm as usize) => {}
        }
        proxy.upstream.close().await;
        Ok(())
    })?;
    // The system's resolver cannot be stopped, and holds nobody up.
    runtime.shutdown_background();
    Ok(())
}

fn acceptor(args: &args::Proxy) -> Result<TlsAcceptor<AnyBackend>, Failure> {
    let backend = settings::backend(args.protocol.backend.as_deref())?;
    let config = settings::server(&backend, &args.protocol, &args.server, &[])?;
    let acceptor = TlsAcceptor::from_config(backend, &config).map_err(Failure::config)?;
    Ok(acceptor.handshake_timeout(Some(args.timeout)))
}

struct Proxy {
    acceptor: Option<TlsAcceptor<AnyBackend>>,
    upstream: Upstream,
    idle_timeout: Option<Duration>,
}

impl Proxy {
    /// Passes one client on, to its end.
    async fn client(&self, stream: TcpStream, peer: SocketAddr, place: Place, stop: Stop) {
        let mut line = Line::new(peer);
        let client = tokio::select! {
            client = Client::new(stream, self.acceptor.as_ref(), &place) => client,
            // Nothing has been said that could be ended.
            () = stop.begun() => return,
        };
        let client = match client {
            Ok(client) => client,
            Err(error) => return line.failed(Side::Client, access::kind(&error), error),
        };
        line.client = access::Tls::of(client.facts());
        let upstream = match self.upstream.get(client.alpn()).await {
            Ok(upstream) => upstream,
            Err(error) => return line.failed(Side::Upstream, error.kind(), error),
        };
        line.connected(&upstream);
        if self.upstream.must_agree() && client.alpn() != upstream.alpn() {
            let error = "the upstream does not agree on the client's protocol";
            return line.failed(Side::Upstream, "alpn", error);
        }

        let (of_client, of_upstream) = (Activity::new(), Activity::new());
        let mut line = line.counting(&of_client);
        let mut client = Watched::new(client, &of_client);
        let mut upstream = Watched::new(upstream, &of_upstream);
        let unused = || of_client.read() == 0 && of_upstream.read() == 0;
        let end = tokio::select! {
            end = carry(&mut client, &mut upstream) => end,
            end = self.is_over(&of_client, &of_upstream) => end,
            () = async { stop.begun().await; if !unused() { std::future::pending().await } } => {
                End::Unused
            }
        };
        match end {
            End::Clean => {
                line.ended("closed");
                client.into_inner().end_in_order();
                upstream.into_inner().end_in_order();
            }
            End::Unused => {
                line.ended("drained");
                upstream.into_inner().release();
                let mut client = client.into_inner();
                client.end_in_order();
                // The client may be gone already.
                let _ = timeout(SHUTDOWN_TIMEOUT, client.shutdown()).await;
            }
            End::Idle => line.ended("idle-timeout"),
            // Both are dropped, and neither end looks clean.
            End::Broken(Broken { by, error }) => {
                line.failed(by, access::kind(&error), error);
                // The upstream has seen nothing of this client.
                if by == Side::Client && unused() {
                    upstream.into_inner().release();
                }
            }
        }
    }

    /// Ends when nothing has passed for too long.
    async fn is_over(&self, client: &Activity, upstream: &Activity) -> End {
        match self.idle_timeout {
            None => std::future::pending().await,
            Some(timeout) => {
                // What one sends the other is sent, if it takes it.
                tokio::join!(client.idle(timeout), upstream.idle(timeout));
                End::Idle
            }
        }
    }
}
