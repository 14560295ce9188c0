//! A TCP stream of tokio's that counts its calls.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::pipe::Calls;

/// Counts the calls that moved octets, into a counter that many streams share.
#[derive(Debug)]
pub struct Counted {
    tcp: TcpStream,
    calls: Rc<Cell<Calls>>,
}

impl Counted {
    /// Counts into `calls`.
    pub fn new(tcp: TcpStream, calls: &Rc<Cell<Calls>>) -> Self {
        Self {
            tcp,
            calls: Rc::clone(calls),
        }
    }

    fn wrote(&self, octets: usize) -> usize {
        let mut calls = self.calls.get();
        calls.writes += u64::from(octets > 0);
        self.calls.set(calls);
        octets
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.tcp).poll_read(cx, buf))?;
        let mut calls = self.calls.get();
        calls.reads += u64::from(buf.filled().len() > before);
        self.calls.set(calls);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let octets = ready!(Pin::new(&mut self.tcp).poll_write(cx, buf))?;
        Poll::Ready(Ok(self.wrote(octets)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let octets = ready!(Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs))?;
        Poll::Ready(Ok(self.wrote(octets)))
    }
}
