//! A connected stream, plain or TLS.

use std::fmt;
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use socket2::{SockRef, Type};
use transport::{Interest, Step};

use crate::budget::Budget;
use crate::connect::Connecting;
use crate::input::Input;
use crate::layer::{LayerSession, Sealed};
use crate::wire::Wire;
use crate::{Address, Error, Layer, NoTls, Operation, Refusal, Statistics};

/// A socket without TLS: the type to name where nothing else says it.
pub type PlainSocket = Socket<NoTls>;

/// A connected stream socket, with a TLS session on it or not.
///
/// # Defaults
/// - Waits without limit: no read timeout, no write timeout, no deadline.
/// - `std::io` calls wait too (not non-blocking); an adopted descriptor keeps
///   the mode it has.
/// - The system's options, among them Nagle's algorithm:
///   [`set_nodelay`](Self::set_nodelay).
///
/// # Dropping
/// The descriptor is closed at once, and a TLS session with it. `close_notify`
/// is **not** sent: a drop may be the end of a failed exchange, which must not
/// look complete to the peer. End the stream with
/// [`shutdown_write`](Self::shutdown_write) or [`shutdown`](Self::shutdown).
pub struct Socket<B: Layer = NoTls> {
    pub(crate) fd: OwnedFd,
    pub(crate) session: Option<<B as Sealed>::Session>,
    pub(crate) statistics: Statistics,
    /// Octets thrown away by a shutdown that is under way.
    pub(crate) discarded: u64,
    /// Whether this side's direction has been shut down.
    pub(crate) write_shut: bool,
    /// A connection that is being made, or could not be made.
    pub(crate) connecting: Option<Box<Connecting>>,
    pub(crate) input: Input,
    nonblocking: bool,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
    deadline: Option<Instant>,
}

/// Making one from what is connected already.
impl<B: Layer> Socket<B> {
    /// Two plain Unix stream sockets, connected to each other.
    pub fn pair() -> Result<(Self, Self), Error> {
        let (near, far) = UnixStream::pair()?;
        Ok((near.into(), far.into()))
    }

    /// Adopts a descriptor. It must be a stream socket that does not listen,
    /// or it is closed and refused: [`Refusal::NotAStream`],
    /// [`Refusal::Listening`]. What has been read from it before belongs to
    /// the caller.
    pub fn from_fd(fd: OwnedFd) -> Result<Self, Error> {
        require_stream(fd.as_fd())?;
        if listens(fd.as_fd())? {
            return Err(Refusal::Listening.into());
        }
        Ok(Self::adopt_as_it_is(fd))
    }

    /// Gives the descriptor away, with its mode and options as they are. Refused
    /// while TLS is on ([`is_tls`](Self::is_tls)): the socket comes back
    /// unchanged.
    pub fn into_fd(self) -> Result<OwnedFd, Box<Self>> {
        if self.is_tls() {
            return Err(Box::new(self));
        }
        Ok(self.fd)
    }

    /// Takes a stream socket in the mode that it has. The system tells the
    /// mode of every open descriptor.
    fn adopt_as_it_is(fd: OwnedFd) -> Self {
        let nonblocking = SockRef::from(&fd).nonblocking().unwrap_or(false);
        Self::adopt(fd, nonblocking)
    }

    /// Takes a stream socket whose mode is known.
    pub(crate) fn adopt(fd: OwnedFd, nonblocking: bool) -> Self {
        // It fails only where the peer has gone, and then nothing can be sent.
        #[cfg(target_vendor = "apple")]
        let _ = SockRef::from(&fd).set_nosigpipe(true);
        Self {
            fd,
            session: None,
            statistics: Statistics::default(),
            discarded: 0,
            write_shut: false,
            connecting: None,
            input: Input::default(),
            nonblocking,
            read_timeout: None,
            write_timeout: None,
            deadline: None,
        }
    }
}

/// What it is.
impl<B: Layer> Socket<B> {
    /// Whether TLS is on: from the call that turns it on, before the handshake.
    pub fn is_tls(&self) -> bool {
        self.session.is_some()
    }

    /// The address of this end.
    pub fn local_addr(&self) -> Result<Address, Error> {
        Ok(Address::of(&SockRef::from(&self.fd).local_addr()?))
    }

    /// The address of the other end.
    pub fn peer_addr(&self) -> Result<Address, Error> {
        Ok(Address::of(&SockRef::from(&self.fd).peer_addr()?))
    }

