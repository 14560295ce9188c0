//! A pool of a client, and a server that the scenario plays.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::thread;
use std::time::{Duration, Instant};

use polytls::pool::{Endpoint, Error, Options, Target, Tls};
use polytls::tls::{
    AnyBackend, AnyContext, ClientConfigBuilder, Identity, TlsBackend, parse_server_name,
};
use polytls::{Listener, Socket};
use rustix::event::{PollFd, PollFlags, poll};

use super::front::{Connection, Front};
use crate::checked::Checked;
use crate::pki::HOST;
use crate::scenario::Case;
pub(super) use crate::scenarios::shared::LONG;

/// A short time to wait in vain.
pub(super) const SHORT: Duration = Duration::from_millis(30);

/// The backend of either side, held to the contract.
pub(super) type Backend = Checked<AnyBackend>;
pub(super) type LayersCase = Case<AnyBackend, AnyBackend>;
pub(super) type End = Socket<Backend>;

pub(super) struct Rig<'a, F> {
    pub(super) case: &'a LayersCase,
    pub(super) pool: F,
    pub(super) target: Target<Backend>,
    pub(super) address: SocketAddr,
    pub(super) listener: Option<Listener<Backend>>,
    pub(super) server: AnyContext,
}

impl<'a, F: Front> Rig<'a, F> {
    /// With the usual configs.
    pub(super) fn new(case: &'a LayersCase) -> Self {
        Self::with(case, Options::new())
    }

    /// With a pool of these options.
    pub(super) fn with(case: &'a LayersCase, options: Options) -> Self {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0)));
        let address = listener.local_addr().expect("an address");
        let address = address.ip().expect("an IP address");
        let target = target(case, address, case.client_config());
        Self {
            case,
            pool: F::new(options.seed(7)).expect("a pool"),
            target: target.expect("a target"),
            address,
            listener: Some(listener),
            server: server(case, &case.pki.p256),
        }
    }

    /// A target at the same server, with another config.
    pub(super) fn target(&self, config: ClientConfigBuilder) -> Option<Target<Backend>> {
        target(self.case, self.address, config)
    }

    /// From now on the server is somebody else.
    pub(super) fn becomes(&mut self, identity: &Identity) {
        self.server = server(self.case, identity);
    }

    /// Nobody listens any more.
    pub(super) fn stop_listening(&mut self) {
        self.listener = None;
    }

    /// Somebody listens again, where somebody did.
    pub(super) fn listen_again(&mut self) {
        self.listener = Some(listen(self.address));
    }

    /// A connection to the usual target, new on both sides.
    #[track_caller]
    pub(super) fn connected(&self) -> (F::Connection, End) {
        self.connected_to(&self.target)
    }

    /// A connection to this target, new on both sides.
    #[track_caller]
    pub(super) fn connected_to(&self, target: &Target<Backend>) -> (F::Connection, End) {
        let (connection, server) = self.meet(target, LONG);
        let connection = connection.expect("a connection");
        assert!(!connection.is_reused());
        (connection, server.expect("a client"))
    }

    /// An attempt to connect, which the server takes part in.
    pub(super) fn meet(
        &self,
        target: &Target<Backend>,
        timeout: Duration,
    ) -> (Result<F::Connection, Error>, Result<End, polytls::Error>) {
        thread::scope(|scope| {
            let client = scope.spawn(move || self.pool.get(target, timeout));
            let listener = self.listener.as_ref().expect("somebody listens");
            let accepted = listener.accept_tls(&self.case.server, &self.server, LONG);
            let server = accepted.map(|(mut socket, _)| {
                // What it sends is there at once, behind what is not yet
                // acknowledged too.
                socket.set_nodelay(true).expect("an option");
                socket.set_deadline(Some(Instant::now() + LONG));
                socket
            });
            (client.join().expect("no panic"), server)
        })
    }

    /// A connection that must have been used before.
    #[track_caller]
    pub(super) fn reused(&self) -> F::Connection {
        let connection = self.pool.get(&self.target, LONG).expect("a connection");
        assert!(connection.is_reused());
        connection
    }

    /// Nothing is out and nobody waits.
    #[track_caller]
    pub(super) fn assert_at_rest(&self, idle: usize) {
        let found = self.pool.statistics();
        assert_eq!(
            (found.idle, found.in_use, found.connecting, found.waiting),
            (idle, 0, 0, 0)
        );
    }
}

fn listen(address: SocketAddr) -> Listener<Backend> {
    let mut listener = Listener::bind_tcp(address).expect("the loopback address can be bound");
    listener.set_timeout(Some(LONG));
    listener
}

fn server(case: &LayersCase, identity: &Identity) -> AnyContext {
    let config = case.server_as(identity).build().expect("a config");
    case.server.server(&config).expect("a context")
}

/// `None` if the client's backend does not take the config.
fn target(
    case: &LayersCase,
    address: SocketAddr,
    config: ClientConfigBuilder,
) -> Option<Target<Backend>> {
    let config = config.build().expect("a config");
    let tls = Tls::new(&case.client, &config).ok()?;
    let name = parse_server_name(HOST).expect("a server name");
    Some(Target::tls(Endpoint::from(address), &tls, name))
}

/// One small message each way.
#[track_caller]
pub(super) fn exchange(client: &mut impl Connection, server: &mut End) {
    let mut got = [0; 5];
    client.send_all(b"hello");
    server.recv_exact(&mut got).expect("a request");
    assert_eq!(&got, b"hello");
    server.send_all(b"there").expect("a send");
    client.recv_exact(&mut got);
    assert_eq!(&got, b"there");
}

/// Until something has arrived.
pub(super) fn until_readable(fd: BorrowedFd<'_>) {
    poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], None).expect("poll");
}

/// The error that the pool failed with.
#[track_caller]
pub(super) fn failure<T: Debug>(result: Result<T, Error>) -> Error {
    result.expect_err("it must fail")
}
