//! A stream that is pending before every call, and then passes one octet.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The stream. Its user is woken at once.
#[derive(Debug)]
pub(super) struct OneOctetAtATime<IO> {
    inner: IO,
    read_next: bool,
    write_next: bool,
}

impl<IO> OneOctetAtATime<IO> {
    pub(super) fn new(inner: IO) -> Self {
        Self {
            inner,
            read_next: false,
            write_next: false,
        }
    }
}

/// Every other call is pending.
fn turn(next: &mut bool, cx: &Context<'_>) -> Poll<()> {
    *next ^= true;
    if *next {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    Poll::Ready(())
}

impl<IO: AsyncRead + Unpin> AsyncRead for OneOctetAtATime<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(turn(&mut self.read_next, cx));
        let mut one = [0];
        let mut octet = ReadBuf::new(&mut one);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut octet))?;
        buf.put_slice(octet.filled());
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for OneOctetAtATime<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(turn(&mut self.write_next, cx));
        Pin::new(&mut self.inner).poll_write(cx, &buf[..buf.len().min(1)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
