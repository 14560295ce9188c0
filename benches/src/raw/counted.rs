//! A TCP stream that counts its calls.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use crate::library::Outcome;
use crate::pipe::Calls;

/// Counts the calls that moved octets, as `socket::Statistics` does.
#[derive(Debug)]
pub struct Counted {
    tcp: TcpStream,
    calls: Calls,
}

impl Counted {
    /// Nothing counted yet.
    pub fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            calls: Calls::default(),
        }
    }

    /// Sets it blocking.
    pub fn wait(&self) -> Outcome<()> {
        Ok(self.tcp.set_nonblocking(false)?)
    }

    /// The calls so far.
    pub const fn calls(&self) -> Calls {
        self.calls
    }
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let taken = self.tcp.read(buf)?;
        self.calls.reads += u64::from(taken > 0);
        Ok(taken)
    }
}

impl Write for Counted {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let taken = self.tcp.write(buf)?;
        self.calls.writes += u64::from(taken > 0);
        Ok(taken)
    }

    fn write_vectored(&mut self, bufs: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let taken = self.tcp.write_vectored(bufs)?;
        self.calls.writes += u64::from(taken > 0);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}
