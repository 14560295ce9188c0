//! native-tls as `backend-kit` drives it.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use backend_kit::{Pause, Session};
use native_tls::{HandshakeError, MidHandshakeTlsStream, TlsAcceptor, TlsConnector, TlsStream};
use tls_core::{
    Capabilities, Error, LentTransport, PeerCertificates, PeerMisbehaved, Role, SessionFacts,
    StagedTransport,
};

use crate::info::NAME;
use crate::peers::Peers;
use crate::platform;
use crate::stream::{Home, Stream, Watched, take_back};

/// A session over native-tls.
pub type NativeSession = Session<Library>;

/// How many records one call of the library takes in. It comes back by itself
/// only with data: a peer that sends nothing but other messages cannot keep the
/// caller inside of a read.
const MAX_RECORDS: u64 = 16;

/// The library's session, in whatever state it is.
pub struct Library {
    role: Role,
    known: Known,
    state: State,
    /// Stands for the stream when the library has none.
    apart: Watched,
    /// Where the stream goes when the library drops it.
    home: Home,
}

/// What is known of a session before its handshake.
#[derive(Debug)]
pub(crate) struct Known {
    /// The name that a client sends.
    pub(crate) server_name: Option<String>,
    pub(crate) judging: Judging,
    /// What the context's sessions have accepted; none for a server, whose
    /// library tells no certificate.
    pub(crate) peers: Option<Arc<Peers>>,
}

/// How much of a server's certificate is judged beyond what the library does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judging {
    /// Nothing is verified.
    Nothing,
    /// The chain was verified.
    Chain,
    /// The chain was verified, and a host name.
    ForHost,
}

/// What begins a handshake.
pub(crate) enum Start {
    Connect {
        connector: TlsConnector,
        domain: String,
    },
    Accept(TlsAcceptor),
}

enum State {
    Before(Start, Stream),
    Amid(MidHandshakeTlsStream<Stream>),
    Established(TlsStream<Stream>),
    /// The handshake has failed, or a transport has panicked in it.
    Over,
}

impl Library {
    /// A session whose handshake has not begun.
    pub(crate) fn session(start: Start, known: Known) -> Result<NativeSession, Error> {
        Session::new(|staged| {
            let home = Home::default();
            let role = match start {
                Start::Connect { .. } => Role::Client,
                Start::Accept(_) => Role::Server,
            };
            let stream = Stream::new(Watched::new(staged), Home::clone(&home));
            let (_, nothing) = LentTransport::new();
            Ok(Self {
                role,
                known,
                state: State::Before(start, stream),
                apart: Watched::new(StagedTransport::new(nothing)),
                home,
            })
        })
    }

    /// The library's own stream, for what the contract has no word for; `None`
    /// before the handshake is done.
    pub fn tls_stream(&self) -> Option<&TlsStream<Stream>> {
        match &self.state {
            State::Established(stream) => Some(stream),
            _ => None,
        }
    }

    fn watched(&self) -> &Watched {
        match &self.state {
            State::Before(_, stream) => stream.watched(),
            State::Amid(amid) => amid.get_ref().watched(),
            State::Established(stream) => stream.get_ref().watched(),
            State::Over => &self.apart,
        }
    }

    fn watched_mut(&mut self) -> &mut Watched {
        match &mut self.state {
            State::Before(_, stream) => stream.watched_mut(),
            State::Amid(amid) => amid.get_mut().watched_mut(),
            State::Established(stream) => stream.get_mut().watched_mut(),
            State::Over => &mut self.apart,
        }
    }

    /// Makes a call that only a finished handshake allows.
    fn established<T>(
        &mut self,
        call: impl FnOnce(&mut TlsStream<Stream>) -> io::Result<T>,
    ) -> Result<T, Pause> {
        let State::Established(stream) = &mut self.state else {
            return Err(Pause::Failed(Error::backend(NAME, "there is no session")));
        };
        let watched = stream.get_mut().watched_mut();
        watched.allow(MAX_RECORDS);
        watched.staged_mut().forget_blocked();
        call(stream).map_err(|error| self.pause(&error))
    }

    fn pause(&self, error: &io::Error) -> Pause {
        let watched = self.watched();
        if watched.renegotiates() {
            return Pause::Failed(PeerMisbehaved::UnexpectedMessage.into());
        }
        // An error that others have left in the library's queue is told first.
        let blocked = error.kind() == io::ErrorKind::WouldBlock
            || watched.staged().has_blocked()
            || watched.is_halted();
        if !blocked {
            return Pause::Failed(self.failure(error));
        }
        if watched.is_halted() {
            Pause::Message
        } else {
            Pause::Blocked
        }
    }

