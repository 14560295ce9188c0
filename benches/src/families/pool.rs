//! A client's pool of connections, beside the library's own stream over a
//! `TcpStream`:
//! `pool/connect`: a connection made through the pool, handshake included;
//! `pool/reuse`: a request of 64 B and its answer on a connection that the pool
//! gives out and takes back, beside one that is simply kept.
//!
//! The server is the library used directly, on a thread of its own, as a pool
//! waits for it.

use std::io::IoSlice;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pool::{Endpoint, Options, Pool, Target, Tls};
use socket::Statistics;
use tls_core::{BackendInfo, CipherSuite, Role, parse_server_name};

use crate::library::{Library, Outcome, Session, Socket};
use crate::material::HOST;
use crate::meter::Meter;
use crate::ours::{self, Compared};
use crate::pipe::Calls;
use crate::scenario::{Bench, Gauge};
use crate::settings::Settings;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolExchange {
    /// A new connection.
    Connect,
    /// A message and one back on an old one.
    Reuse,
}

const SETTINGS: Settings = Settings::tls13(CipherSuite::TLS_AES_128_GCM_SHA256);

/// What a client sends and gets.
const MESSAGE: usize = 64;

/// So long that only a hang takes it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a [`Family`](crate::scenario::Family) has, but ours is a pool.
impl PoolExchange {
    /// All of them.
    pub fn all() -> Vec<Self> {
        vec![Self::Connect, Self::Reuse]
    }

    /// Its name.
    pub fn id(&self) -> String {
        match self {
            Self::Connect => "pool/connect".to_owned(),
            Self::Reuse => "pool/reuse".to_owned(),
        }
    }

    /// Plaintext octets of one operation.
    pub fn octets(&self) -> Option<usize> {
        (*self == Self::Reuse).then_some(2 * MESSAGE)
    }

    /// How it is measured.
    pub fn gauge(&self) -> Gauge {
        let batch = match self {
            Self::Connect => 1,
            Self::Reuse => 20,
        };
        Gauge::Typical { batch }
    }

    /// Whether this backend can do it, by what it advertises.
    pub fn suits(&self, info: &BackendInfo) -> bool {
        SETTINGS.suit(info, Role::Client)
    }

    /// Sets up the pool.
    pub fn ours<B: Compared>(&self) -> Outcome<Box<dyn Bench>> {
        let server = Server::start::<B::Peer>()?;
        let tls = Tls::new(&B::default(), &ours::client_config::<B>(&SETTINGS)?)?;
        let endpoint = Endpoint::from(server.address);
        Ok(Box::new(Pooled::<B> {
            target: Target::tls(endpoint, &tls, parse_server_name(HOST)?),
            pool: Pool::new(Options::new())?,
            exchange: *self,
            calls: Calls::default(),
            _server: server,
        }))
    }

    /// Sets up the library alone.
    pub fn raw<B: Compared, R: Library>(&self) -> Outcome<Box<dyn Bench>> {
        let server = Server::start::<B::Peer>()?;
        let context = R::client(&SETTINGS)?;
        Ok(match self {
            Self::Connect => Box::new(Connects::<R> {
                context,
                calls: Calls::default(),
                server,
            }),
            Self::Reuse => Box::new(Kept::<R> {
                connection: connect::<R>(&context, server.address)?,
                _server: server,
            }),
        })
    }
}

struct Pooled<B: Compared> {
    pool: Pool<B>,
    target: Target<B>,
    exchange: PoolExchange,
    calls: Calls,
    _server: Server,
}

impl<B: Compared> Pooled<B> {
    fn connect(&mut self, meter: &mut Meter) -> Outcome<()> {
        let connection = meter.measure(|| self.pool.get(&self.target, PATIENCE))?;
        let Calls { reads, writes } = calls(connection.statistics());
        self.calls.reads += reads;
        self.calls.writes += writes;
        Ok(())
    }

