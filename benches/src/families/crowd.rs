//! A server of ours, on an event loop (`loop/...`) or on a runtime of tokio's of
//! one thread (`tokio/server/...`), beside one on such a runtime with the
//! library's own crate for tokio:
//! `round/<size>`: the answer to a request, both of this size;
//! `throughput/16384`: a mebibyte that a client sends, 64 KiB at once;
//! `load`: the answer to a request of 64 B, of which 64 clients have sent one
//! each; whole rounds of all of them are measured.
//!
//! The clients are the library used directly, on the same thread, and they are
//! neither timed nor counted: what is measured begins when the requests have
//! been sent, and ends when the answers have.

use std::io::IoSlice;
use std::net::TcpStream;

use tls_core::{BackendInfo, CipherSuite, Role};

use crate::asynchronous::AsyncLibrary;
use crate::crowd::{Crowd, OnLoop, OnTokio, Service};
use crate::library::{Library, Outcome, Session, Socket};
use crate::meter::Meter;
use crate::ours::{Compared, Ours};
use crate::pipe::Calls;
use crate::scenario::{Bench, Gauge};
use crate::settings::Settings;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct CrowdExchange {
    place: Place,
    pattern: Pattern,
}

/// Where our server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Loop,
    Tokio,
}

#[derive(Clone, Copy, Debug)]
enum Pattern {
    /// A message of so many octets and one back.
    Round(usize),
    /// A mebibyte in writes of so many octets.
    OneWay(usize),
    /// Many clients.
    Load,
}

/// What is negotiated.
pub(crate) const SETTINGS: Settings = Settings::tls13(CipherSuite::TLS_AES_128_GCM_SHA256);

/// How much one operation of `throughput` moves.
const MEBIBYTE: usize = 1024 * 1024;

/// How much of it is sent before it is received: it must fit into the kernel's
/// buffers.
const BURST: usize = 64 * 1024;

/// What a client of `load` sends and gets.
const MESSAGE: usize = 64;

/// How many clients `load` has.
const CLIENTS: usize = 64;

/// How many turns a server may take to a handshake.
const MAX_TURNS: usize = 1000;

/// What a [`Family`](crate::scenario::Family) has, but for servers.
impl CrowdExchange {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let patterns = [
            Pattern::Round(64),
            Pattern::Round(16384),
            Pattern::OneWay(16384),
            Pattern::Load,
        ];
        [Place::Loop, Place::Tokio]
            .into_iter()
            .flat_map(|place| patterns.map(|pattern| Self { place, pattern }))
            .collect()
    }

    /// Its name.
    pub fn id(&self) -> String {
        let place = match self.place {
            Place::Loop => "loop",
            Place::Tokio => "tokio/server",
        };
        match self.pattern {
            Pattern::Round(octets) => format!("{place}/round/{octets}"),
            Pattern::OneWay(octets) => format!("{place}/throughput/{octets}"),
            Pattern::Load => format!("{place}/load"),
        }
    }

    /// Plaintext octets of one operation.
    pub fn octets(&self) -> usize {
        match self.pattern {
            Pattern::Round(octets) => 2 * octets,
            Pattern::OneWay(_) => MEBIBYTE,
            Pattern::Load => 2 * MESSAGE,
        }
    }

    /// How it is measured.
    pub fn gauge(&self) -> Gauge {
        let batch = match self.pattern {
            Pattern::Round(_) => 20,
            Pattern::OneWay(_) => 1,
            Pattern::Load => CLIENTS,
        };
        Gauge::Typical { batch }
    }

    /// Whether this backend can do it, by what it advertises.
    pub fn suits(&self, info: &BackendInfo) -> bool {
        suits(info)
    }

    /// Sets up our side, with clients of this library.
    pub fn ours<P: Library, B: Compared>(&self) -> Outcome<Box<dyn Bench>> {
        match self.place {
            Place::Loop => self.bench::<P, OnLoop<B>>(),
            Place::Tokio => self.bench::<P, OnTokio<Ours<B>>>(),
        }
    }

    /// Sets up the library's side.
    pub fn raw<R: AsyncLibrary>(&self) -> Outcome<Box<dyn Bench>> {
        self.bench::<R, OnTokio<R>>()
    }

    fn bench<P: Library, C: Crowd>(&self) -> Outcome<Box<dyn Bench>> {
        let (service, clients, octets) = match self.pattern {
            Pattern::Round(octets) => (Service::Echo, 1, octets),
            Pattern::OneWay(octets) => (Service::Discard, 1, octets),
            Pattern::Load => (Service::Echo, CLIENTS, MESSAGE),
        };
        let mut crowd = C::serve(&SETTINGS, service)?;
        let clients = connect::<P>(&mut crowd, clients)?;
        let mut exchange = Exchange::<P, C> {
            clients,
            crowd,
            service,
            message: vec![0x5a; octets],
            buf: vec![0; octets],
            sent: 0,
            calls: Calls::default(),
        };
        // The server may be done with a handshake after its client only.
        exchange.run(1, &mut Meter::idle())?;
        Ok(Box::new(exchange))
    }
}

