//! Two sockets that are connected by the system, and what runs them at once.

use std::any::Any;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use polytls::tls::{
    ClientConfigBuilder, Error as TlsError, ServerConfigBuilder, ServerName, TlsBackend,
    parse_server_name,
};
use polytls::{Error, Listener, Operation, Socket};

use crate::checked::Checked;
use crate::pki::HOST;
use crate::scenario::Case;
pub(super) use crate::scenarios::shared::{LONG, pattern, timed};

/// A socket whose sessions are held to the contract.
pub(super) type End<B> = Socket<Checked<B>>;

/// A short time to wait in vain.
pub(super) const SHORT: Duration = Duration::from_millis(40);

/// By what two sockets are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// TCP over 127.0.0.1.
    Tcp4,
    /// TCP over `::1`.
    Tcp6,
    /// A Unix socket in the file system.
    Unix,
    /// A pair of Unix sockets without names.
    Pair,
}

impl Link {
    pub(super) const ALL: [Self; 4] = [Self::Tcp4, Self::Tcp6, Self::Unix, Self::Pair];

    /// How it stands in a scenario's name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Tcp4 => "tcp4",
            Self::Tcp6 => "tcp6",
            Self::Unix => "unix",
            Self::Pair => "a_socketpair",
        }
    }

    /// Two plain sockets, the first of which has connected. Nothing that they
    /// do takes longer than [`LONG`].
    pub(super) fn connect<A: TlsBackend, B: TlsBackend>(self) -> (End<A>, End<B>) {
        let (mut near, mut far) = match self {
            Self::Tcp4 => tcp("127.0.0.1:0"),
            Self::Tcp6 => tcp("[::1]:0"),
            Self::Unix => unix(),
            Self::Pair => pair(),
        };
        let deadline = Some(Instant::now() + LONG);
        near.set_deadline(deadline);
        far.set_deadline(deadline);
        (near, far)
    }
}

/// A listener on a port of its own.
pub(super) fn listener<B: TlsBackend>(address: &str) -> Listener<Checked<B>> {
    let mut listener = Listener::bind_tcp(address).expect("the loopback address can be bound");
    listener.set_timeout(Some(LONG));
    listener
}

fn tcp<A: TlsBackend, B: TlsBackend>(address: &str) -> (End<A>, End<B>) {
    let listener = listener(address);
    let address = listener.local_addr().ok().and_then(|address| address.ip());
    let near = Socket::connect_tcp(address.expect("an address"), LONG).expect("a connection");
    let (far, _) = listener.accept().expect("a client");
    (near, far)
}

fn unix<A: TlsBackend, B: TlsBackend>() -> (End<A>, End<B>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let mut listener = Listener::bind_unix(&path).expect("a path that can be bound");
    listener.set_timeout(Some(LONG));
    let near = Socket::connect_unix(&path, LONG).expect("a connection");
    let (far, _) = listener.accept().expect("a client");
    (near, far)
}

fn pair<A: TlsBackend, B: TlsBackend>() -> (End<A>, End<B>) {
    let (near, far) = std::os::unix::net::UnixStream::pair().expect("a pair");
    (near.into(), far.into())
}

/// Both sides' compiled configs.
pub(super) struct Setup<'a, C: TlsBackend, S: TlsBackend> {
    pub(super) case: &'a Case<C, S>,
    pub(super) client: C::ClientContext,
    pub(super) server: S::ServerContext,
    pub(super) name: ServerName<'static>,
}

impl<'a, C: TlsBackend, S: TlsBackend> Setup<'a, C, S> {
    /// With the usual configs.
    pub(super) fn new(case: &'a Case<C, S>) -> Self {
        Self::of(case, case.client_config(), case.server_config())
    }

    /// With these configs.
    pub(super) fn of(
        case: &'a Case<C, S>,
        client: ClientConfigBuilder,
        server: ServerConfigBuilder,
    ) -> Self {
        let client = client.build().expect("a client's config");
        let server = server.build().expect("a server's config");
        Self {
            case,
            client: case.client.client(&client).expect("a client's context"),
            server: case.server.server(&server).expect("a server's context"),
            name: parse_server_name(HOST).expect("a server name"),
        }
    }