    fn exchange(&mut self, meter: &mut Meter) -> Outcome<()> {
        let (message, mut answer) = ([0x5a; MESSAGE], [0; MESSAGE]);
        self.calls = meter.measure(|| {
            let mut connection = self.pool.get(&self.target, PATIENCE)?;
            connection.send_all(&message)?;
            connection.recv_exact(&mut answer)?;
            let calls = calls(connection.statistics());
            let released = connection.release();
            released.map_err(|unfit| format!("it is not fit for another: {unfit:?}"))?;
            Ok::<_, Box<dyn std::error::Error>>(calls)
        })?;
        Ok(())
    }
}

impl<B: Compared> Bench for Pooled<B> {
    fn run(&mut self, operations: usize, meter: &mut Meter) -> Outcome<()> {
        for _ in 0..operations {
            match self.exchange {
                PoolExchange::Connect => self.connect(meter)?,
                PoolExchange::Reuse => self.exchange(meter)?,
            }
        }
        Ok(())
    }

    fn calls(&self) -> Calls {
        self.calls
    }
}

fn calls(statistics: &Statistics) -> Calls {
    Calls {
        reads: statistics.wire_received.calls,
        writes: statistics.wire_sent.calls,
    }
}

struct Connects<R: Library> {
    context: R::Client,
    calls: Calls,
    server: Server,
}

impl<R: Library> Bench for Connects<R> {
    fn run(&mut self, operations: usize, meter: &mut Meter) -> Outcome<()> {
        for _ in 0..operations {
            let connection = meter.measure(|| connect::<R>(&self.context, self.server.address))?;
            let Calls { reads, writes } = connection.calls();
            self.calls.reads += reads;
            self.calls.writes += writes;
        }
        Ok(())
    }

    fn calls(&self) -> Calls {
        self.calls
    }
}

struct Kept<R: Library> {
    connection: R::Socket,
    _server: Server,
}

impl<R: Library> Bench for Kept<R> {
    fn run(&mut self, operations: usize, meter: &mut Meter) -> Outcome<()> {
        let (message, mut answer) = ([0x5a; MESSAGE], [0; MESSAGE]);
        for _ in 0..operations {
            meter.measure(|| {
                self.connection.send(&[IoSlice::new(&message)])?;
                self.connection.receive(&mut answer, MESSAGE)
            })?;
        }
        Ok(())
    }

    fn calls(&self) -> Calls {
        self.connection.calls()
    }
}

/// Connects and does the handshake, waiting.
fn connect<R: Library>(context: &R::Client, address: SocketAddr) -> Outcome<R::Socket> {
    let tcp = TcpStream::connect(address)?;
    tcp.set_nodelay(true)?;
    shaken(R::connect_tcp(context, tcp)?)
}

/// Does the handshake on a stream that waits.
fn shaken<S: Socket>(mut socket: S) -> Outcome<S> {
    for _ in 0..super::MAX_TURNS {
        if socket.handshake()? {
            return Ok(socket);
        }
    }
    Err("the handshake does not end".into())
}

/// Serves one client after the other, until it is dropped.
struct Server {
    address: SocketAddr,
    stops: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start<L: Library>() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let stops = Arc::<AtomicBool>::default();
        let stopping = Arc::clone(&stops);
        let thread = thread::Builder::new().spawn(move || {
            if let Err(error) = serve::<L>(&listener, &stopping) {
                eprintln!("the server of the pools: {error}");
            }
        })?;
        Ok(Self {
            address,
            stops,
            thread: Some(thread),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Release);
        // Its wait for a client is over then.
        let woken = TcpStream::connect(self.address);
        if let (Ok(_), Some(thread)) = (woken, self.thread.take()) {
            // What it had to say, it has.
            let _ = thread.join();
        }
    }
}

fn serve<L: Library>(listener: &TcpListener, stops: &AtomicBool) -> Outcome<()> {
    let context = L::server(&SETTINGS)?;
    for tcp in listener.incoming() {
        let tcp = tcp?;
        if stops.load(Ordering::Acquire) {
            return Ok(());
        }
        tcp.set_nodelay(true)?;
        let mut client = shaken(L::accept_tcp(&context, tcp)?)?;
        let mut buf = [0; MESSAGE];
        // It goes when it has enough, and says so or not.
        while client.receive(&mut buf, MESSAGE).is_ok() {
            client.send(&[IoSlice::new(&buf)])?;
        }
    }
    Ok(())
}