    fn failure(&self, error: &(dyn StdError + 'static)) -> Error {
        let watched = self.watched();
        let ended = watched.staged().has_ended();
        platform::translate(error, self.role, watched.has_heard(), ended)
    }

    /// What is known of the server's certificate, once it is accepted.
    fn accept(&mut self, own: Option<Vec<u8>>) -> Result<PeerCertificates, Error> {
        let judging = self.known.judging;
        match (own, self.known.peers.take()) {
            (Some(own), Some(peers)) => Ok(peers.accept(&own, judging)?),
            _ if judging == Judging::Nothing => Ok(PeerCertificates::default()),
            _ => Err(Error::backend(NAME, "the server's certificate is gone")),
        }
    }
}

impl backend_kit::Library for Library {
    const NAME: &'static str = NAME;
    const OPERATIONS: Capabilities = Capabilities::empty();

    fn role(&self) -> Role {
        self.role
    }

    fn stream(&self) -> &StagedTransport {
        self.watched().staged()
    }

    fn stream_mut(&mut self) -> &mut StagedTransport {
        self.watched_mut().staged_mut()
    }

    fn handshake(&mut self) -> Result<(), Pause> {
        let result = match std::mem::replace(&mut self.state, State::Over) {
            State::Before(Start::Connect { connector, domain }, stream) => {
                connector.connect(&domain, stream)
            }
            State::Before(Start::Accept(acceptor), stream) => acceptor.accept(stream),
            State::Amid(amid) => amid.handshake(),
            State::Established(stream) => Ok(stream),
            State::Over => return Err(Pause::Failed(Error::backend(NAME, "there is no session"))),
        };
        match result {
            Ok(stream) => {
                self.state = State::Established(stream);
                if platform::lets_renegotiate(self.role) {
                    self.watched_mut().refuse_renegotiation();
                }
                Ok(())
            }
            Err(HandshakeError::WouldBlock(amid)) => {
                self.state = State::Amid(amid);
                Err(Pause::Blocked)
            }
            Err(HandshakeError::Failure(error)) => {
                if let Some(watched) = take_back(&self.home) {
                    self.apart = watched;
                }
                Err(Pause::Failed(self.failure(&error)))
            }
        }
    }

    fn facts(&mut self) -> Result<SessionFacts, Error> {
        let State::Established(stream) = &self.state else {
            return Err(Error::backend(NAME, "there is no session"));
        };
        let unknown = |error| Error::backend(NAME, error);
        let mut facts = SessionFacts::default();
        if self.role == Role::Client {
            let own = stream.peer_certificate().map_err(unknown)?;
            let own = own.map(|own| own.to_der()).transpose().map_err(unknown)?;
            facts.alpn = stream.negotiated_alpn().map_err(unknown)?;
            facts.peer_verified = self.known.judging != Judging::Nothing;
            facts.peer_certificates = self.accept(own)?;
        }
        facts.server_name = self.known.server_name.take();
        Ok(facts)
    }

    /// The library says that nothing is left both for a `close_notify` and for
    /// a bare end. It reads no further than the record that it needs, so it has
    /// met the end before the `close_notify` only if there was none.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Pause> {
        match self.established(|stream| stream.read(buf))? {
            0 if self.watched().staged().has_ended() => Err(Pause::Failed(Error::Truncated)),
            0 => Err(Pause::Closed),
            taken => Ok(taken),
        }
    }

    fn write(&mut self, piece: &[u8]) -> Result<usize, Pause> {
        self.established(|stream| stream.write(piece))
    }

    fn shutdown(&mut self) -> Result<(), Pause> {
        self.established(TlsStream::shutdown)
    }

    fn has_pending(&self) -> bool {
        self.tls_stream()
            .is_some_and(|stream| stream.buffered_read_size().is_ok_and(|octets| octets > 0))
    }

    fn clear_errors() {
        platform::clear_errors();
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Before(..) => "before the handshake",
            State::Amid(_) => "amid the handshake",
            State::Established(_) => "established",
            State::Over => "over",
        };
        f.debug_struct("Library")
            .field("role", &self.role)
            .field("known", &self.known)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