    /// What has passed through it so far.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// The error that the system keeps for the descriptor, once: for example
    /// of a connection that broke while nothing was sent or received.
    pub fn take_error(&self) -> Result<Option<Error>, Error> {
        let error = SockRef::from(&self.fd).take_error()?;
        Ok(error.map(Error::from))
    }
}

/// How long to wait.
impl<B: Layer> Socket<B> {
    /// How long one receiving operation may wait in all. `None` is the default
    /// and no limit; zero never waits. A full-length operation has this time
    /// as a whole, however many pieces come.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.read_timeout = timeout;
    }

    /// The limit set with [`set_read_timeout`](Self::set_read_timeout).
    pub fn read_timeout(&self) -> Option<Duration> {
        self.read_timeout
    }

    /// How long one sending operation may wait in all; see
    /// [`set_read_timeout`](Self::set_read_timeout).
    pub fn set_write_timeout(&mut self, timeout: Option<Duration>) {
        self.write_timeout = timeout;
    }

    /// The limit set with [`set_write_timeout`](Self::set_write_timeout).
    pub fn write_timeout(&self) -> Option<Duration> {
        self.write_timeout
    }

    /// A moment after which no operation waits any more, whatever its timeout:
    /// for an exchange of several operations. `None` is the default and no
    /// limit.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// The moment set with [`set_deadline`](Self::set_deadline).
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether [`Read`](std::io::Read) and [`Write`](std::io::Write) answer
    /// `WouldBlock` instead of waiting. It is the descriptor's mode too; the
    /// operations of `Socket` itself go by their names alone.
    pub fn set_nonblocking(&mut self, nonblocking: bool) -> Result<(), Error> {
        SockRef::from(&self.fd).set_nonblocking(nonblocking)?;
        self.nonblocking = nonblocking;
        Ok(())
    }

    /// What was set with [`set_nonblocking`](Self::set_nonblocking), or the
    /// mode of the adopted descriptor.
    pub fn is_nonblocking(&self) -> bool {
        self.nonblocking
    }
}

/// For an event loop.
impl<B: Layer> Socket<B> {
    /// The descriptor, to wait for and for nothing else: reading or writing
    /// through it would bypass TLS and the statistics.
    pub fn wait_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// What the socket waits for now, apart from what the application wants to
    /// send: writing while a TLS session holds octets that the descriptor
    /// would not take ([`try_flush`](Self::try_flush) sends them), reading
    /// always, except in a handshake that has to write first.
    pub fn interest(&self) -> Interest {
        self.session
            .as_ref()
            .map_or(Interest::READ, LayerSession::interest)
    }

    /// Whether TLS is on and its handshake is still to be done.
    /// [`try_flush`](Self::try_flush), like every other operation, goes on with
    /// it, and is ready when its last flight has left.
    pub fn is_handshaking(&self) -> bool {
        self.session
            .as_ref()
            .is_some_and(LayerSession::is_handshaking)
    }

    /// Whether a receive may succeed although the descriptor is quiet: ask
    /// before sleeping. Never true of a plain socket.
    pub fn has_pending(&self) -> bool {
        self.session.as_ref().is_some_and(LayerSession::holds_input)
    }
}

/// Raw access, refused while TLS is on.
impl<B: Layer> Socket<B> {
    /// The descriptor, to read and write past this type. Refused while TLS is
    /// on ([`Refusal::TlsOn`]). What passes is not in the statistics.
    pub fn raw_fd(&mut self) -> Result<BorrowedFd<'_>, Error> {
        self.require_plain()?;
        Ok(self.fd.as_fd())
    }

    /// Copies what the next receive will return, and leaves it there. Waits
    /// like [`recv`](Self::recv). `Ok(0)` is the end of the stream. Refused
    /// while TLS is on ([`Refusal::TlsOn`]).
    pub fn peek(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        self.require_plain()?;
        let mut budget = self.read_budget();
        self.drive(&mut budget, |socket, waits| {
            let (_, mut wire) = socket.parts(waits);
            wire.peek(buf)
        })
    }

    /// [`peek`](Self::peek) without waiting.
    pub fn try_peek(&mut self, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        self.require_plain()?;
        let (_, mut wire) = self.parts(false);
        wire.peek(buf)
    }

    fn require_plain(&self) -> Result<(), Error> {
        match self.is_tls() {
            true => Err(Refusal::TlsOn.into()),
            false => Ok(()),
        }
    }
}

