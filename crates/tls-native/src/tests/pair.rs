//! Two sessions and a wire in memory.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::rc::Rc;

use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslStream};
use openssl::x509::X509;
use tls_core::{
    ClientConfig, ClientConfigBuilder, Error, Identity, ServerConfig, ServerConfigBuilder, Step,
    TlsBackend, TlsSession, parse_server_name,
};
use tls_rustls::Rustls;

use super::assert_clean;
use super::pki::{Authority, NAME};
use crate::{Native, NativeSession};

/// What one side has sent and the other has not received.
#[derive(Default)]
struct Wire {
    bytes: VecDeque<u8>,
    ended: bool,
}

/// One end of a connection in memory.
pub(super) struct End {
    incoming: Rc<RefCell<Wire>>,
    outgoing: Rc<RefCell<Wire>>,
    /// The most that one call reads or writes.
    pub(super) most: usize,
    /// How many bytes are taken before writes block.
    pub(super) room: usize,
    /// What every write fails with.
    pub(super) write_fault: Option<ErrorKind>,
    /// What every read fails with.
    pub(super) read_fault: Option<ErrorKind>,
}

/// Two ends without limits.
pub(super) fn wire() -> (End, End) {
    let there = Rc::new(RefCell::new(Wire::default()));
    let back = Rc::new(RefCell::new(Wire::default()));
    let end = |incoming: &Rc<_>, outgoing: &Rc<_>| End {
        incoming: Rc::clone(incoming),
        outgoing: Rc::clone(outgoing),
        most: usize::MAX,
        room: usize::MAX,
        write_fault: None,
        read_fault: None,
    };
    (end(&back, &there), end(&there, &back))
}

impl End {
    /// Ends what this side sends.
    pub(super) fn end(&mut self) {
        self.outgoing.borrow_mut().ended = true;
    }

    /// What waits to be received here.
    pub(super) fn waiting(&self) -> usize {
        self.incoming.borrow().bytes.len()
    }

    /// Changes what waits to be received here.
    pub(super) fn tamper(&mut self, change: impl FnOnce(&mut VecDeque<u8>)) {
        change(&mut self.incoming.borrow_mut().bytes);
    }
}

impl Read for End {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(kind) = self.read_fault {
            return Err(kind.into());
        }
        let mut wire = self.incoming.borrow_mut();
        if wire.bytes.is_empty() && !wire.ended {
            return Err(ErrorKind::WouldBlock.into());
        }
        let most = self.most.min(buf.len());
        wire.bytes.read(&mut buf[..most])
    }
}

