//! No connection leaves a descriptor behind, whether its handshake succeeds
//! or fails. Alone in its process, because it counts the process's
//! descriptors.
#![cfg(any(target_os = "linux", target_os = "android"))]

use std::fs;
use std::thread;

use conformance::pki::{HOST, pki};
use polytls::tls::{
    AnyBackend, ClientConfig, Error as TlsError, ServerConfig, TlsBackend, parse_server_name,
};
use polytls::{Backend, Error, HANDSHAKE_TIMEOUT, Listener, PlainSocket, Socket};

/// How many connections of each kind are made.
const CONNECTIONS: usize = 200;

#[test]
fn no_connection_leaves_a_descriptor_behind() {
    let backends = Backend::available();
    let pairs: Vec<_> = backends
        .iter()
        .flat_map(|client| backends.iter().map(move |server| (client, server)))
        .collect();
    assert!(!pairs.is_empty(), "a backend is compiled in");
    let mut counts = Vec::new();
    // What a library opens once, for random numbers say, is open after the
    // first round.
    for connections in [1, CONNECTIONS / pairs.len()] {
        for (client, server) in &pairs {
            let peers = Peers::new(client, server);
            for _ in 0..connections {
                peers.succeed();
                peers.fail();
                peers.talk_nonsense();
                peers.vanish();
            }
        }
        counts.push(open_descriptors());
    }
    assert_eq!(counts[0], counts[1], "descriptors leak");
}

fn open_descriptors() -> usize {
    let open = fs::read_dir("/proc/self/fd").expect("the list of descriptors");
    open.count()
}

/// Two backends and what they connect with.
struct Peers<'a> {
    client: &'a AnyBackend,
    server: &'a AnyBackend,
    client_context: <AnyBackend as TlsBackend>::ClientContext,
    server_context: <AnyBackend as TlsBackend>::ServerContext,
    listener: Listener<AnyBackend>,
}

impl<'a> Peers<'a> {
    fn new(client: &'a AnyBackend, server: &'a AnyBackend) -> Self {
        let trusting = ClientConfig::builder().roots(pki().roots.clone()).build();
        let serving = ServerConfig::builder()
            .identity(pki().short.clone())
            .build();
        let mut listener = Listener::bind_tcp("127.0.0.1:0").expect("a listener");
        listener.set_timeout(Some(HANDSHAKE_TIMEOUT));
        Self {
            client,
            server,
            client_context: client
                .client(&trusting.expect("a config"))
                .expect("a context"),
            server_context: server
                .server(&serving.expect("a config"))
                .expect("a context"),
            listener,
        }
    }

    /// One connection to a server of this name, and how it went on both sides.
    fn connect(&self, name: &str) -> [Result<Socket<AnyBackend>, Error>; 2] {
        let name = parse_server_name(name).expect("a name");
        let address = self.listener.local_addr().expect("an address");
        let address = address.ip().expect("an IP address");
        thread::scope(|scope| {
            let client = scope.spawn(|| {
                Socket::connect_tls(
                    address,
                    self.client,
                    &self.client_context,
                    &name,
                    HANDSHAKE_TIMEOUT,
                )
            });
            let server = self.accept();
            [client.join().expect("no panic"), server]
        })
    }

    fn accept(&self) -> Result<Socket<AnyBackend>, Error> {
        self.listener
            .accept_tls(self.server, &self.server_context, HANDSHAKE_TIMEOUT)
            .map(|(socket, _)| socket)
    }

    fn succeed(&self) {
        for side in self.connect(HOST) {
            assert!(side.expect("a connection").facts().is_some());
        }
    }

    fn fail(&self) {
        for side in self.connect("another.example") {
            let error = side.expect_err("the name is another");
            assert!(matches!(error, Error::Tls(_)), "{error:?}");
        }
    }

    fn talk_nonsense(&self) {
        let mut peer = self.plain();
        peer.send_all(b"GET / HTTP/1.1\r\n\r\n").expect("a send");
        let error = self.accept().expect_err("it is no TLS");
        assert!(
            matches!(error, Error::Tls(TlsError::PeerMisbehaved(_))),
            "{error:?}"
        );
    }

    fn vanish(&self) {
        drop(self.plain());
        let error = self.accept().expect_err("nobody is there");
        assert_eq!(error, Error::Tls(TlsError::Truncated));
    }

    fn plain(&self) -> PlainSocket {
        let address = self.listener.local_addr().expect("an address");
        let address = address.ip().expect("an IP address");
        PlainSocket::connect_tcp(address, HANDSHAKE_TIMEOUT).expect("a connection")
    }
}
