//! A tokio stream as the transport of one call.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tls_core::{Interest, Transport};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::replay::Replay;
use crate::waiting::both;

/// Lends a stream and the task that asks to a session, for the length of one
/// call. Where the stream is pending, it has noted the task, and the session
/// is told `WouldBlock`.
pub(crate) struct Lent<'a, 'c, IO> {
    pub(crate) io: &'a mut IO,
    pub(crate) replay: &'a mut Replay,
    pub(crate) cx: &'a mut Context<'c>,
    /// Another task that waits for room too.
    pub(crate) other: Option<&'a Waker>,
    /// Whether a peer that has gone is no fault.
    pub(crate) may_be_gone: bool,
    /// Where the stream was pending.
    pub(crate) pending: Interest,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Lent<'_, '_, IO> {
    /// The session waits for this. If the stream was not pending in that
    /// direction nobody would wake the task: the session only gives a turn,
    /// so the task asks again.
    #[inline]
    pub(crate) fn park(&self, interest: Interest) {
        if !self.pending.contains(interest) {
            self.cx.waker().wake_by_ref();
        }
    }

    /// Writes, and has the other task woken as well when there is room.
    #[inline]
    fn poll_out<T>(
        &mut self,
        poll: impl FnOnce(Pin<&mut IO>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        let io = Pin::new(&mut *self.io);
        let polled = match both(self.cx, self.other) {
            None => poll(io, self.cx),
            Some(waker) => poll(io, &mut Context::from_waker(&waker)),
        };
        self.settle(polled, Interest::WRITE)
    }

    #[inline]
    fn settle<T>(&mut self, polled: Poll<io::Result<T>>, interest: Interest) -> io::Result<T> {
        match polled {
            Poll::Ready(result) => result,
            Poll::Pending => {
                self.pending |= interest;
                Err(io::ErrorKind::WouldBlock.into())
            }
        }
    }

    /// A `close_notify` for nobody is taken for sent.
    fn unless_gone(&self, result: io::Result<usize>, whole: usize) -> io::Result<usize> {
        match result {
            Err(error) if self.may_be_gone && error.kind() == io::ErrorKind::BrokenPipe => {
                Ok(whole)
            }
            result => result,
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Transport for Lent<'_, '_, IO> {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !self.replay.is_empty() {
            return Ok(self.replay.take(buf));
        }
        let mut buf = ReadBuf::new(buf);
        let polled = Pin::new(&mut *self.io).poll_read(self.cx, &mut buf);
        self.settle(polled, Interest::READ)?;
        Ok(buf.filled().len())
    }

    #[inline]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = self.poll_out(|io, cx| io.poll_write(cx, buf));
        self.unless_gone(written, buf.len())
    }

    #[inline]
    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = self.poll_out(|io, cx| io.poll_write_vectored(cx, bufs));
        match self.may_be_gone {
            false => written,
            true => self.unless_gone(written, bufs.iter().map(|buf| buf.len()).sum()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.poll_out(IO::poll_flush)
    }
}
