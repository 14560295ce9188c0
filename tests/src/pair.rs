//! Drives two sessions against each other on one thread.
//!
//! Every loop here is bounded: a pair that stands still fails its scenario.

use std::io::IoSlice;

use polytls::tls::{Alert, Error, Role, SessionFacts, Step, TlsSession, Transport};

use crate::pipe::{Wire, other};

/// Two sessions and the wire between them.
#[derive(Debug)]
pub struct Pair {
    /// The side that connects.
    pub client: Side,
    /// The side that accepts.
    pub server: Side,
    /// What lies between.
    pub wire: Wire,
}

/// One session with its transport.
pub struct Side {
    /// Which side this is.
    pub role: Role,
    /// The session.
    pub session: Box<dyn TlsSession>,
    /// What is lent to it.
    pub io: Box<dyn Transport>,
}

impl std::fmt::Debug for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Side").field(&self.session).finish()
    }
}

/// The calls of [`TlsSession`] with this side's transport.
impl Side {
    /// Drives the handshake.
    pub fn handshake(&mut self) -> Result<Step<()>, Error> {
        self.session.handshake(&mut *self.io)
    }

    /// Receives plaintext.
    pub fn read(&mut self, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        self.session.read(&mut *self.io, buf)
    }

    /// Sends plaintext.
    pub fn write(&mut self, data: &[u8]) -> Result<Step<usize>, Error> {
        self.write_vectored(&[IoSlice::new(data)])
    }

    /// Sends plaintext from several buffers.
    pub fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> Result<Step<usize>, Error> {
        self.session.write(&mut *self.io, bufs)
    }

    /// Sends what was kept.
    pub fn flush(&mut self) -> Result<Step<()>, Error> {
        self.session.flush(&mut *self.io)
    }

    /// Sends `close_notify`.
    pub fn close(&mut self) -> Result<Step<()>, Error> {
        self.session.close(&mut *self.io)
    }

    /// Renews the keys.
    pub fn key_update(&mut self) -> Result<Step<()>, Error> {
        self.session.key_update(&mut *self.io)
    }

    /// What was negotiated; the handshake is done.
    pub fn facts(&self) -> &SessionFacts {
        self.session.facts().expect("the handshake is done")
    }

    /// Reads until it blocks, ends or fails: what came, and the last answer.
    pub fn drain(&mut self) -> (Vec<u8>, Result<Step<usize>, Error>) {
        let mut got = Vec::new();
        let mut buf = [0; BUFFER];
        for _ in 0..MOST_ROUNDS {
            match self.read(&mut buf) {
                Ok(Step::Ready(octets)) if octets > 0 => got.extend_from_slice(&buf[..octets]),
                last => return (got, last),
            }
        }
        panic!("reading does not end");
    }
}

/// How a handshake went on both sides. A side that had finished before the
/// other failed was asked to read, so it knows too.
#[derive(Clone, Debug, PartialEq)]
pub struct Meeting {
    /// The client's end of it.
    pub client: Result<(), Error>,
    /// The server's end of it.
    pub server: Result<(), Error>,
}

impl Meeting {
    /// Asserts how the side that found the fault and the other one ended:
    /// the other was told by this alert.
    #[track_caller]
    pub fn assert_refused(&self, by: Role, error: impl Into<Error>, alert: Alert) {
        let (found, told) = match by {
            Role::Client => (&self.client, &self.server),
            Role::Server => (&self.server, &self.client),
        };
        assert_eq!(
            (found, told),
            (&Err(error.into()), &Err(Error::AlertReceived(alert))),
            "(the side that finds the fault, the other side), refused by {by:?}"
        );
    }

    /// Asserts that both sides are connected.
    #[track_caller]
    pub fn assert_met(&self) {
        let met = Self {
            client: Ok(()),
            server: Ok(()),
        };
        assert_eq!(*self, met);
    }
}

