//! A loop, and what is put on it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use polytls::poll::{Event, Events, Load, Options, Poll, Token};
use polytls::tls::{AnyBackend, ClientConfigBuilder, ServerName, TlsBackend, parse_server_name};
use polytls::{Listener, Socket, Step};

use crate::checked::Checked;
use crate::pki::HOST;
use crate::scenario::{Case, Scenario};
pub(super) use crate::scenarios::shared::{LONG, pattern, timed};

pub(super) type LoopCase = Case<AnyBackend, AnyBackend>;
pub(super) type LoopScenario = Scenario<AnyBackend, AnyBackend>;
pub(super) type Backend = Checked<AnyBackend>;
pub(super) type End = Socket<Backend>;

/// A short time to wait in vain.
pub(super) const SHORT: Duration = Duration::from_millis(25);

/// Which end of a connection is played with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Near {
    Client,
    Server,
}

impl Near {
    pub(super) const BOTH: [Self; 2] = [Self::Client, Self::Server];
}

/// A loop with what was received on it.
pub(super) struct Rig<'a> {
    case: &'a LoopCase,
    client: <Backend as TlsBackend>::ClientContext,
    server: <Backend as TlsBackend>::ServerContext,
    name: ServerName<'static>,
    pub(super) poll: Poll<Backend>,
    pub(super) got: BTreeMap<Token, Vec<u8>>,
}

impl<'a> Rig<'a> {
    /// With the usual configs.
    pub(super) fn new(case: &'a LoopCase) -> Self {
        Self::of(case, case.client_config())
    }

    /// With this client's config.
    pub(super) fn of(case: &'a LoopCase, client: ClientConfigBuilder) -> Self {
        let client = client.build().expect("a client's config");
        let server = case.server_as(&case.pki.short).build();
        Self {
            case,
            client: case.client.client(&client).expect("a client's context"),
            server: case
                .server
                .server(&server.expect("a server's config"))
                .expect("a server's context"),
            name: parse_server_name(HOST).expect("a name"),
            poll: Poll::new().expect("a loop"),
            got: BTreeMap::new(),
        }
    }

    /// Two plain ends over TCP, the first of which connected.
    pub(super) fn plain(&self) -> [End; 2] {
        let mut listener = Listener::bind_tcp("127.0.0.1:0").expect("a listener");
        listener.set_timeout(Some(LONG));
        let address = listener.local_addr().expect("an address");
        let address = address.ip().expect("an IP address");
        let mut client = Socket::connect_tcp(address, LONG).expect("a connection");
        let (mut server, _) = listener.accept().expect("a client");
        for end in [&mut client, &mut server] {
            end.set_nodelay(true).expect("an option");
            end.set_deadline(Some(Instant::now() + LONG));
        }
        [client, server]
    }

    pub(super) fn turn_on(&self, end: &mut End, role: Near) {
        match role {
            Near::Client => end.enable_tls_client(&self.case.client, &self.client, &self.name),
            Near::Server => end.enable_tls_server(&self.case.server, &self.server),
        }
        .expect("TLS");
    }

    /// Turns TLS on at a connection of the loop.
    pub(super) fn turn_on_here(&mut self, token: Token, role: Near) {
        let mut connection = self.poll.connection(token).expect("a connection");
        match role {
            Near::Client => {
                connection.enable_tls_client(&self.case.client, &self.client, &self.name)
            }
            Near::Server => connection.enable_tls_server(&self.case.server, &self.server),
        }
        .expect("TLS");
    }

    /// Two ends with TLS on, the played one first.
    pub(super) fn ends(&self, near: Near) -> [End; 2] {
        let [mut client, mut server] = self.plain();
        self.turn_on(&mut client, Near::Client);
        self.turn_on(&mut server, Near::Server);
        match near {
            Near::Client => [client, server],
            Near::Server => [server, client],
        }
    }

    pub(super) fn add(&mut self, end: End, options: &Options) -> Token {
        self.poll.add(end, options).expect("a connection")
    }

