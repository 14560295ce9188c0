//! No future of tokio's streams that is dropped midway leaves a descriptor
//! behind. Alone in its process, because it counts the process's descriptors.
#![cfg(any(target_os = "linux", target_os = "android"))]

use std::fs;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;

use conformance::pki::{HOST, pki};
use polytls::Backend;
use polytls::tls::{
    AnyBackend, Capabilities, ClientConfig, Role, ServerConfig, ServerName, TlsBackend,
    parse_server_name,
};
use polytls::tokio::{LazyAcceptor, Offload, TlsAcceptor, TlsConnector, TlsStream};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

/// How many times each future is dropped for each pair.
const ROUNDS: usize = 10;

#[test]
fn no_dropped_future_leaves_a_descriptor_behind() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let backends = Backend::available();
    let pairs = backends
        .iter()
        .flat_map(|client| backends.iter().map(move |server| (client, server)));
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let ends = Ends {
            address: listener.local_addr().expect("an address"),
            listener,
        };
        for (client, server) in pairs {
            let makers = Makers::new(client, server);
            // What a library opens once is open after the first round.
            ends.drop_all(&makers).await;
            let before = open_descriptors();
            for _ in 0..ROUNDS {
                ends.drop_all(&makers).await;
            }
            let (client, server) = (client.info().name, server.info().name);
            assert_eq!(before, open_descriptors(), "{client} and {server} leak");
            assert_eq!(makers.offload.available(), 1, "a place is lost");
        }
    });
}

fn open_descriptors() -> usize {
    let open = fs::read_dir("/proc/self/fd").expect("the list of descriptors");
    open.count()
}

/// What makes both ends.
struct Makers {
    connector: TlsConnector<AnyBackend>,
    acceptor: TlsAcceptor<AnyBackend>,
    offload: Offload,
    name: ServerName<'static>,
    renews: bool,
}

impl Makers {
    fn new(client: &AnyBackend, server: &AnyBackend) -> Self {
        let config = ClientConfig::builder().roots(pki().roots.clone()).build();
        let connector = TlsConnector::from_config(client.clone(), &config.expect("a config"));
        let config = ServerConfig::builder()
            .identity(pki().short.clone())
            .build();
        let acceptor = TlsAcceptor::from_config(server.clone(), &config.expect("a config"));
        let needs = Capabilities::TLS13 | Capabilities::KEY_UPDATE;
        let has = |backend: &AnyBackend, role| backend.info().capabilities(role).contains(needs);
        Self {
            connector: connector.expect("a connector"),
            acceptor: acceptor.expect("an acceptor"),
            offload: Offload::new(1),
            name: parse_server_name(HOST).expect("a name"),
            renews: has(client, Role::Client) && has(server, Role::Server),
        }
    }
}

/// Where connections come from.
struct Ends {
    listener: TcpListener,
    address: SocketAddr,
}

impl Ends {
    async fn pair(&self) -> (TcpStream, TcpStream) {
        let (near, accepted) =
            tokio::join!(TcpStream::connect(self.address), self.listener.accept());
        (near.expect("a connection"), accepted.expect("a client").0)
    }

    async fn connected(&self, makers: &Makers) -> [TlsStream<AnyBackend, TcpStream>; 2] {
        let (near, far) = self.pair().await;
        let client = makers.connector.connect(&makers.name, near);
        let (client, server) = tokio::join!(client, makers.acceptor.accept(far));
        [client.expect("a handshake"), server.expect("a handshake")]
    }

    /// Drops each kind of future in the middle, and then what it was of.
    async fn drop_all(&self, makers: &Makers) {
        let offloading = (
            makers.connector.clone().offload(makers.offload.clone()),
            makers.acceptor.clone().offload(makers.offload.clone()),
        );
        for (connector, acceptor) in [
            (&makers.connector, &makers.acceptor),
            (&offloading.0, &offloading.1),
        ] {
            for polls in 0..3 {
                let (near, far) = self.pair().await;
                let client = connector.connect(&makers.name, near);
                let _ = tokio::join!(cut(client, polls), acceptor.accept(far));
                let (near, far) = self.pair().await;
                let client = connector.connect(&makers.name, near);
                let _ = tokio::join!(cut(acceptor.accept(far), polls), client);
            }
        }
        let (near, far) = self.pair().await;
        let client = makers.connector.connect(&makers.name, near);
        let _ = tokio::join!(cut(client, 1), cut(LazyAcceptor::new(far), 1));
        for end in [0, 1] {
            let mut ends = self.connected(makers).await;
            if makers.renews {
                cut(ends[end].key_update(), 1).await;
            }
            cut(ends[end].write_all(&[0; 100_000]), 1).await;
            cut(ends[end].shutdown(), 1).await;
        }
        while makers.offload.available() == 0 {
            // A step that was under way when its handshake was dropped.
            tokio::task::yield_now().await;
        }
    }
}

/// Polls a future so often, and drops it.
async fn cut<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        // The peer's turn.
        tokio::task::yield_now().await;
    }
    None
}
