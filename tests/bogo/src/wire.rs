//! The connection to the runner.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream};

use crate::settings::Settings;

/// A connection that waits, or under `-async` one that blocks at every other
/// call and passes one byte at a time.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    reads: Gate,
    writes: Gate,
    /// The first octets of each direction, which hold the first hello.
    heard: Vec<u8>,
    said: Vec<u8>,
}

/// How many octets of each direction are kept.
const KEPT: usize = 4096;

/// One direction's share in `-async`.
#[derive(Debug)]
enum Gate {
    Open,
    /// Passes one byte when `ready`, and blocks once between two of them.
    OneByte {
        ready: bool,
    },
    /// Passes so many bytes and then blocks until it is opened again.
    Held {
        left: usize,
    },
}

impl Wire {
    /// Connects and says which shim this is: the id, eight bytes, the lowest
    /// first. The shim connects also where it is the TLS server.
    pub(crate) fn connect(settings: &Settings) -> io::Result<Self> {
        let address = match settings.ipv6 {
            true => SocketAddr::from((Ipv6Addr::LOCALHOST, settings.port)),
            false => SocketAddr::from((Ipv4Addr::LOCALHOST, settings.port)),
        };
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.write_all(&settings.shim_id.to_le_bytes())?;
        let gate = || match settings.asynchronous {
            true => Gate::OneByte { ready: false },
            false => Gate::Open,
        };
        Ok(Self {
            stream,
            reads: gate(),
            writes: gate(),
            heard: Vec::new(),
            said: Vec::new(),
        })
    }

    /// The first octets that have come.
    pub(crate) fn heard(&self) -> &[u8] {
        &self.heard
    }

    /// The first octets that have been sent.
    pub(crate) fn said(&self) -> &[u8] {
        &self.said
    }

    /// Takes so many more bytes and then none until [`release`](Self::release).
    pub(crate) fn hold_after(&mut self, left: usize) {
        self.writes = Gate::Held { left };
    }

    /// Takes bytes again, one at a time.
    pub(crate) fn release(&mut self) {
        self.writes = Gate::OneByte { ready: false };
    }

    /// Ends our side and reads the peer's to its end, so that what was sent
    /// last, an alert for example, is not lost to a reset.
    pub(crate) fn finish(mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        let mut rest = [0; 1024];
        while let Ok(1..) = self.stream.read(&mut rest) {}
    }
}

fn keep(kept: &mut Vec<u8>, octets: &[u8]) {
    let room = KEPT - kept.len();
    kept.extend_from_slice(&octets[..octets.len().min(room)]);
}

impl Gate {
    /// How many of `wanted` bytes may pass now.
    fn pass(&mut self, wanted: usize) -> io::Result<usize> {
        let blocked = || io::ErrorKind::WouldBlock.into();
        match self {
            Self::Open => Ok(wanted),
            Self::OneByte { ready: true } => {
                *self = Self::OneByte { ready: false };
                Ok(wanted.min(1))
            }
            Self::OneByte { ready } => {
                *ready = true;
                Err(blocked())
            }
            Self::Held { left: 0 } => Err(blocked()),
            Self::Held { left } => {
                let passed = wanted.min(*left);
                *left -= passed;
                Ok(passed)
            }
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let length = self.reads.pass(buf.len())?;
        let came = self.stream.read(&mut buf[..length])?;
        keep(&mut self.heard, &buf[..came]);
        Ok(came)
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let length = self.writes.pass(buf.len())?;
        let sent = self.stream.write(&buf[..length])?;
        keep(&mut self.said, &buf[..sent]);
        Ok(sent)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_of_one_byte_blocks_at_every_other_call() {
        let mut gate = Gate::OneByte { ready: false };
        for _ in 0..2 {
            assert_eq!(gate.pass(7).unwrap_err().kind(), io::ErrorKind::WouldBlock);
            assert_eq!(gate.pass(7).unwrap(), 1);
        }
    }

    #[test]
    fn a_held_gate_passes_its_share_and_no_more() {
        let mut gate = Gate::Held { left: 3 };
        assert_eq!(gate.pass(2).unwrap(), 2);
        assert_eq!(gate.pass(2).unwrap(), 1);
        assert!(gate.pass(2).is_err());
    }
}
