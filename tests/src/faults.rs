//! Transports that play a fault, each named after it.
//!
//! All of them act on what one side receives or on the calls it makes, so a
//! fault in one direction is played by the side that reads it.

use std::io::{self, IoSlice};

use polytls::tls::Transport;

/// Passes one octet a call.
#[derive(Debug)]
pub struct OneByteAtATime<T>(pub T);

impl<T: Transport> Transport for OneByteAtATime<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let one = buf.len().min(1);
        self.0.read(&mut buf[..one])
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(&buf[..buf.len().min(1)])
    }
}

/// Blocks every other read and every other write.
#[derive(Debug)]
pub struct BlockedBeforeEveryCall<T> {
    inner: T,
    read_next: bool,
    write_next: bool,
}

impl<T> BlockedBeforeEveryCall<T> {
    /// The first call blocks.
    pub fn new(inner: T) -> Self {
        Self {
            inner,
            read_next: false,
            write_next: false,
        }
    }
}

impl<T: Transport> Transport for BlockedBeforeEveryCall<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.read_next ^= true;
        if self.read_next {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.inner.read(buf)
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_next ^= true;
        if self.write_next {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.inner.write_vectored(bufs)
    }
}

/// Is interrupted before every call, as by a signal.
#[derive(Debug)]
pub struct InterruptedBeforeEveryCall<T> {
    inner: T,
    read_next: bool,
    write_next: bool,
}

impl<T> InterruptedBeforeEveryCall<T> {
    /// The first call is interrupted.
    pub fn new(inner: T) -> Self {
        Self {
            inner,
            read_next: false,
            write_next: false,
        }
    }
}

impl<T: Transport> Transport for InterruptedBeforeEveryCall<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.read_next ^= true;
        if self.read_next {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.inner.read(buf)
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_next ^= true;
        if self.write_next {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.inner.write_vectored(bufs)
    }
}

/// Passes a few octets a call and blocks now and then, always the same way.
#[derive(Debug)]
pub struct Dribbling<T> {
    inner: T,
    state: u32,
}

impl<T> Dribbling<T> {
    /// `seed` chooses the pattern.
    pub fn new(inner: T, seed: u32) -> Self {
        Self { inner, state: seed }
    }

    /// Octets for the next call, 0 to block: a linear congruential sequence.
    fn next(&mut self) -> usize {
        self.state = self
            .state
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        (self.state >> 24) as usize % 97
    }
}

impl<T: Transport> Transport for Dribbling<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = self.next().min(buf.len());
        if most == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.inner.read(&mut buf[..most])
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let most = self.next().min(buf.len());
        if most == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.inner.write(&buf[..most])
    }
}

/// Ends after so many octets were received, without a word to the sender.
#[derive(Debug)]
pub struct CutAt<T> {
    inner: T,
    left: usize,
}

impl<T> CutAt<T> {
    /// The octet at `offset` does not arrive.
    pub fn new(inner: T, offset: usize) -> Self {
        Self {
            inner,
            left: offset,
        }
    }
}

impl<T: Transport> Transport for CutAt<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = buf.len().min(self.left);
        if most == 0 {
            return Ok(0);
        }
        let taken = self.inner.read(&mut buf[..most])?;
        self.left -= taken;
        Ok(taken)
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.inner.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.inner.write_vectored(bufs)
    }
}

/// Is reset after so many octets were received.
#[derive(Debug)]
pub struct ResetAt<T> {
    inner: T,
    left: usize,
}

impl<T> ResetAt<T> {
    /// The octet at `offset` does not arrive, and all later calls fail.
    pub fn new(inner: T, offset: usize) -> Self {
        Self {
            inner,
            left: offset,
        }
    }
}

impl<T: Transport> Transport for ResetAt<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let most = buf.len().min(self.left);
        let taken = self.inner.read(&mut buf[..most])?;
        self.left -= taken;
        Ok(taken)
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.inner.write_vectored(bufs)
    }
}

/// Flips one bit of what is received.
#[derive(Debug)]
pub struct BitFlippedAt<T> {
    inner: T,
    offset: usize,
    mask: u8,
    passed: usize,
}

impl<T> BitFlippedAt<T> {
    /// Flips the bits of `mask` in the octet at `offset`.
    pub fn new(inner: T, offset: usize, mask: u8) -> Self {
        Self {
            inner,
            offset,
            mask,
            passed: 0,
        }
    }
}

impl<T: Transport> Transport for BitFlippedAt<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let taken = self.inner.read(buf)?;
        if let Some(place) = self.offset.checked_sub(self.passed)
            && place < taken
        {
            buf[place] ^= self.mask;
        }
        self.passed += taken;
        Ok(taken)
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.inner.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.inner.write_vectored(bufs)
    }
}

#[cfg(test)]
mod tests {
    use polytls::tls::Role;

    use super::*;
    use crate::pipe::{End, pipe};

    fn receives(decorate: impl FnOnce(End) -> Box<dyn Transport>) -> (Vec<u8>, io::Result<()>) {
        let (client, server, wire) = pipe();
        wire.inject(Role::Client, b"abcdef");
        wire.end(Role::Client);
        drop(client);
        let mut io = decorate(server);
        let mut got = Vec::new();
        let mut buf = [0; 4];
        for _ in 0..100 {
            match io.read(&mut buf) {
                Ok(0) => return (got, Ok(())),
                Ok(taken) => got.extend_from_slice(&buf[..taken]),
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                    ) => {}
                Err(error) => return (got, Err(error)),
            }
        }
        panic!("no end");
    }

    #[test]
    fn faults_that_only_slow_down_lose_nothing() {
        assert_eq!(receives(|io| Box::new(OneByteAtATime(io))).0, b"abcdef");
        assert_eq!(
            receives(|io| Box::new(BlockedBeforeEveryCall::new(io))).0,
            b"abcdef"
        );
        assert_eq!(
            receives(|io| Box::new(InterruptedBeforeEveryCall::new(io))).0,
            b"abcdef"
        );
        assert_eq!(receives(|io| Box::new(Dribbling::new(io, 1))).0, b"abcdef");
    }

    #[test]
    fn faults_that_hurt_do_so_at_their_offset() {
        let (got, end) = receives(|io| Box::new(CutAt::new(io, 5)));
        assert_eq!(got, b"abcde");
        assert!(end.is_ok());
        let (got, end) = receives(|io| Box::new(ResetAt::new(io, 5)));
        assert_eq!(got, b"abcde");
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        let (got, end) = receives(|io| Box::new(BitFlippedAt::new(io, 5, 0x20)));
        assert_eq!(got, b"abcdeF");
        assert!(end.is_ok());
    }
}
