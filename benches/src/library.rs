//! One way to use one TLS library: through our traits, or directly.

use std::error::Error;
use std::fmt::Debug;
use std::io::{IoSlice, Read, Write};
use std::net::TcpStream;

use crate::pipe::Calls;
use crate::settings::Settings;

/// Any failure. A benchmark does not go on after one.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// A stream under a session.
pub trait Stream: Read + Write + Debug + 'static {}
impl<T: Read + Write + Debug + 'static> Stream for T {}

/// One way to use one library. All is dispatched statically.
pub trait Library: 'static {
    /// Whether it goes through our traits.
    const IS_OURS: bool = false;

    /// What the sessions of clients are made of; made once.
    type Client;
    /// What the sessions of servers are made of; made once.
    type Server;
    /// A session over any stream.
    type Session<T: Stream>: Session;
    /// The stream as it is read with one call a record: by a library that reads
    /// ahead, the stream itself.
    type Ahead<T: Stream>: Stream;
    /// A session over a TCP stream that waits.
    type Socket: Socket;
    /// Who plays the other side where one side alone is measured: the library
    /// used directly.
    type Peer: Library;

    /// A client's context with just these settings, which trusts the
    /// material's CA.
    fn client(settings: &Settings) -> Outcome<Self::Client>;

    /// A server's context with just these settings.
    fn server(settings: &Settings) -> Outcome<Self::Server>;

    /// A client's context with all defaults, which trusts the CA of the ECDSA
    /// material.
    fn default_client() -> Outcome<Self::Client>;

    /// A server's context with all defaults, for the ECDSA material.
    fn default_server() -> Outcome<Self::Server>;

    /// Has the stream read with one call a record.
    fn ahead<T: Stream>(io: T) -> Self::Ahead<T>;

    /// A session that connects to [`HOST`](crate::material::HOST).
    fn connect<T: Stream>(context: &Self::Client, io: T) -> Outcome<Self::Session<T>>;

    /// A session that accepts a client.
    fn accept<T: Stream>(context: &Self::Server, io: T) -> Outcome<Self::Session<T>>;

    /// The same over TCP.
    fn connect_tcp(context: &Self::Client, tcp: TcpStream) -> Outcome<Self::Socket>;

    /// The same over TCP.
    fn accept_tcp(context: &Self::Server, tcp: TcpStream) -> Outcome<Self::Socket>;
}

/// A session together with its stream.
///
/// What is measured is a function on both sides of a comparison, never part of
/// its caller: what the compiler makes of that would count too, and changes with
/// every scenario.
pub trait Session {
    /// Goes on with the handshake as far as it comes; whether it is done.
    fn handshake(&mut self) -> Outcome<bool>;

    /// Receives what there is; `None` if it would have to wait.
    fn read(&mut self, buf: &mut [u8]) -> Outcome<Option<usize>>;

    /// Sends the front of these buffers; answers how many octets were taken.
    fn write(&mut self, bufs: &[IoSlice<'_>]) -> Outcome<usize>;

    /// Sends all of these buffers.
    #[inline(never)]
    fn send(&mut self, bufs: &[IoSlice<'_>]) -> Outcome<()> {
        let whole: usize = bufs.iter().map(|buf| buf.len()).sum();
        let taken = self.write(bufs)?;
        if taken < whole {
            return self.send_rest(bufs, taken);
        }
        Ok(())
    }

    /// Sends what is behind the first `taken` octets.
    fn send_rest(&mut self, bufs: &[IoSlice<'_>], taken: usize) -> Outcome<()> {
        let mut copy = bufs.to_vec();
        let mut rest = &mut copy[..];
        IoSlice::advance_slices(&mut rest, taken);
        while !rest.is_empty() {
            let taken = self.write(rest)?;
            IoSlice::advance_slices(&mut rest, taken);
        }
        Ok(())
    }

    /// Receives so many octets, piece by piece, each into the front of `buf`.
    #[inline(never)]
    fn receive(&mut self, buf: &mut [u8], octets: usize) -> Outcome<()> {
        let mut left = octets;
        let mut patience = 1000;
        while left > 0 {
            match self.read(buf)? {
                Some(0) => return Err("the stream has ended".into()),
                Some(taken) => left = left.checked_sub(taken).ok_or("more came than was sent")?,
                None if patience == 0 => return Err("less came than was sent".into()),
                None => patience -= 1,
            }
        }
        Ok(())
    }
}

/// A session over TCP.
pub trait Socket: Session {
    /// The calls on the TCP stream so far that moved octets.
    fn calls(&self) -> Calls;

    /// Whether the stream's own mode decides if it waits. Then it is handed over
    /// non-blocking, for a handshake with both ends on one thread.
    const GOES_BY_MODE: bool;

    /// From now on it waits.
    fn wait(&mut self) -> Outcome<()>;
}
