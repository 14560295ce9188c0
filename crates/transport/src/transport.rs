//! The byte stream under a session.

use std::io::{self, IoSlice, Read, Write};
#[cfg(unix)]
use std::os::fd::BorrowedFd;

/// A byte stream in both directions, usually a socket.
///
/// Every `Read + Write` is one. When it would wait it answers
/// [`io::ErrorKind::WouldBlock`]; a stream that waits by itself works too. An
/// operation over it answers [`Step::Blocked`](crate::Step::Blocked) only to
/// give the caller a turn, when a peer sends message after message but no data;
/// called again, it goes on.
/// [`io::ErrorKind::Interrupted`] is retried by the caller.
pub trait Transport {
    /// Receives bytes. `Ok(0)` is the end of the stream (for a non-empty `buf`).
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize>;

    /// Sends bytes and answers how many were taken.
    fn write(&mut self, buf: &[u8]) -> io::Result<usize>;

    /// Sends from several buffers, in order.
    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        match bufs.iter().find(|buf| !buf.is_empty()) {
            Some(buf) => self.write(buf),
            None => Ok(0),
        }
    }

    /// Pushes out what the transport itself has buffered.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The descriptor that all reads and writes reach unchanged, if there is one.
    #[cfg(unix)]
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl<T: Read + Write + ?Sized> Transport for T {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Read::read(self, buf)
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Write::write(self, buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Write::write_vectored(self, bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(self)
    }
}
