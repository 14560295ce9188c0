//! The `rustls` crate, by its unbuffered API: records are decrypted where they
//! lie and encrypted where they are sent from.

use std::io::{self, IoSlice};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls::{ClientConfig, ServerConfig};

use super::rustls::host;
use super::{Counted, Rustls, joined};
use crate::library::{Library, Outcome, Session, Socket, Stream};
use crate::pipe::Calls;
use crate::settings::Settings;

/// rustls, used directly and without its buffers.
#[derive(Debug)]
pub struct RustlsUnbuffered;

impl Library for RustlsUnbuffered {
    type Client = Arc<ClientConfig>;
    type Server = Arc<ServerConfig>;
    type Session<T: Stream> = UnbufferedSession<T>;
    type Ahead<T: Stream> = T;
    type Socket = UnbufferedSession<Counted>;
    type Peer = Rustls;

    fn client(settings: &Settings) -> Outcome<Arc<ClientConfig>> {
        Rustls::client(settings)
    }

    fn server(settings: &Settings) -> Outcome<Arc<ServerConfig>> {
        Rustls::server(settings)
    }

    fn default_client() -> Outcome<Arc<ClientConfig>> {
        Rustls::default_client()
    }

    fn default_server() -> Outcome<Arc<ServerConfig>> {
        Rustls::default_server()
    }

    fn ahead<T: Stream>(io: T) -> T {
        io
    }

    fn connect<T: Stream>(context: &Arc<ClientConfig>, io: T) -> Outcome<UnbufferedSession<T>> {
        let connection = UnbufferedClientConnection::new(Arc::clone(context), host()?)?;
        Ok(UnbufferedSession::new(Connection::Client(connection), io))
    }

    fn accept<T: Stream>(context: &Arc<ServerConfig>, io: T) -> Outcome<UnbufferedSession<T>> {
        let connection = UnbufferedServerConnection::new(Arc::clone(context))?;
        Ok(UnbufferedSession::new(Connection::Server(connection), io))
    }

    fn connect_tcp(context: &Arc<ClientConfig>, tcp: TcpStream) -> Outcome<Self::Socket> {
        Self::connect(context, Counted::new(tcp))
    }

    fn accept_tcp(context: &Arc<ServerConfig>, tcp: TcpStream) -> Outcome<Self::Socket> {
        Self::accept(context, Counted::new(tcp))
    }
}

/// A connection, the stream that it is fed from, and the buffers that it works
/// in.
pub struct UnbufferedSession<T> {
    connection: Connection,
    io: T,
    /// What has come: worked off up to `start`, filled up to `end`.
    incoming: Box<[u8]>,
    start: usize,
    end: usize,
    /// What is to be sent.
    outgoing: Outgoing,
    /// Plaintext that the caller's buffer had no room for.
    left_over: Vec<u8>,
    scratch: Vec<u8>,
}

/// Room for a record with its header, and for the start of another.
const INCOMING: usize = 18 * 1024;

/// Room for the four records of 64 KiB, or for a flight of the handshake.
const OUTGOING: usize = 68 * 1024;

struct Outgoing {
    octets: Box<[u8]>,
    filled: usize,
}

enum Connection {
    Client(UnbufferedClientConnection),
    Server(UnbufferedServerConnection),
}

/// What one turn of the connection came to.
enum Turn {
    /// There is more to do at once.
    Again,
    /// It wants octets.
    Blocked,
    /// It has nothing to do.
    Idle,
    /// Plaintext was copied into the caller's buffer.
    Received(usize),
    /// Records lie in `outgoing`, and this much plaintext is in them.
    Encrypted(usize),
}

