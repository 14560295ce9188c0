//! A future that gives the stream back when it fails.

/// Answers a failure as [`Failed`](crate::Failed), with the stream in it: made
/// by [`Handshake::into_fallible`](crate::Handshake::into_fallible) and
/// [`LazyAcceptor::into_fallible`](crate::LazyAcceptor::into_fallible).
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Fallible<F>(pub(crate) F);
