//! The client's connection, plain or TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use polytls::Keepalive;
use polytls::tls::{AnyBackend, SessionFacts};
use polytls::tokio::{Error, TlsAcceptor, TlsStream};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::KEEPALIVE;
use crate::door::Place;

/// A client. Dropped before it has [ended in order](Self::end_in_order), it
/// sees no clean end: without TLS, that is a reset.
pub(super) enum Client {
    Plain(TcpStream),
    Tls(Box<TlsStream<AnyBackend, TcpStream>>),
}

impl Client {
    /// Does the handshake, if there is an acceptor, when it is its turn.
    pub(super) async fn new(
        stream: TcpStream,
        acceptor: Option<&TlsAcceptor<AnyBackend>>,
        place: &Place,
    ) -> Result<Self, Error> {
        let Keepalive {
            idle,
            interval,
            probes,
        } = KEEPALIVE;
        let keepalive = TcpKeepalive::new()
            .with_time(idle)
            .with_interval(interval)
            .with_retries(probes);
        // It fails only where the peer has gone.
        let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
        let Some(acceptor) = acceptor else {
            reset_on_drop(&stream, true);
            return Ok(Self::Plain(stream));
        };
        let _turn = place.handshake().await;
        let stream = acceptor.accept(stream).await?;
        Ok(Self::Tls(Box::new(stream)))
    }

    /// What was negotiated; `None` without TLS.
    pub(super) fn facts(&self) -> Option<&SessionFacts> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => stream.facts(),
        }
    }

    /// The application protocol, if one was negotiated.
    pub(super) fn alpn(&self) -> Option<&[u8]> {
        self.facts()?.alpn.as_deref()
    }

    /// The next drop is no fault.
    pub(super) fn end_in_order(&self) {
        if let Self::Plain(stream) = self {
            reset_on_drop(stream, false);
        }
    }
}

/// Whether the peer of a plain connection gets a reset when it is dropped, as
/// the sign that it is not complete.
pub(super) fn reset_on_drop(stream: &TcpStream, reset: bool) {
    // It fails only where the peer has gone.
    let _ = SockRef::from(stream).set_linger(reset.then_some(Duration::ZERO));
}

/// Does the same with either.
macro_rules! either {
    ($client:expr, $io:ident => $call:expr) => {
        match $client.get_mut() {
            Self::Plain(stream) => {
                let $io = Pin::new(stream);
                $call
            }
            Self::Tls(stream) => {
                let $io = Pin::new(&mut **stream);
                $call
            }
        }
    };
}

impl AsyncRead for Client {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_read(cx, buf))
    }
}

impl AsyncWrite for Client {
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
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_shutdown(cx))
    }
}
