//! A connection whose handshake is done.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tls_core::{Error, Interest, KernelTls, SessionFacts, Step, TlsBackend, TlsSession};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::lent::Lent;
use crate::replay::Replay;
use crate::waiting::{Waiting, note};

/// A TLS connection over `IO`, made by a [`TlsConnector`](crate::TlsConnector)
/// or a [`TlsAcceptor`](crate::TlsAcceptor).
///
/// # Reading
/// A read of 0 octets is the peer's `close_notify`, a clean end. An end
/// without it is [`io::ErrorKind::UnexpectedEof`] with
/// [`tls_core::Error::Truncated`] inside, and data may be missing.
///
/// # Writing
/// What a write has taken is sent as far as `IO` takes it; up to 64 KiB
/// ([`MAX_HELD_PLAINTEXT`](tls_core::limits::MAX_HELD_PLAINTEXT)) may be held
/// until the next call, so `flush` before a wait for something else.
/// `shutdown` sends `close_notify` and ends this side's direction of `IO`. A
/// drop does neither: the peer sees a truncation, and shall.
///
/// Vectored writes make one record of several small buffers.
///
/// # In two halves
/// [`tokio::io::split`] works, with the halves in two tasks: each is woken when
/// it can go on, also when reading has to answer a KeyUpdate.
///
/// # Errors
/// An error of TLS or of `IO` is final: every later call returns it again,
/// behind plaintext that was received before. The [`tls_core::Error`] is inside
/// of the [`io::Error`] ([`io::Error::get_ref`]).
///
/// # Kernel TLS
/// A stream here has no descriptor that all its bytes reach, so a config that
/// prefers it gets the library's records; [`kernel_tls`](Self::kernel_tls)
/// tells so. One that requires it is refused before any handshake.
pub struct TlsStream<B: TlsBackend, IO> {
    session: B::Session,
    io: IO,
    replay: Replay,
    waiting: Waiting,
    close: Close,
}

/// How `close_notify` goes out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Close {
    NotAsked,
    /// Nothing else waits to be sent.
    Alone,
    BehindData,
}

/// Nothing of it is ever pinned but `IO`.
impl<B: TlsBackend, IO: Unpin> Unpin for TlsStream<B, IO> {}

impl<B: TlsBackend, IO> TlsStream<B, IO> {
    pub(crate) fn new(session: B::Session, io: IO, replay: Replay) -> Self {
        Self {
            session,
            io,
            replay,
            waiting: Waiting::default(),
            close: Close::NotAsked,
        }
    }

    /// What was negotiated, and with whom. Always there: the handshake is done.
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.session.facts()
    }

    /// The application protocol, if one was negotiated.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.facts()?.alpn.as_deref()
    }

    /// The backend's session, to be asked what only this backend knows.
    pub fn session(&self) -> &B::Session {
        &self.session
    }

    /// Fills `out` with keying material that both sides share (RFC 5705;
    /// RFC 8446, section 7.5); see [`TlsSession::export_keying_material`].
    pub fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &str,
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.session.export_keying_material(out, label, context)
    }

    /// Where the session stands with kernel TLS: never active here.
    pub fn kernel_tls(&self) -> KernelTls {
        self.session.kernel_tls()
    }

    /// The stream under TLS.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// The stream under TLS, for its options: reading or writing it breaks the
    /// session.
    pub fn get_mut(&mut self) -> &mut IO {
        &mut self.io
    }

    /// The stream under TLS, without TLS. `close_notify` is not sent, and what
    /// the session has read ahead is lost with it; what it had not taken yet of
    /// the bytes that it was handed is given back.
    pub fn into_inner(self) -> (IO, Vec<u8>) {
        (self.io, self.replay.into_rest())
    }
}