/// Whether this backend can do it, by what it advertises.
pub(crate) fn suits(info: &BackendInfo) -> bool {
    SETTINGS.suit(info, Role::Client) && SETTINGS.suit(info, Role::Server)
}

/// Connects so many clients of this library, one after the other.
pub(crate) fn connect<P: Library>(
    crowd: &mut impl Crowd,
    clients: usize,
) -> Outcome<Vec<P::Socket>> {
    let context = P::client(&SETTINGS)?;
    let connect = |_| {
        let tcp = TcpStream::connect(crowd.address())?;
        tcp.set_nodelay(true)?;
        if P::Socket::GOES_BY_MODE {
            tcp.set_nonblocking(true)?;
        }
        let mut client = P::connect_tcp(&context, tcp)?;
        for _ in 0..MAX_TURNS {
            if client.handshake()? {
                client.wait()?;
                return Ok(client);
            }
            crowd.turn()?;
        }
        Err("the handshake does not end".into())
    };
    (0..clients).map(connect).collect()
}

struct Exchange<P: Library, C> {
    clients: Vec<P::Socket>,
    crowd: C,
    service: Service,
    message: Vec<u8>,
    buf: Vec<u8>,
    /// Octets that the clients have sent since the beginning.
    sent: usize,
    calls: Calls,
}

impl<P: Library, C: Crowd> Exchange<P, C> {
    fn answer(&mut self, meter: &mut Meter) -> Outcome<()> {
        let octets = self.message.len();
        for client in &mut self.clients {
            client.send(&[IoSlice::new(&self.message)])?;
            self.sent += octets;
        }
        meter.measure(|| self.crowd.until(self.sent))?;
        for client in &mut self.clients {
            client.receive(&mut self.buf, octets)?;
        }
        Ok(())
    }

    fn discard(&mut self, meter: &mut Meter) -> Outcome<()> {
        for _ in 0..MEBIBYTE / BURST {
            for client in &mut self.clients {
                for _ in 0..BURST / self.message.len() {
                    client.send(&[IoSlice::new(&self.message)])?;
                    self.sent += self.message.len();
                }
            }
            meter.measure(|| self.crowd.until(self.sent))?;
        }
        Ok(())
    }
}

impl<P: Library, C: Crowd> Bench for Exchange<P, C> {
    fn run(&mut self, operations: usize, meter: &mut Meter) -> Outcome<()> {
        match self.service {
            Service::Echo => {
                let rounds = operations.div_ceil(self.clients.len());
                (0..rounds).try_for_each(|_| self.answer(meter))?;
            }
            Service::Discard => (0..operations).try_for_each(|_| self.discard(meter))?,
        }
        self.calls = self.crowd.calls();
        Ok(())
    }

    fn calls(&self) -> Calls {
        self.calls
    }
}
