//! What a connector makes.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tls_core::TlsBackend;

use crate::TlsStream;

/// A connection of [`HttpsConnector`](super::HttpsConnector): over TLS, or
/// plain for an `http` address.
pub enum HttpsStream<B: TlsBackend, T> {
    /// Plain.
    Http(T),
    /// Over TLS.
    Https(TokioIo<TlsStream<B, TokioIo<T>>>),
}

/// Nothing of it is ever pinned but `T`.
impl<B: TlsBackend, T: Unpin> Unpin for HttpsStream<B, T> {}

/// Does the same with either.
macro_rules! either {
    ($stream:expr, $io:ident => $call:expr) => {
        match $stream.get_mut() {
            Self::Http(io) => {
                let $io = Pin::new(io);
                $call
            }
            Self::Https(io) => {
                let $io = Pin::new(io);
                $call
            }
        }
    };
}

impl<B: TlsBackend, T: Read + Write + Unpin> Read for HttpsStream<B, T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_read(cx, buf))
    }
}

impl<B: TlsBackend, T: Read + Write + Unpin> Write for HttpsStream<B, T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, io => io.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, io => io.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Http(io) => io.is_write_vectored(),
            Self::Https(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_shutdown(cx))
    }
}

/// Tells hyper's client whether HTTP/2 was agreed on.
impl<B: TlsBackend, T: Connection> Connection for HttpsStream<B, T> {
    fn connected(&self) -> Connected {
        match self {
            Self::Http(io) => io.connected(),
            Self::Https(io) => {
                let connected = io.inner().get_ref().inner().connected();
                match io.inner().alpn() {
                    Some(b"h2") => connected.negotiated_h2(),
                    _ => connected,
                }
            }
        }
    }
}

impl<B: TlsBackend, T: fmt::Debug> fmt::Debug for HttpsStream<B, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(io) => f.debug_tuple("Http").field(io).finish(),
            Self::Https(io) => f.debug_tuple("Https").field(io).finish(),
        }
    }
}