/// How one side of an exchange ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// What it received.
    pub heard: Vec<u8>,
    /// `Ok` when everything was sent and the peer's `close_notify` came.
    pub end: Result<(), Error>,
    /// Whether its handshake was done.
    pub connected: bool,
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// The client's end of it.
    pub client: Ending,
    /// The server's end of it.
    pub server: Ending,
    /// Whether both waited for each other, until the transport was ended for
    /// them: as a deadline does.
    pub stood_still: bool,
}

impl Exchange {
    /// This side's end of it.
    pub fn side(&self, role: Role) -> &Ending {
        match role {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }
}

/// Rounds in which nothing moves before it is a standstill: a transport that
/// blocks now and then needs a few.
const IDLE_ROUNDS: usize = 16;

/// Far more rounds than any scenario has a use for.
const MOST_ROUNDS: usize = 100_000;

/// The room that is offered to a read.
const BUFFER: usize = 16 * 1024;

/// Sees when a pair stands still.
struct Progress {
    moves: u64,
    idle: usize,
    rounds: usize,
}

impl Progress {
    fn new() -> Self {
        Self {
            moves: 0,
            idle: 0,
            rounds: 0,
        }
    }

    /// Whether nothing has moved for a while: neither on the wire nor, as
    /// plaintext may wait inside of a session, in what was `delivered`.
    fn stands_still(&mut self, wire: &Wire, delivered: usize) -> bool {
        self.rounds += 1;
        assert!(self.rounds < MOST_ROUNDS, "the pair never ends");
        let moves = wire.moves() + delivered as u64;
        if moves == self.moves {
            self.idle += 1;
        } else {
            self.idle = 0;
            self.moves = moves;
        }
        self.idle >= IDLE_ROUNDS
    }
}

impl Pair {
    /// This side.
    pub fn side(&mut self, role: Role) -> &mut Side {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// Drives both handshakes until each is done or has failed. A side that
    /// fails ends its transport, as a program that gives up does.
    pub fn meet(&mut self) -> Meeting {
        let mut results = [None, None];
        let mut progress = Progress::new();
        while results.iter().any(Option::is_none) {
            for (role, result) in [Role::Client, Role::Server].into_iter().zip(&mut results) {
                if result.is_some() {
                    continue;
                }
                match self.side(role).handshake() {
                    Ok(Step::Blocked(_)) => {}
                    Ok(Step::Ready(())) => *result = Some(Ok(())),
                    Err(error) => {
                        *result = Some(Err(error));
                        self.wire.end(role);
                    }
                }
            }
            assert!(
                !progress.stands_still(&self.wire, 0) || results.iter().all(Option::is_some),
                "the handshake stands still: {results:?}"
            );
        }
        let [client, server] = results.map(|result| result.expect("the loop is over"));
        let mut meeting = Meeting { client, server };
        if meeting.client.is_err() && meeting.server.is_ok() {
            meeting.server = self.what_came_of_it(Role::Server);
        } else if meeting.server.is_err() && meeting.client.is_ok() {
            meeting.client = self.what_came_of_it(Role::Client);
        }
        meeting
    }

    /// The error that a side learns by reading, after the other has failed.
    fn what_came_of_it(&mut self, role: Role) -> Result<(), Error> {
        let mut progress = Progress::new();
        loop {
            match self.side(role).drain() {
                (_, Ok(Step::Blocked(_))) => {}
                (_, Ok(Step::Ready(_))) => return Ok(()),
                (_, Err(error)) => return Err(error),
            }
            assert!(
                !progress.stands_still(&self.wire, 0),
                "the {role:?} never learns that the other side has failed"
            );
        }
    }

    /// Drives the handshakes, which must succeed.
    #[track_caller]
    pub fn connect(&mut self) {
        self.meet().assert_met();
    }

    /// Sends data from one side to the other, while both move.
    #[track_caller]
    pub fn send(&mut self, from: Role, data: &[u8]) -> Vec<u8> {
        self.finish_sending(from, data, 0)
    }

    /// Sends the rest of data of which so much has been accepted already;
    /// answers all of it that arrives.
    #[track_caller]
    pub fn finish_sending(&mut self, from: Role, data: &[u8], accepted: usize) -> Vec<u8> {
        let mut sent = accepted;
        let mut got = Vec::new();
        let mut buf = [0; BUFFER];
        let mut progress = Progress::new();
        while got.len() < data.len() {
            let sender = self.side(from);
            if sent < data.len() {
                if let Step::Ready(octets) = sender.write(&data[sent..]).expect("a write") {
                    sent += octets;
                }
            } else {
                let _ = sender.flush().expect("a flush");
            }
            while let Step::Ready(octets) = self.side(other(from)).read(&mut buf).expect("a read") {
                assert_ne!(octets, 0, "the data ends too early");
                got.extend_from_slice(&buf[..octets]);
            }
            assert!(
                !progress.stands_still(&self.wire, got.len()),
                "the data stands still"
            );
        }
        got
    }

    /// Drives a whole exchange: the handshake, each side's data, both closes.
    /// Never fails by itself: what went wrong is in the endings.
    pub fn exchange(&mut self, client_says: &[u8], server_says: &[u8]) -> Exchange {
        let mut talks = [Talk::new(client_says), Talk::new(server_says)];
        let mut progress = Progress::new();
        let mut stood_still = false;
        while talks.iter().any(|talk| talk.end.is_none()) {
            for (role, talk) in [Role::Client, Role::Server].into_iter().zip(&mut talks) {
                if talk.end.is_some() {
                    continue;
                }
                if let Err(error) = talk.step(self.side(role)) {
                    talk.end = Some(Err(error));
                }
                if talk.end.is_some() {
                    self.wire.end(role);
                }
            }
            let delivered = talks.iter().map(|talk| talk.heard.len()).sum();
            if progress.stands_still(&self.wire, delivered)
                && talks.iter().any(|talk| talk.end.is_none())
            {
                assert!(!stood_still, "a session hangs after the transport's end");
                stood_still = true;
                progress = Progress::new();
                self.wire.end(Role::Client);
                self.wire.end(Role::Server);
            }
        }
        let [client, server] = talks.map(Talk::ending);
        Exchange {
            client,
            server,
            stood_still,
        }
    }
}

/// One side's part of an exchange.
struct Talk<'a> {
    says: &'a [u8],
    sent: usize,
    connected: bool,
    closed: bool,
    ended: bool,
    heard: Vec<u8>,
    end: Option<Result<(), Error>>,
}

impl<'a> Talk<'a> {
    fn new(says: &'a [u8]) -> Self {
        Self {
            says,
            sent: 0,
            connected: false,
            closed: false,
            ended: false,
            heard: Vec::new(),
            end: None,
        }
    }

    fn step(&mut self, side: &mut Side) -> Result<(), Error> {
        if !self.connected {
            self.connected = side.handshake()?.is_ready();
            return Ok(());
        }
        if !self.ended {
            let mut buf = [0; 1024];
            match side.read(&mut buf)? {
                Step::Ready(0) => self.ended = true,
                Step::Ready(octets) => self.heard.extend_from_slice(&buf[..octets]),
                Step::Blocked(_) => {}
            }
        }
        if self.sent < self.says.len() {
            if let Step::Ready(octets) = side.write(&self.says[self.sent..])? {
                self.sent += octets;
            }
        } else if !self.closed {
            self.closed = side.close()?.is_ready();
        }
        if self.closed && self.ended {
            self.end = Some(Ok(()));
        }
        Ok(())
    }

    fn ending(self) -> Ending {
        Ending {
            heard: self.heard,
            end: self.end.expect("the exchange is over"),
            connected: self.connected,
        }
    }
}
