//! A connection that is out of its pool.

use std::fmt;
use std::io::{self, IoSlice};
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tls_core::{AnyBackend, TlsBackend};

use super::check::check;
use super::pool::now;
use super::stream::Stream;
use crate::Unfit;
use crate::core::Held;
use crate::shared::InUse;

/// A connection of a pool, to be used like the [`Stream`] that it is.
///
/// It goes back with [`release`](Self::release), and in no other way. A pool
/// does not know the protocol that is spoken, and so cannot tell whether an
/// exchange is complete: only the caller can. So a connection that is dropped
/// (by an early return with an error, by a task that is aborted) is closed at
/// once, without `close_notify`, and the peer does not take half a message for
/// a whole one.
///
/// Settings of the descriptor that a caller changes (Nagle's algorithm, buffer
/// sizes) stay.
#[must_use = "a connection that is dropped is closed"]
pub struct Pooled<B: TlsBackend = AnyBackend> {
    // In this order: the descriptor is closed before its place is free.
    held: Held<Stream<B>>,
    place: InUse<Stream<B>>,
    reused: bool,
}

impl<B: TlsBackend> Pooled<B> {
    pub(super) fn new(held: Held<Stream<B>>, place: InUse<Stream<B>>, reused: bool) -> Self {
        Self {
            held,
            place,
            reused,
        }
    }

    pub(super) fn fresh(connection: Stream<B>, place: InUse<Stream<B>>, born: Instant) -> Self {
        Self::new(Held { connection, born }, place, false)
    }

    /// Gives it back, because the exchange is complete: all of the request was
    /// sent and flushed, all of the answer received, and the protocol allows
    /// another. It is checked without waiting, and closed if there is data that
    /// was not read or not sent, if the peer or this side has ended it, or if it
    /// has failed: the answer says so, and is no error.
    pub fn release(mut self) -> Result<(), Unfit> {
        check(&mut self.held.connection, self.place.is_tls())?;
        self.put_back();
        Ok(())
    }

    /// Takes it out of the pool for good. Its place is free for another.
    pub fn into_stream(self) -> Stream<B> {
        self.held.connection
    }

    /// Whether it has been used before, or was made in advance. A request on
    /// such a connection can fail because the peer has closed it a moment ago;
    /// on a new one that is unlikely.
    pub fn is_reused(&self) -> bool {
        self.reused
    }

    /// How long ago it was made.
    pub fn age(&self) -> Duration {
        now().saturating_duration_since(self.held.born)
    }

    pub(super) fn put_back(self) {
        let Self { held, place, .. } = self;
        place.give_back(held);
    }
}

impl<B: TlsBackend> Deref for Pooled<B> {
    type Target = Stream<B>;

    fn deref(&self) -> &Self::Target {
        &self.held.connection
    }
}

impl<B: TlsBackend> DerefMut for Pooled<B> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.held.connection
    }
}

impl<B: TlsBackend> AsyncRead for Pooled<B> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut **self.get_mut()).poll_read(cx, buf)
    }
}

impl<B: TlsBackend> AsyncWrite for Pooled<B> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut **self.get_mut()).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut **self.get_mut()).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        (**self).is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut **self.get_mut()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut **self.get_mut()).poll_shutdown(cx)
    }
}

impl<B: TlsBackend> fmt::Debug for Pooled<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled")
            .field("stream", &self.held.connection)
            .field("reused", &self.reused)
            .finish_non_exhaustive()
    }
}