/// The one routed path that all operations take.
impl<B: Layer> Socket<B> {
    /// The session, if TLS is on, and the wire to lend it.
    #[inline]
    pub(crate) fn parts(&mut self, waits: bool) -> (Option<&mut <B as Sealed>::Session>, Wire<'_>) {
        let wire = Wire {
            fd: self.fd.as_fd(),
            waits,
            input: &mut self.input,
            statistics: &mut self.statistics,
        };
        (self.session.as_mut(), wire)
    }

    pub(crate) fn budget(&self, during: Operation, timeout: Option<Duration>) -> Budget {
        Budget::new(during, timeout, self.deadline)
    }

    pub(crate) fn read_budget(&self) -> Budget {
        self.budget(Operation::Receive, self.read_timeout)
    }

    pub(crate) fn write_budget(&self) -> Budget {
        self.budget(Operation::Send, self.write_timeout)
    }

    /// Repeats a step, which is told whether it may wait in the kernel, until
    /// it is done or the time is over.
    #[inline]
    pub(crate) fn drive<T>(
        &mut self,
        budget: &mut Budget,
        mut step: impl FnMut(&mut Self, bool) -> Result<Step<T>, Error>,
    ) -> Result<T, Error> {
        loop {
            // A receive that waits in the kernel could not send what is held,
            // and the peer may be waiting for just that.
            let waits = budget.is_endless() && !self.holds_output();
            match step(self, waits)? {
                Step::Ready(value) => return Ok(value),
                Step::Blocked(interest) => self.wait_after(interest, budget)?,
            }
        }
    }

    /// Waits until a step that blocked can go on. Apart, so that one that does
    /// not stays small.
    #[cold]
    fn wait_after(&mut self, interest: Interest, budget: &mut Budget) -> Result<(), Error> {
        // The session has only stopped to give us a turn.
        if interest == Interest::READ && self.has_pending() {
            return budget.check();
        }
        let interest = interest | self.push_held()?;
        budget.wait(self.fd.as_fd(), interest)
    }

    /// The interest of a step that blocked, once what is held has been tried.
    pub(crate) fn blocked<T>(&mut self, step: Step<T>) -> Result<Step<T>, Error> {
        match step {
            Step::Blocked(interest) => Ok(Step::Blocked(interest | self.push_held()?)),
            ready => Ok(ready),
        }
    }

    /// Whether the session holds octets that can still be sent.
    #[inline]
    pub(crate) fn holds_output(&self) -> bool {
        !self.write_shut
            && self
                .session
                .as_ref()
                .is_some_and(LayerSession::holds_output)
    }

    /// Sends what is held, without waiting, and answers what to wait for if it
    /// did not all leave.
    fn push_held(&mut self) -> Result<Interest, Error> {
        if !self.holds_output() {
            return Ok(Interest::empty());
        }
        match self.parts(false) {
            (Some(session), mut wire) => match session.flush(&mut wire)? {
                Step::Ready(()) => Ok(Interest::empty()),
                Step::Blocked(interest) => Ok(interest),
            },
            (None, _) => Ok(Interest::empty()),
        }
    }
}

impl<B: Layer> From<TcpStream> for Socket<B> {
    fn from(stream: TcpStream) -> Self {
        Self::adopt_as_it_is(stream.into())
    }
}

impl<B: Layer> From<UnixStream> for Socket<B> {
    fn from(stream: UnixStream) -> Self {
        Self::adopt_as_it_is(stream.into())
    }
}

impl<B: Layer> fmt::Debug for Socket<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("fd", &self.fd)
            .field("session", &self.session)
            .field("statistics", &self.statistics)
            .finish_non_exhaustive()
    }
}

/// Refuses what is not a stream socket.
pub(crate) fn require_stream(fd: BorrowedFd<'_>) -> Result<(), Error> {
    let not_a_socket = rustix::io::Errno::NOTSOCK.raw_os_error();
    match SockRef::from(&fd).r#type() {
        Ok(Type::STREAM) => Ok(()),
        Ok(_) => Err(Refusal::NotAStream.into()),
        Err(error) if error.raw_os_error() == Some(not_a_socket) => Err(Refusal::NotAStream.into()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the socket listens. Apple's systems cannot tell, and then the first
/// operation fails.
#[cfg(not(target_vendor = "apple"))]
pub(crate) fn listens(fd: BorrowedFd<'_>) -> Result<bool, Error> {
    Ok(rustix::net::sockopt::socket_acceptconn(fd).map_err(std::io::Error::from)?)
}

#[cfg(target_vendor = "apple")]
pub(crate) fn listens(fd: BorrowedFd<'_>) -> Result<bool, Error> {
    Ok(SockRef::from(&fd).is_listener()?)
}
