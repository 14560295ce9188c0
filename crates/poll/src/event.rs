//! What the loop tells.

use slotmap::new_key_type;

new_key_type! {
    pub(crate) struct EntryKey;
    pub(crate) struct TimerKey;
}

/// Names a connection or a listener of one loop. A token is never used again:
/// that of something that has gone finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub(crate) EntryKey);

/// Names a timer of one loop. It is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId(pub(crate) TimerKey);

/// Something that happened. The [table](crate#events) tells which are repeated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A client may be waiting at this listener: [`Poll::accept`](crate::Poll::accept).
    Incoming(Token),
    /// The listener could not accept and rests for a time: first
    /// [`ACCEPT_PAUSE`](crate::ACCEPT_PAUSE), then twice as long each time, up
    /// to [`MAX_ACCEPT_PAUSE`](crate::MAX_ACCEPT_PAUSE). The usual error is that
    /// the process has too many open files. Clients stay in the queue, and are
    /// told again after the rest.
    AcceptPaused(Token, socket::Error),
    /// The connection is made. Only of a socket that was
    /// [started](socket::Socket::start_connect_tcp). With TLS on, the handshake
    /// begins.
    Connected(Token),
    /// The TLS handshake is done, and its last flight has left.
    HandshakeDone(Token),
    /// A receive may bring something.
    Readable(Token),
    /// A send was cut short, and what is held has sunk to the
    /// [low watermark](crate::Options::watermarks).
    Writable(Token),
    /// The peer has ended its direction cleanly: with its end of sending on a
    /// plain connection, with `close_notify` under TLS. This side may still
    /// send.
    Ended(Token),
    /// The stream ended without the peer's `close_notify`: what came may be
    /// incomplete.
    Truncated(Token),
    /// The peer has gone, in both directions: it has reset the connection or
    /// vanished. What it sent before has been received.
    HungUp(Token),
    /// Connecting, the handshake, TLS or the descriptor failed. During the
    /// handshake and before it this is the event of every failure.
    Failed(Token, socket::Error),
    /// A deadline is over.
    TimedOut(Token, Deadline),
    /// Both directions have ended in order.
    Closed(Token),
    /// A [timer](crate::Poll::set_timer) is over.
    Timer(TimerId),
    /// A [`Waker`](crate::Waker) was used, once or more often.
    Woken,
}

impl Event {
    /// The connection or listener that it is about.
    pub const fn token(&self) -> Option<Token> {
        match self {
            Self::Incoming(token)
            | Self::AcceptPaused(token, _)
            | Self::Connected(token)
            | Self::HandshakeDone(token)
            | Self::Readable(token)
            | Self::Writable(token)
            | Self::Ended(token)
            | Self::Truncated(token)
            | Self::HungUp(token)
            | Self::Failed(token, _)
            | Self::TimedOut(token, _)
            | Self::Closed(token) => Some(*token),
            Self::Timer(_) | Self::Woken => None,
        }
    }

    /// Whether the connection is dropped by the next call of
    /// [`Poll::poll`](crate::Poll::poll). Of [`Deadline::Idle`] that can be
    /// averted.
    pub const fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Truncated(_)
                | Self::HungUp(_)
                | Self::Failed(..)
                | Self::TimedOut(..)
                | Self::Closed(_)
        )
    }
}

/// Which deadline is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Deadline {
    /// The connection was not made in time.
    Connect,
    /// The TLS handshake was not done in time.
    Handshake,
    /// No data passed in either direction. The connection is not dropped if
    /// something is sent or received, [`close`](crate::Connection::close) is
    /// called or a new [time](crate::Connection::set_idle_timeout) is set before
    /// the next call of `poll`.
    Idle,
    /// The peer took nothing of what is held for it.
    Write,
    /// The peer did not end the stream after
    /// [`close`](crate::Connection::close).
    Close,
}

/// A buffer for the events of one turn. It holds plain values, so the loop can
/// be changed while they are gone through.
#[derive(Debug)]
pub struct Events {
    pub(crate) list: Vec<Event>,
    pub(crate) capacity: usize,
}

impl Events {
    /// Room for 1,024 events.
    pub fn new() -> Self {
        Self::with_capacity(1024)
    }

    /// Room for so many events, 1 at least. What does not fit is told in the
    /// next turn, before what was told in this one. A connection's events are
    /// not parted, so there may be a few more.
    pub fn with_capacity(events: usize) -> Self {
        Self {
            list: Vec::new(),
            capacity: events.max(1),
        }
    }

    /// The events of the last turn.
    pub fn iter(&self) -> std::slice::Iter<'_, Event> {
        self.list.iter()
    }

    /// Whether nothing happened: the time was over.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.list.len() >= self.capacity
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> IntoIterator for &'a Events {
    type Item = &'a Event;
    type IntoIter = std::slice::Iter<'a, Event>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
