//! Over loopback TCP, with streams of tokio's on a runtime of one thread, which
//! both ends share:
//! `tokio/round/<size>`: a request and an answer of this size;
//! `tokio/throughput/16384`: a mebibyte from the client to the server, as it is
//! written and read at once;
//! `tokio/load`: 64 clients each send a request of 64 B and await the answer of
//! a server with a task for each; one operation is one round of all.
//!
//! Raw is the library's own crate for tokio. Both have the same settings.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use tls_core::{BackendInfo, CipherSuite, Role};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use crate::asynchronous::{AsyncLibrary, Counted};
use crate::library::Outcome;
use crate::meter::Meter;
use crate::pipe::Calls;
use crate::scenario::{Bench, Gauge};
use crate::settings::Settings;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub enum TokioExchange {
    /// A message of so many octets and one back.
    Round(usize),
    /// A mebibyte in writes of so many octets.
    OneWay(usize),
    /// Many clients.
    Load,
}

const SETTINGS: Settings = Settings::tls13(CipherSuite::TLS_AES_128_GCM_SHA256);

/// How much one operation of `throughput` moves.
const MEBIBYTE: usize = 1024 * 1024;

/// What a client of `load` sends and gets.
const MESSAGE: usize = 64;

/// How many clients `load` has.
const CLIENTS: usize = 64;

/// What a [`Family`](crate::scenario::Family) has, but for the libraries that
/// have a stream for tokio.
impl TokioExchange {
    /// All of them.
    pub fn all() -> Vec<Self> {
        vec![
            Self::Round(64),
            Self::Round(16384),
            Self::OneWay(16384),
            Self::Load,
        ]
    }

    /// Its name.
    pub fn id(&self) -> String {
        match self {
            Self::Round(octets) => format!("tokio/round/{octets}"),
            Self::OneWay(octets) => format!("tokio/throughput/{octets}"),
            Self::Load => "tokio/load".to_owned(),
        }
    }

    /// Plaintext octets of one operation.
    pub fn octets(&self) -> usize {
        match self {
            Self::Round(octets) => 2 * octets,
            Self::OneWay(_) => MEBIBYTE,
            Self::Load => 2 * CLIENTS * MESSAGE,
        }
    }

    /// How it is measured.
    pub fn gauge(&self) -> Gauge {
        let batch = match self {
            Self::Round(_) => 20,
            Self::OneWay(_) | Self::Load => 1,
        };
        Gauge::Typical { batch }
    }

    /// Whether this backend can do it, by what it advertises.
    pub fn suits(&self, info: &BackendInfo) -> bool {
        SETTINGS.suit(info, Role::Client) && SETTINGS.suit(info, Role::Server)
    }

    /// Sets up one side.
    pub fn bench<L: AsyncLibrary>(&self) -> Outcome<Box<dyn Bench>> {
        let maker = Maker::<L>::new()?;
        Ok(match *self {
            Self::Round(octets) => Box::new(Rounds(Pair::new(maker, octets)?)),
            Self::OneWay(octets) => Box::new(OneWay(Pair::new(maker, octets)?)),
            Self::Load => Box::new(Load::new(maker)?),
        })
    }
}

/// Makes connections, both ends of the kind that is measured.
struct Maker<L: AsyncLibrary> {
    client: L::Client,
    server: L::Server,
    calls: Rc<Cell<Calls>>,
    runtime: Runtime,
}

impl<L: AsyncLibrary> Maker<L> {
    fn new() -> Outcome<Self> {
        Ok(Self {
            client: L::client(&SETTINGS)?,
            server: L::server(&SETTINGS)?,
            calls: Rc::default(),
            runtime: Builder::new_current_thread().enable_io().build()?,
        })
    }

    /// Connects by TCP and does the handshake.
    fn make(&self) -> Outcome<(L::AsyncStream, L::AsyncStream)> {
        self.runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let near = TcpStream::connect(listener.local_addr()?).await?;
            let (far, _) = listener.accept().await?;
            near.set_nodelay(true)?;
            far.set_nodelay(true)?;
            let (client, server) = tokio::join!(
                L::connect_async(&self.client, Counted::new(near, &self.calls)),
                L::accept_async(&self.server, Counted::new(far, &self.calls)),
            );
            Ok((client?, server?))
        })
    }
}