impl<B: TlsBackend, IO: AsyncRead + AsyncWrite + Unpin> TlsStream<B, IO> {
    /// Renews the keys of both directions (TLS 1.3); see
    /// [`TlsSession::key_update`]. In TLS 1.2 it is [`Error::Unsupported`], and
    /// the session goes on. Dropped before it is done, it is under way, and
    /// the next call finishes it.
    pub async fn key_update(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_key_update(cx)).await
    }

    /// [`key_update`](Self::key_update), by hand.
    pub fn poll_key_update(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.send(cx, |session, lent| session.key_update(lent))
    }

    /// A call of the session that sends.
    #[inline(always)]
    fn send<T>(
        &mut self,
        cx: &mut Context<'_>,
        call: impl FnOnce(&mut B::Session, &mut Lent<'_, '_, IO>) -> Result<Step<T>, Error>,
    ) -> Poll<Result<T, Error>> {
        let mut lent = Lent {
            io: &mut self.io,
            replay: &mut self.replay,
            cx,
            other: self.waiting.reader.as_ref(),
            may_be_gone: self.close == Close::Alone,
            pending: Interest::empty(),
        };
        match call(&mut self.session, &mut lent) {
            Ok(Step::Blocked(interest)) => {
                lent.park(interest);
                note(&mut self.waiting.writer, cx);
                Poll::Pending
            }
            Ok(Step::Ready(value)) => {
                if self.waiting.writer.is_some() {
                    self.waiting.writer = None;
                }
                Poll::Ready(Ok(value))
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl<B: TlsBackend, IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<B, IO> {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut lent = Lent {
            io: &mut this.io,
            replay: &mut this.replay,
            cx,
            other: this.waiting.writer.as_ref(),
            may_be_gone: false,
            pending: Interest::empty(),
        };
        // Zeroes what was never initialised, which is once for each buffer.
        match this.session.read(&mut lent, buf.initialize_unfilled()) {
            Ok(Step::Ready(octets)) => {
                if this.waiting.reader.is_some() {
                    this.waiting.reader = None;
                }
                buf.advance(octets);
                Poll::Ready(Ok(()))
            }
            Ok(Step::Blocked(interest)) => {
                lent.park(interest);
                match interest.contains(Interest::WRITE) {
                    true => note(&mut this.waiting.reader, cx),
                    false if this.waiting.reader.is_some() => this.waiting.reader = None,
                    false => {}
                }
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error.into())),
        }
    }
}

impl<B: TlsBackend, IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<B, IO> {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut()
            .send(cx, |session, lent| session.write(lent, bufs))
            .map_err(io::Error::from)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.send(cx, |session, lent| session.flush(lent)))?;
        this.poll_io(cx, IO::poll_flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.close == Close::NotAsked {
            let holds = this.session.interest().contains(Interest::WRITE);
            this.close = if holds {
                Close::BehindData
            } else {
                Close::Alone
            };
        }
        let closed = ready!(this.send(cx, |session, lent| session.close(lent)));
        // A session that has failed says so, but the stream ends all the same.
        let shut = ready!(this.poll_io(cx, IO::poll_shutdown));
        closed?;
        Poll::Ready(match shut {
            // The peer was faster, which some systems mind.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            shut => shut,
        })
    }
}

impl<B: TlsBackend, IO: AsyncWrite + Unpin> TlsStream<B, IO> {
    /// A call of the stream underneath, behind one of the session.
    fn poll_io(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut IO>, &mut Context<'_>) -> Poll<io::Result<()>>,
    ) -> Poll<io::Result<()>> {
        let polled = match crate::waiting::both(cx, self.waiting.reader.as_ref()) {
            None => poll(Pin::new(&mut self.io), cx),
            Some(waker) => poll(Pin::new(&mut self.io), &mut Context::from_waker(&waker)),
        };
        if polled.is_pending() {
            note(&mut self.waiting.writer, cx);
        }
        polled
    }
}

impl<B: TlsBackend, IO: fmt::Debug> fmt::Debug for TlsStream<B, IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("io", &self.io)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
