//! A connection that is out of its pool.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use socket::{Layer, NoTls, Socket};

use crate::check::{Unfit, check};
use crate::core::Held;
use crate::shared::InUse;

/// A connection of a pool, to be used like the [`Socket`] that it is.
///
/// It goes back with [`release`](Self::release), and in no other way. A pool
/// does not know the protocol that is spoken, and so cannot tell whether an
/// exchange is complete: only the caller can. So a connection that is dropped
/// (by an early return with an error, by a panic) is closed at once, without
/// `close_notify`, and the peer does not take half a message for a whole one.
///
/// Settings of the descriptor that a caller changes (Nagle's algorithm, buffer
/// sizes) stay; timeouts, the deadline and the non-blocking mode are reset.
#[must_use = "a connection that is dropped is closed"]
pub struct Pooled<B: Layer = NoTls> {
    // In this order: the descriptor is closed before its place is free.
    held: Held<Socket<B>>,
    place: InUse<Socket<B>>,
    reused: bool,
}

impl<B: Layer> Pooled<B> {
    pub(crate) fn new(held: Held<Socket<B>>, place: InUse<Socket<B>>, reused: bool) -> Self {
        Self {
            held,
            place,
            reused,
        }
    }

    pub(crate) fn fresh(connection: Socket<B>, place: InUse<Socket<B>>, born: Instant) -> Self {
        Self::new(Held { connection, born }, place, false)
    }

    /// Gives it back, because the exchange is complete: all of the request was
    /// sent, all of the answer received, and the protocol allows another. It
    /// is checked without waiting, and closed if there is data that was not
    /// read or not sent, if the peer or this side has ended it, or if it has
    /// failed: the answer says so, and is no error.
    pub fn release(mut self) -> Result<(), Unfit> {
        check(&mut self.held.connection, self.place.is_tls())?;
        self.put_back();
        Ok(())
    }

    /// Takes it out of the pool for good. Its place is free for another.
    pub fn into_socket(self) -> Socket<B> {
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
        self.held.born.elapsed()
    }

    pub(crate) fn put_back(self) {
        let Self {
            mut held, place, ..
        } = self;
        let socket = &mut held.connection;
        socket.set_read_timeout(None);
        socket.set_write_timeout(None);
        socket.set_deadline(None);
        if socket.is_nonblocking() && socket.set_nonblocking(false).is_err() {
            return;
        }
        place.give_back(held);
    }
}

impl<B: Layer> Deref for Pooled<B> {
    type Target = Socket<B>;

    fn deref(&self) -> &Self::Target {
        &self.held.connection
    }
}

impl<B: Layer> DerefMut for Pooled<B> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.held.connection
    }
}

impl<B: Layer> fmt::Debug for Pooled<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled")
            .field("socket", &self.held.connection)
            .field("reused", &self.reused)
            .finish_non_exhaustive()
    }
}