/// One connection, a message and room for one.
struct Pair<L: AsyncLibrary> {
    // The streams go before the runtime that they are registered with.
    client: L::AsyncStream,
    server: L::AsyncStream,
    message: Vec<u8>,
    buf: Vec<u8>,
    maker: Maker<L>,
}

impl<L: AsyncLibrary> Pair<L> {
    fn new(maker: Maker<L>, octets: usize) -> Outcome<Self> {
        let (client, server) = maker.make()?;
        Ok(Self {
            client,
            server,
            message: vec![0x5a; octets],
            buf: vec![0; octets],
            maker,
        })
    }
}

struct Rounds<L: AsyncLibrary>(Pair<L>);

impl<L: AsyncLibrary> Bench for Rounds<L> {
    fn run(&mut self, operations: usize, meter: &mut Meter) -> Outcome<()> {
        let Pair {
            client,
            server,
            message,
            buf,
            maker,
        } = &mut self.0;
        let rounds = async {
            for _ in 0..operations {
                client.write_all(message).await?;
                client.flush().await?;
                server.read_exact(buf).await?;
                server.write_all(message).await?;
                server.flush().await?;
                client.read_exact(buf).await?;
            }
            Ok(())
        };
        meter.measure(|| maker.runtime.block_on(rounds))
    }

    fn calls(&self) -> Calls {
        self.0.maker.calls.get()
    }
}

struct OneWay<L: AsyncLibrary>(Pair<L>);

impl<L: AsyncLibrary> Bench for OneWay<L> {
    fn run(&mut self, operations: usize, meter: &mut Meter) -> Outcome<()> {
        let Pair {
            client,
            server,
            message,
            buf,
            maker,
        } = &mut self.0;
        for _ in 0..operations {
            let send = async {
                for _ in 0..MEBIBYTE / message.len() {
                    client.write_all(message).await?;
                }
                client.flush().await
            };
            let receive = async {
                let mut left = MEBIBYTE;
                while left > 0 {
                    match server.read(buf).await? {
                        0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                        octets => left = left.saturating_sub(octets),
                    }
                }
                Ok(())
            };
            let both = async { tokio::try_join!(send, receive) };
            meter.measure(|| maker.runtime.block_on(both))?;
        }
        Ok(())
    }

    fn calls(&self) -> Calls {
        self.0.maker.calls.get()
    }
}

struct Load<L: AsyncLibrary> {
    clients: Vec<L::AsyncStream>,
    servers: LocalSet,
    maker: Maker<L>,
}

impl<L: AsyncLibrary> Load<L> {
    fn new(maker: Maker<L>) -> Outcome<Self> {
        let servers = LocalSet::new();
        let clients = (0..CLIENTS)
            .map(|_| {
                let (client, server) = maker.make()?;
                servers.spawn_local(answer(server));
                Ok(client)
            })
            .collect::<Outcome<_>>()?;
        Ok(Self {
            clients,
            servers,
            maker,
        })
    }
}

impl<L: AsyncLibrary> Bench for Load<L> {
    fn run(&mut self, operations: usize, meter: &mut Meter) -> Outcome<()> {
        let (message, mut buf) = ([0x5a; MESSAGE], [0; MESSAGE]);
        for _ in 0..operations {
            let round = async {
                for client in &mut self.clients {
                    client.write_all(&message).await?;
                    client.flush().await?;
                }
                for client in &mut self.clients {
                    client.read_exact(&mut buf).await?;
                }
                Ok::<_, io::Error>(())
            };
            meter.measure(|| self.servers.block_on(&self.maker.runtime, round))?;
        }
        Ok(())
    }

    fn calls(&self) -> Calls {
        self.maker.calls.get()
    }
}

/// A server's side of `load`, until its client is gone.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut buf = [0; MESSAGE];
    while stream.read_exact(&mut buf).await.is_ok() {
        if stream.write_all(&buf).await.is_err() || stream.flush().await.is_err() {
            break;
        }
    }
}
