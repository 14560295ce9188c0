//! A stream that ends in the middle of what is received.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Without a word.
    Cut,
    /// By a reset: sending fails as well.
    Reset,
}

/// The stream. Nothing is wrong with it before it is told.
#[derive(Debug)]
pub(super) struct Faulty<IO> {
    inner: IO,
    /// Where and how it ends.
    end: Option<(usize, End)>,
}

impl<IO> Faulty<IO> {
    pub(super) fn new(inner: IO) -> Self {
        Self { inner, end: None }
    }

    /// The octet behind so many more does not arrive.
    pub(super) fn end_after(&mut self, octets: usize, end: End) {
        self.end = Some((octets, end));
    }

    fn check_sending(&self) -> io::Result<()> {
        match self.end {
            Some((0, End::Reset)) => Err(io::ErrorKind::ConnectionReset.into()),
            _ => Ok(()),
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Faulty<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some((left, end)) = self.end else {
            return Pin::new(&mut self.inner).poll_read(cx, buf);
        };
        if left == 0 {
            return Poll::Ready(match end {
                End::Cut => Ok(()),
                End::Reset => Err(io::ErrorKind::ConnectionReset.into()),
            });
        }
        let mut some = vec![0; left.min(buf.remaining())];
        let mut some = ReadBuf::new(&mut some);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut some))?;
        buf.put_slice(some.filled());
        self.end = Some((left - some.filled().len(), end));
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Faulty<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_sending()?;
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_sending()?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_sending()?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
