//! A connection, plain or TLS.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tls_core::{AnyBackend, SessionFacts, TlsBackend};
use tls_tokio::TlsStream;

use super::io::Io;

/// A connection that a pool has made, plain or TLS.
///
/// A read of 0 octets is the peer's clean end. `flush` before you wait for an
/// answer. `shutdown` ends this side's direction, with `close_notify` under
/// TLS, and a pool does not take the connection back then. Errors are those of
/// [`TlsStream`].
pub struct Stream<B: TlsBackend = AnyBackend> {
    link: Link<B>,
    /// Whether this side's end was asked for.
    ended: bool,
}

enum Link<B: TlsBackend> {
    Plain(Io),
    Tls(Box<TlsStream<B, Io>>),
}

impl<B: TlsBackend> Stream<B> {
    pub(super) fn plain(io: Io) -> Self {
        Self {
            link: Link::Plain(io),
            ended: false,
        }
    }

    pub(super) fn under_tls(stream: TlsStream<B, Io>) -> Self {
        Self {
            link: Link::Tls(Box::new(stream)),
            ended: false,
        }
    }

    /// Whether it is under TLS.
    pub fn is_tls(&self) -> bool {
        self.tls().is_some()
    }

    /// What was negotiated, and with whom; `None` without TLS.
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.tls()?.facts()
    }

    /// The application protocol, if one was negotiated.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.tls()?.alpn()
    }

    /// The TLS stream, if it is one.
    pub fn tls(&self) -> Option<&TlsStream<B, Io>> {
        match &self.link {
            Link::Plain(_) => None,
            Link::Tls(stream) => Some(stream),
        }
    }

    /// The TLS stream, if it is one, to renew its keys for example.
    pub fn tls_mut(&mut self) -> Option<&mut TlsStream<B, Io>> {
        match &mut self.link {
            Link::Plain(_) => None,
            Link::Tls(stream) => Some(stream),
        }
    }

    /// The TCP or Unix stream beneath.
    pub fn io(&self) -> &Io {
        match &self.link {
            Link::Plain(io) => io,
            Link::Tls(stream) => stream.get_ref(),
        }
    }

    pub(super) fn io_mut(&mut self) -> &mut Io {
        match &mut self.link {
            Link::Plain(io) => io,
            Link::Tls(stream) => stream.get_mut(),
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }
}

impl<B: TlsBackend> AsyncRead for Stream<B> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().link {
            Link::Plain(io) => Pin::new(io).poll_read(cx, buf),
            Link::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
        }
    }
}

impl<B: TlsBackend> AsyncWrite for Stream<B> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().link {
            Link::Plain(io) => Pin::new(io).poll_write(cx, buf),
            Link::Tls(stream) => Pin::new(&mut **stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().link {
            Link::Plain(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Link::Tls(stream) => Pin::new(&mut **stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().link {
            Link::Plain(io) => Pin::new(io).poll_flush(cx),
            Link::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.ended = true;
        match &mut this.link {
            Link::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Link::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
        }
    }
}

impl<B: TlsBackend> fmt::Debug for Stream<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.link {
            Link::Plain(io) => io.fmt(f),
            Link::Tls(stream) => stream.fmt(f),
        }
    }
}