/// What is wanted of a turn.
enum Want<'a> {
    Handshake,
    Read(&'a mut [u8]),
    Write(&'a [u8]),
}

impl<T: Stream> UnbufferedSession<T> {
    fn new(connection: Connection, io: T) -> Self {
        Self {
            connection,
            io,
            incoming: vec![0; INCOMING].into_boxed_slice(),
            start: 0,
            end: 0,
            outgoing: Outgoing {
                octets: vec![0; OUTGOING].into_boxed_slice(),
                filled: 0,
            },
            left_over: Vec::new(),
            scratch: Vec::new(),
        }
    }

    fn turn(&mut self, want: Want<'_>) -> Outcome<Turn> {
        let incoming = &mut self.incoming[self.start..self.end];
        let (outgoing, left_over) = (&mut self.outgoing, &mut self.left_over);
        let (discard, turn) = match &mut self.connection {
            Connection::Client(connection) => work(
                connection.process_tls_records(incoming),
                want,
                outgoing,
                left_over,
            ),
            Connection::Server(connection) => work(
                connection.process_tls_records(incoming),
                want,
                outgoing,
                left_over,
            ),
        };
        self.start += discard;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        turn
    }

    fn send_outgoing(&mut self) -> Outcome<()> {
        self.io
            .write_all(&self.outgoing.octets[..self.outgoing.filled])?;
        self.outgoing.filled = 0;
        Ok(())
    }

    /// Receives once; whether there was something.
    fn fill(&mut self) -> Outcome<bool> {
        if self.end == self.incoming.len() {
            self.incoming.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        match self.io.read(&mut self.incoming[self.end..]) {
            Ok(0) => Err("the stream has ended".into()),
            Ok(taken) => {
                self.end += taken;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Does what the connection says, as far as it is wanted. Answers how much of
/// the incoming octets is done with.
fn work<D>(
    status: UnbufferedStatus<'_, '_, D>,
    want: Want<'_>,
    outgoing: &mut Outgoing,
    left_over: &mut Vec<u8>,
) -> (usize, Outcome<Turn>) {
    let mut discard = status.discard;
    let state = match status.state {
        Ok(state) => state,
        Err(error) => return (discard, Err(error.into())),
    };
    let turn = match (state, want) {
        (ConnectionState::EncodeTlsData(mut data), _) => {
            match data.encode(&mut outgoing.octets[outgoing.filled..]) {
                Ok(encoded) => {
                    outgoing.filled += encoded;
                    Ok(Turn::Again)
                }
                Err(error) => Err(error.into()),
            }
        }
        // The caller sends `outgoing` before it goes on.
        (ConnectionState::TransmitTlsData(data), _) => {
            data.done();
            Ok(Turn::Encrypted(0))
        }
        (ConnectionState::ReadTraffic(mut traffic), Want::Read(buf)) => {
            match traffic.next_record() {
                Some(Ok(record)) => {
                    discard += record.discard;
                    let taken = record.payload.len().min(buf.len());
                    buf[..taken].copy_from_slice(&record.payload[..taken]);
                    left_over.extend_from_slice(&record.payload[taken..]);
                    Ok(Turn::Received(taken))
                }
                Some(Err(error)) => Err(error.into()),
                None => Ok(Turn::Again),
            }
        }
        (ConnectionState::WriteTraffic(mut traffic), Want::Write(data)) => {
            let piece = &data[..data.len().min(65536)];
            match traffic.encrypt(piece, &mut outgoing.octets) {
                Ok(encrypted) => {
                    outgoing.filled = encrypted;
                    Ok(Turn::Encrypted(piece.len()))
                }
                Err(error) => Err(error.into()),
            }
        }
        (ConnectionState::WriteTraffic(_) | ConnectionState::ReadTraffic(_), _) => Ok(Turn::Idle),
        (ConnectionState::BlockedHandshake, _) => Ok(Turn::Blocked),
        (ConnectionState::PeerClosed | ConnectionState::Closed, _) => {
            Err("the stream has ended".into())
        }
        (_, _) => Err("early data came, which nobody has sent".into()),
    };
    (discard, turn)
}

impl<T: Stream> Session for UnbufferedSession<T> {
    fn handshake(&mut self) -> Outcome<bool> {
        loop {
            match self.turn(Want::Handshake)? {
                Turn::Idle => return Ok(true),
                Turn::Encrypted(_) => self.send_outgoing()?,
                Turn::Blocked if !self.fill()? => return Ok(false),
                _ => {}
            }
        }
    }

    #[inline(never)]
    fn read(&mut self, buf: &mut [u8]) -> Outcome<Option<usize>> {
        if !self.left_over.is_empty() {
            let taken = self.left_over.len().min(buf.len());
            buf[..taken].copy_from_slice(&self.left_over[..taken]);
            self.left_over.drain(..taken);
            return Ok(Some(taken));
        }
        if self.start == self.end && !self.fill()? {
            return Ok(None);
        }
        loop {
            match self.turn(Want::Read(buf))? {
                Turn::Received(taken) => return Ok(Some(taken)),
                Turn::Encrypted(_) => self.send_outgoing()?,
                Turn::Again => {}
                // A message that is no data, or a record that is not whole.
                Turn::Idle | Turn::Blocked => {
                    if !self.fill()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    #[inline(never)]
    fn write(&mut self, bufs: &[IoSlice<'_>]) -> Outcome<usize> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let data = joined(bufs, &mut scratch);
        let taken = loop {
            match self.turn(Want::Write(data))? {
                Turn::Encrypted(0) => self.send_outgoing()?,
                Turn::Encrypted(taken) => {
                    self.send_outgoing()?;
                    break taken;
                }
                Turn::Again => {}
                _ => return Err("there is plaintext to be read first".into()),
            }
        };
        self.scratch = scratch;
        Ok(taken)
    }
}

impl Socket for UnbufferedSession<Counted> {
    const GOES_BY_MODE: bool = true;

    fn wait(&mut self) -> Outcome<()> {
        self.io.wait()
    }

    fn calls(&self) -> Calls {
        self.io.calls()
    }
}
