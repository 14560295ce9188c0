//! A connection of the loop, borrowed.

use std::fmt;
use std::io::IoSlice;
use std::time::{Duration, Instant};

use socket::{Layer, Socket, Step};

use crate::link::Link;
use crate::poll::Core;
use crate::{Error, Token};

/// One connection of a [`Poll`](crate::Poll), for as long as it is looked at.
/// Nothing here waits.
pub struct Connection<'a, B: Layer> {
    pub(crate) link: &'a mut Link<B>,
    pub(crate) core: &'a mut Core,
    pub(crate) token: Token,
}

impl<B: Layer> Connection<'_, B> {
    /// Its name.
    pub fn token(&self) -> Token {
        self.token
    }

    /// The socket, to be asked for its addresses, its counters and what TLS
    /// negotiated.
    pub fn socket(&self) -> &Socket<B> {
        &self.link.socket
    }

    /// How many octets are held that the socket has not taken. What its TLS
    /// session holds beyond is not counted: four records at most.
    pub fn buffered(&self) -> usize {
        self.link.output.len()
    }

    /// Receives what there is: one octet at least, or it is blocked. It is
    /// blocked too when the turn's [budget](crate::Options::read_budget) is
    /// used up, for an empty `buf`, before the handshake is done and after the
    /// end of the stream, of which an event tells.
    pub fn recv(&mut self, buf: &mut [u8]) -> Step<usize> {
        let step = self.link.receive(buf, self.core.turn, self.core.now);
        self.settle();
        step
    }

    /// Sends the front of `buf`, and answers how many octets were taken; they
    /// are not to be sent again. What the socket does not take is held, up to
    /// the [high watermark](crate::Options::watermarks). If less than all was
    /// taken, [`Writable`](crate::Event::Writable) follows. Before the handshake
    /// is done all of it is held.
    ///
    /// [`Error::Closed`] after [`shutdown_write`](Self::shutdown_write) or
    /// [`close`](Self::close), or when the connection has failed, of which an
    /// event tells.
    pub fn send(&mut self, buf: &[u8]) -> Result<usize, Error> {
        self.send_vectored(&[IoSlice::new(buf)])
    }

    /// [`send`](Self::send) from several buffers, in order.
    pub fn send_vectored(&mut self, bufs: &[IoSlice<'_>]) -> Result<usize, Error> {
        if !self.link.may_send() {
            return Err(Error::Closed);
        }
        let taken = self.link.send(bufs, self.core.now);
        self.settle();
        Ok(taken)
    }

    /// Ends this side's direction behind all that was sent: with `close_notify`
    /// under TLS, then the end of sending. Receiving goes on. When the peer has
    /// ended too, [`Closed`](crate::Event::Closed) follows. Once asked, it does
    /// nothing more.
    pub fn shutdown_write(&mut self) {
        self.link.shut_down(self.core.now);
        self.settle();
    }

    /// Closes in order: sends what is held, ends this side's direction, and
    /// waits for the peer's end, all of it within the
    /// [close timeout](crate::Options::close_timeout). Nothing more is received:
    /// what comes is thrown away, [`socket::MAX_DISCARDED_OCTETS`] at most. A
    /// final event follows, [`Closed`](crate::Event::Closed) if all went well.
    /// Before the handshake is done there is nothing to close in order, unless
    /// something was sent.
    ///
    /// To leave at once, [`remove`](crate::Poll::remove) the connection and drop
    /// it: then no `close_notify` is sent.
    pub fn close(&mut self) {
        self.link.close(Instant::now());
        self.settle();
    }

    /// Stops receiving: [`Readable`](crate::Event::Readable) is not told, and
    /// neither is the peer's end, because it is not looked for. TCP then slows
    /// the peer down. A failure to send is told all the same; to have what came
    /// before it, [`remove`](crate::Poll::remove) the connection and receive from
    /// its socket.
    pub fn pause_reading(&mut self) {
        self.link.reading_paused = true;
        self.settle();
    }

    /// Receives again.
    pub fn resume_reading(&mut self) {
        self.link.reading_paused = false;
        self.core.enqueue(self.token.0, &mut self.link.queued);
    }

    /// Sets the [idle timeout](crate::Options::idle_timeout) anew, from now on.
    pub fn set_idle_timeout(&mut self, timeout: Option<Duration>) {
        self.link.set_idle_timeout(timeout, Instant::now());
        self.settle();
    }

    /// Sees to what an operation has brought up.
    pub(crate) fn settle(&mut self) {
        let key = self.token.0;
        if self.link.has_news() {
            self.core.enqueue(key, &mut self.link.queued);
        }
        let at = self.link.deadline().map(|(at, _)| at);
        self.core.deadlines.arm(key, &mut self.link.armed, at);
    }
}

impl<B: Layer> fmt::Debug for Connection<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("token", &self.token)
            .field("phase", &self.link.phase)
            .field("socket", &self.link.socket)
            .field("buffered", &self.buffered())
            .finish_non_exhaustive()
    }
}
