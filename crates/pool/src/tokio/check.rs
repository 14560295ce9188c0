//! Whether a connection can be used by somebody else, and its end.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ::tokio::task::unconstrained;
use socket::Interest;
use tls_core::{TlsBackend, TlsSession};

use super::stream::Stream;
use crate::check::{TURNS, Unfit};

/// Finds out without waiting, and without trusting what the runtime remembers.
pub(super) fn check<B: TlsBackend>(stream: &mut Stream<B>, is_tls: bool) -> Result<(), Unfit> {
    if stream.is_tls() != is_tls || stream.has_ended() {
        return Err(Unfit::Altered);
    }
    if let Poll::Ready(Err(error)) = at_once(|cx| stream.io().poll_runtime(cx)) {
        return Err(Unfit::Failed(error.into()));
    }
    if let Some(tls) = stream.tls_mut() {
        // An empty write sends what is held, and tells whether sending is over.
        match at_once(|cx| Pin::new(&mut *tls).poll_write(cx, &[])) {
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(_)) => return Err(Unfit::Altered),
            Poll::Pending => return Err(Unfit::Unsent),
        }
    }
    stream.io_mut().read_directly(true);
    let found = receive(stream);
    stream.io_mut().read_directly(false);
    found
}

/// What has been read ahead, or is in the descriptor, may be messages that are
/// no data: only a read tells.
fn receive<B: TlsBackend>(stream: &mut Stream<B>) -> Result<(), Unfit> {
    for _ in 0..TURNS {
        let mut octet = [0];
        let mut buf = ReadBuf::new(&mut octet);
        match at_once(|cx| Pin::new(&mut *stream).poll_read(cx, &mut buf)) {
            Poll::Ready(Ok(())) if buf.filled().is_empty() => return Err(Unfit::Ended),
            Poll::Ready(Ok(())) => return Err(Unfit::Unread),
            Poll::Ready(Err(error)) => return Err(Unfit::Failed(cause(error))),
            Poll::Pending => {}
        }
        let Some(tls) = stream.tls() else {
            return Ok(());
        };
        // The answer to a key update is on its way, or data is.
        if tls.session().interest().contains(Interest::WRITE) {
            return Err(Unfit::Unsent);
        }
        if !tls.session().pending() {
            return Ok(());
        }
    }
    Err(Unfit::Unread)
}

/// Ends it cleanly as far as that needs no waiting.
pub(super) fn retire<B: TlsBackend>(stream: &mut Stream<B>) {
    // Nobody is left to be told how it went.
    let _ = at_once(|cx| Pin::new(&mut *stream).poll_shutdown(cx));
}

/// Polls once, for nobody. A task that has used its share of the runtime up
/// would find everything pending, which says nothing of the stream.
fn at_once<T>(poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    pin!(unconstrained(poll_fn(poll))).poll(&mut Context::from_waker(Waker::noop()))
}

/// The session's error is inside of what a TLS stream answers.
fn cause(error: io::Error) -> socket::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(inner) => socket::Error::from(tls_core::Error::clone(inner)),
        None => error.into(),
    }
}
