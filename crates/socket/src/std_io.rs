//! The edge to `std::io`: the only place where `WouldBlock` exists.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};

use transport::Step;

use crate::{Error, Layer, Socket};

/// Waits within the read timeout ([`io::ErrorKind::TimedOut`]), or answers
/// [`io::ErrorKind::WouldBlock`] on a non-blocking socket.
impl<B: Layer> Read for Socket<B> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.is_nonblocking() {
            return would_block(self.try_recv(buf));
        }
        Ok(self.recv(buf)?)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        if self.is_nonblocking() {
            return would_block(self.try_recv_vectored(bufs));
        }
        Ok(self.recv_vectored(bufs)?)
    }
}

/// Waits within the write timeout ([`io::ErrorKind::TimedOut`]), or answers
/// [`io::ErrorKind::WouldBlock`] on a non-blocking socket. There a TLS session
/// may hold octets that it took; `flush` sends them.
impl<B: Layer> Write for Socket<B> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.is_nonblocking() {
            return would_block(self.try_send_vectored(bufs));
        }
        Ok(self.send_vectored(bufs)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_nonblocking() {
            return would_block(self.try_flush());
        }
        Ok(Socket::flush(self)?)
    }
}

fn would_block<T>(step: Result<Step<T>, Error>) -> io::Result<T> {
    match step? {
        Step::Ready(value) => Ok(value),
        Step::Blocked(_) => Err(io::ErrorKind::WouldBlock.into()),
    }
}
