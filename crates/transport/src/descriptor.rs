//! A transport that also tells its descriptor.
#![cfg(unix)]

use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use crate::Transport;

/// Lends a stream together with its file descriptor.
///
/// The blanket [`Transport`] of `Read + Write` hides the descriptor, because a
/// stream may buffer or transform what passes. Wrap a stream in this only when
/// its reads and writes reach the descriptor unchanged: a session may then use
/// the descriptor directly.
#[derive(Debug)]
pub struct WithDescriptor<'a, S>(&'a mut S);

impl<'a, S: Read + Write + AsFd> WithDescriptor<'a, S> {
    /// Wraps a stream whose bytes reach its descriptor unchanged.
    pub fn new(stream: &'a mut S) -> Self {
        Self(stream)
    }
}

impl<S: Read + Write + AsFd> Transport for WithDescriptor<'_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn only_the_adapter_tells_the_descriptor() {
        let (mut near, mut far) = UnixStream::pair().unwrap();
        let raw = near.as_raw_fd();
        assert!(Transport::descriptor(&near).is_none());
        let mut lent = WithDescriptor::new(&mut near);
        assert_eq!(lent.descriptor().unwrap().as_raw_fd(), raw);
        let slices = [IoSlice::new(b"ab"), IoSlice::new(b"cd")];
        assert_eq!(lent.write_vectored(&slices).unwrap(), 4);
        let mut buf = [0; 8];
        assert_eq!(Transport::read(&mut far, &mut buf).unwrap(), 4);
        assert_eq!(&buf[..4], b"abcd");
    }
}