impl Write for End {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if let Some(kind) = self.write_fault {
            return Err(kind.into());
        }
        let taken = buf.len().min(self.most).min(self.room);
        if taken == 0 && !buf.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.room -= taken;
        self.outgoing.borrow_mut().bytes.extend(&buf[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A session with its end of the wire.
pub(super) struct Side {
    pub(super) session: Box<dyn TlsSession>,
    pub(super) end: End,
}

impl Side {
    pub(super) fn handshake(&mut self) -> Outcome {
        let outcome = self.session.handshake(&mut self.end);
        assert_clean();
        outcome
    }

    pub(super) fn read(&mut self, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        let step = self.session.read(&mut self.end, buf);
        assert_clean();
        step
    }

    pub(super) fn write(&mut self, data: &[u8]) -> Result<Step<usize>, Error> {
        let step = self.session.write(&mut self.end, &[IoSlice::new(data)]);
        assert_clean();
        step
    }

    pub(super) fn flush(&mut self) -> Outcome {
        let outcome = self.session.flush(&mut self.end);
        assert_clean();
        outcome
    }

    pub(super) fn close(&mut self) -> Outcome {
        let outcome = self.session.close(&mut self.end);
        assert_clean();
        outcome
    }

    /// What one read gives.
    #[track_caller]
    pub(super) fn receive(&mut self) -> Vec<u8> {
        let mut buf = [0; 20_000];
        let taken = self.read(&mut buf).unwrap().ready().unwrap();
        buf[..taken].to_vec()
    }
}

pub(super) type Outcome = Result<Step<()>, Error>;

/// A client and a server on one wire.
pub(super) struct Pair {
    pub(super) client: Side,
    pub(super) server: Side,
}

impl Pair {
    /// Of these backends, for [`NAME`].
    pub(super) fn of<C: TlsBackend, S: TlsBackend>(
        backends: (C, S),
        client: ClientConfigBuilder,
        server: ServerConfigBuilder,
    ) -> Self {
        Self::to(NAME, backends, client, server)
    }

    /// With a client that asks for this name.
    pub(super) fn to<C: TlsBackend, S: TlsBackend>(
        name: &str,
        (at_client, at_server): (C, S),
        client: ClientConfigBuilder,
        server: ServerConfigBuilder,
    ) -> Self {
        let context = at_client.client(&client.build().unwrap()).unwrap();
        let name = parse_server_name(name).unwrap();
        let client = at_client.connect(&context, &name).unwrap();
        let context = at_server.server(&server.build().unwrap()).unwrap();
        let server = at_server.accept(&context).unwrap();
        assert_clean();
        let (client_end, server_end) = wire();
        let side = |session, end| Side { session, end };
        Self {
            client: side(Box::new(client), client_end),
            server: side(Box::new(server), server_end),
        }
    }

    /// Drives both handshakes until each is done, has failed, or waits in vain.
    pub(super) fn handshake(&mut self) -> (Outcome, Outcome) {
        let mut last = None;
        loop {
            let client = self.client.handshake();
            let server = self.server.handshake();
            let over = |outcome: &Outcome| !matches!(outcome, Ok(Step::Blocked(_)));
            let state = (self.client.end.waiting(), self.server.end.waiting());
            if over(&client) && over(&server) || last == Some(state) && state == (0, 0) {
                return (client, server);
            }
            last = Some(state);
        }
    }

    /// Drives the handshake, which succeeds.
    #[track_caller]
    pub(super) fn connect(&mut self) {
        assert_eq!(self.handshake(), (Ok(Step::Ready(())), Ok(Step::Ready(()))));
    }

    /// The errors of both sides; one that has finished learns of a refusal when
    /// it reads.
    pub(super) fn errors(&mut self) -> (Error, Error) {
        let (client, server) = self.handshake();
        self.client.end.end();
        self.server.end.end();
        let late = |outcome: Outcome, side: &mut Side| {
            outcome
                .and_then(|_| side.read(&mut [0]))
                .expect_err("the handshake fails on both sides")
        };
        let client = late(client, &mut self.client);
        let server = late(server, &mut self.server);
        (client, server)
    }
}

/// Connected pairs with this backend as the client of the others, in each
/// version, and as their server.
pub(super) fn connected() -> Vec<Pair> {
    let authority = Authority::new();
    let mut pairs: Vec<_> = super::VERSIONS
        .into_iter()
        .map(|version| {
            let client = trusting(&authority).min_version(version);
            let client = client.max_version(version);
            Pair::of(
                (Native::new(), Rustls::default()),
                client,
                serving(&authority),
            )
        })
        .collect();
    let (client, server) = (trusting(&authority), serving(&authority));
    pairs.push(Pair::of((Rustls::default(), Native::new()), client, server));
    let (client, server) = (trusting(&authority), serving(&authority));
    pairs.push(Pair::of((Native::new(), Native::new()), client, server));
    pairs.iter_mut().for_each(Pair::connect);
    pairs
}

/// A client that trusts this CA.
pub(super) fn trusting(authority: &Authority) -> ClientConfigBuilder {
    ClientConfig::builder().roots(authority.roots())
}

/// A server with a certificate of this CA.
pub(super) fn serving(authority: &Authority) -> ServerConfigBuilder {
    ServerConfig::builder().identity(authority.leaf())
}

/// A server that is OpenSSL itself, for what a session of ours never does.
pub(super) fn raw_server(
    identity: &Identity,
    change: impl FnOnce(&mut SslContextBuilder),
) -> (End, SslStream<End>) {
    let mut builder = SslContext::builder(SslMethod::tls()).unwrap();
    let certificate = X509::from_der(&identity.chain()[0]).unwrap();
    builder.set_certificate(&certificate).unwrap();
    let key = PKey::private_key_from_der(identity.key().secret_der()).unwrap();
    builder.set_private_key(&key).unwrap();
    change(&mut builder);
    let mut ssl = Ssl::new(&builder.build()).unwrap();
    ssl.set_accept_state();
    let (client_end, server_end) = wire();
    (client_end, SslStream::new(ssl, server_end).unwrap())
}

/// What a client with this config makes of such a server.
pub(super) fn meet(
    client: ClientConfigBuilder,
    end: &mut End,
    server: &mut SslStream<End>,
) -> (NativeSession, Outcome) {
    let context = Native::new().client(&client.build().unwrap()).unwrap();
    let name = parse_server_name(NAME).unwrap();
    let mut client = Native::new().connect(&context, &name).unwrap();
    for _ in 0..5 {
        let outcome = client.handshake(end);
        let done = server.do_handshake();
        crate::platform::clear_errors();
        if outcome.is_err() || (done.is_ok() && outcome == Ok(Step::Ready(()))) {
            return (client, outcome);
        }
    }
    panic!("the handshake goes nowhere");
}