    /// Turns TLS on at the client.
    #[track_caller]
    pub(super) fn turn_client_on(&self, client: &mut End<C>) {
        client
            .enable_tls_client(&self.case.client, &self.client, &self.name)
            .expect("TLS at the client");
    }

    /// Turns TLS on at the server.
    #[track_caller]
    pub(super) fn turn_server_on(&self, server: &mut End<S>) {
        server
            .enable_tls_server(&self.case.server, &self.server)
            .expect("TLS at the server");
    }

    /// Two sockets with TLS on, of which nothing has been sent.
    pub(super) fn turned_on(&self, link: Link) -> (End<C>, End<S>) {
        let (mut client, mut server) = link.connect();
        self.turn_client_on(&mut client);
        self.turn_server_on(&mut server);
        (client, server)
    }

    /// Two sockets whose handshakes are done.
    #[track_caller]
    pub(super) fn connected(&self, link: Link) -> (End<C>, End<S>) {
        let (mut client, mut server) = self.turned_on(link);
        shake(&mut client, &mut server);
        (client, server)
    }
}

/// Plays a generic function over two connected ends, once with the client as
/// its first and once with the server.
macro_rules! in_both_roles {
    ($case:expr, $link:expr, $play:ident) => {{
        let setup = Setup::new($case);
        let (client, server) = setup.connected($link);
        $play(client, server);
        let (client, server) = setup.connected($link);
        $play(server, client);
    }};
}
pub(super) use in_both_roles;

/// Does the handshakes of both at once.
#[track_caller]
pub(super) fn shake<A: TlsBackend, B: TlsBackend>(near: &mut End<A>, far: &mut End<B>) {
    let both = together(|| near.handshake(LONG), || far.handshake(LONG));
    assert_eq!(both, (Ok(()), Ok(())));
}

/// Runs two sides at once, each to its end. A side that gives up drops what
/// it owns, so the other learns of it; the words of both are kept.
#[track_caller]
pub(super) fn together<R: Send, T>(
    one: impl FnOnce() -> R + Send,
    two: impl FnOnce() -> T,
) -> (R, T) {
    let (one, two) = thread::scope(|scope| {
        let one = scope.spawn(one);
        let two = catch_unwind(AssertUnwindSafe(two));
        (one.join(), two)
    });
    match (one, two) {
        (Ok(one), Ok(two)) => (one, two),
        (one, two) => {
            let words = [one.err(), two.err()].map(|panic| panic.map(|panic| words(&*panic)));
            panic!("of two sides failed: {words:?}")
        }
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref().map(|words: &&str| (*words).to_owned()))
        .unwrap_or_default()
}

/// The time was over before anything was done.
pub(super) const fn over(during: Operation) -> Error {
    Error::Timeout { during, done: 0 }
}

/// The TLS error that it failed with.
#[track_caller]
pub(super) fn tls_error<T: Debug>(result: Result<T, Error>) -> TlsError {
    match result {
        Err(Error::Tls(error)) => error,
        other => panic!("not a TLS error: {other:?}"),
    }
}

/// Receives to the clean end.
#[track_caller]
pub(super) fn receive_all<B: TlsBackend>(end: &mut End<B>) -> Vec<u8> {
    let mut got = Vec::new();
    let mut buf = [0; 16 * 1024];
    loop {
        match end.recv(&mut buf).expect("data or a clean end") {
            0 => return got,
            octets => got.extend_from_slice(&buf[..octets]),
        }
    }
}

/// One small message each way.
#[track_caller]
pub(super) fn greet<A: TlsBackend, B: TlsBackend>(near: &mut End<A>, far: &mut End<B>) {
    let mut got = [0; 5];
    near.send_all(b"hello").expect("a send");
    far.recv_exact(&mut got).expect("a greeting");
    assert_eq!(&got, b"hello");
    far.send_all(b"there").expect("a send");
    near.recv_exact(&mut got).expect("an answer");
    assert_eq!(&got, b"there");
}