    /// Two ends on the loop whose handshakes are done, the played one first.
    #[track_caller]
    pub(super) fn connected(&mut self, near: Near, options: &Options) -> [Token; 2] {
        let [near, far] = self.ends(near);
        let near = self.add(near, options);
        let far = self.add(far, &Options::new());
        let mut shaken = Vec::new();
        while shaken.len() < 2 {
            for event in self.next() {
                match event {
                    Event::HandshakeDone(token) => shaken.push(token),
                    other => panic!("{other:?} in a handshake"),
                }
            }
        }
        shaken.sort_unstable();
        let mut both = [near, far];
        both.sort_unstable();
        assert_eq!(shaken, both, "each is told once");
        self.assert_quiet();
        [near, far]
    }

    /// One end on the loop and the other by hand, with the handshakes done.
    #[track_caller]
    pub(super) fn connected_to_hand(&mut self, near: Near, options: &Options) -> (Token, End) {
        let [near, mut far] = self.ends(near);
        let near = self.add(near, options);
        let mut shaken = false;
        let mut far_shaken = false;
        while !(shaken && far_shaken) {
            far_shaken |= far.handshake_step().expect("a handshake").is_ready();
            for event in self.turn(Duration::from_millis(1)) {
                assert_eq!(event, Event::HandshakeDone(near));
                shaken = true;
            }
        }
        self.assert_quiet();
        // What the server says behind the handshake.
        assert!(!far.try_recv(&mut [0]).expect("nothing").is_ready());
        (near, far)
    }

    /// The events of one turn. What can be received has been, and is not told.
    pub(super) fn turn(&mut self, timeout: Duration) -> Vec<Event> {
        let told = self.told(timeout);
        let mut left = Vec::new();
        for event in told {
            match event {
                Event::Readable(token) => {
                    self.receive(token);
                }
                other => left.push(other),
            }
        }
        left
    }

    /// The events of one turn, all of them.
    pub(super) fn told(&mut self, timeout: Duration) -> Vec<Event> {
        let mut events = Events::new();
        self.poll.poll(&mut events, Some(timeout)).expect("a turn");
        events.iter().cloned().collect()
    }

    /// Receives what there is in this turn, and answers how much that was.
    pub(super) fn receive(&mut self, token: Token) -> usize {
        let mut received = 0;
        let mut buf = [0; 16 * 1024];
        let Some(mut connection) = self.poll.connection(token) else {
            return 0;
        };
        let got = self.got.entry(token).or_default();
        while let Step::Ready(octets) = connection.recv(&mut buf) {
            assert!(octets > 0, "a receive brings something or is blocked");
            got.extend_from_slice(&buf[..octets]);
            received += octets;
        }
        received
    }

    /// The next events other than of data.
    #[track_caller]
    pub(super) fn next(&mut self) -> Vec<Event> {
        let start = Instant::now();
        while start.elapsed() < LONG {
            let events = self.turn(LONG);
            if !events.is_empty() {
                return events;
            }
        }
        panic!("nothing happens");
    }

    /// Takes so much of a connection.
    #[track_caller]
    pub(super) fn expect(&mut self, token: Token, octets: &[u8]) {
        let start = Instant::now();
        while self.got.get(&token).map_or(0, Vec::len) < octets.len() {
            assert!(start.elapsed() < LONG, "data does not come");
            let events = self.turn(LONG);
            assert!(events.is_empty(), "{events:?} amid the data");
        }
        assert!(self.got.remove(&token).expect("data") == octets);
    }

    #[track_caller]
    pub(super) fn send(&mut self, token: Token, octets: &[u8]) {
        let mut connection = self.poll.connection(token).expect("a connection");
        assert_eq!(connection.send(octets), Ok(octets.len()));
    }

    /// Lets TLS say what it has to say, in which there is no data.
    #[track_caller]
    pub(super) fn assert_quiet(&mut self) {
        for _ in 0..100 {
            let told = self.told(Duration::from_millis(1));
            if told.is_empty() {
                return;
            }
            for event in told {
                let Event::Readable(token) = event else {
                    panic!("{event:?}");
                };
                assert_eq!(self.receive(token), 0, "data out of nothing");
            }
        }
        panic!("it is never quiet");
    }

    /// Asserts that the turn of final events leaves nothing behind.
    #[track_caller]
    pub(super) fn assert_nothing_is_left(&mut self) {
        assert_eq!(self.told(Duration::ZERO), []);
        assert_eq!(self.poll.load(), Load::default());
    }
}
