//! Making a connection.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, SockRef, Type};
use transport::{Interest, Step};

use crate::budget::Budget;
use crate::wire::uninterrupted;
use crate::{Address, Error, IoError, Layer, Operation, Refusal, Socket};

/// A usual time to connect in, for all addresses together: 30 s.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// What one address gets at least of the time that is left, so that a name
/// with many addresses does not starve each of them.
const SHORTEST_ATTEMPT: Duration = Duration::from_secs(2);

impl<B: Layer> Socket<B> {
    /// Connects by TCP: tries every address in order and keeps the first that
    /// answers. `timeout` is for all of them together; each gets its share of
    /// what is left, but 2 s at least. The resolution of a name comes first
    /// and is bounded by the system's resolver alone.
    ///
    /// [`Error::Connect`] names the address that was tried last;
    /// [`Refusal::NoAddress`] if there was none; [`Error::Timeout`] when the
    /// time was over.
    pub fn connect_tcp(addresses: impl ToSocketAddrs, timeout: Duration) -> Result<Self, Error> {
        let mut budget = Budget::new(Operation::Connect, Some(timeout), None);
        budget.start();
        let addresses: Vec<_> = addresses.to_socket_addrs()?.collect();
        let mut last = Error::from(Refusal::NoAddress);
        for (tried, &address) in addresses.iter().enumerate() {
            let untried = addresses.len() - tried;
            let mut attempt = share(&mut budget, untried);
            match connect_once(address, &mut attempt) {
                Ok(socket) => return Ok(socket),
                // This address took its share, but there is time for the next.
                Err(error) if error.is_timeout() && untried > 1 => budget.check()?,
                Err(error) if error.is_timeout() => return Err(error),
                Err(error @ Error::Connect { .. }) => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Connects to a Unix socket. On Linux a path that begins with a NUL is a
    /// name in the abstract namespace. `timeout` counts while the listener's
    /// queue is full.
    pub fn connect_unix(path: impl AsRef<Path>, timeout: Duration) -> Result<Self, Error> {
        let address = SockAddr::unix(path)?;
        let failed = |error: io::Error| Error::Connect {
            address: Address::of(&address),
            source: error.into(),
        };
        let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
        let mut budget = Budget::new(Operation::Connect, Some(timeout), None);
        // A full queue cannot be polled for. The kernel waits for room in it,
        // no longer than the send timeout.
        loop {
            let left = budget.left();
            if left == Some(Duration::ZERO) {
                return Err(budget.over());
            }
            // The system counts in microseconds, and its zero is no limit.
            let left = left.map(|left| left.max(Duration::from_micros(1)));
            socket.set_write_timeout(left)?;
            match socket.connect(&address) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(failed(error)),
            }
        }
        socket.set_write_timeout(None)?;
        Ok(Self::adopt(socket.into(), false))
    }
}

/// Connecting without waiting, for an event loop.
impl<B: Layer> Socket<B> {
    /// Starts to connect by TCP to one address, and does not wait.
    /// [`connect_step`](Self::connect_step) tells how it went: until then the
    /// socket is good for nothing but waiting, and for turning TLS on. It
    /// becomes one that blocks, like any other, when it is connected.
    ///
    /// [`Error::Connect`] when the system refuses at once.
    pub fn start_connect_tcp(address: SocketAddr) -> Result<Self, Error> {
        start(address).map_err(|error| failed(address, error.into()))
    }

    /// How far [`start_connect_tcp`](Self::start_connect_tcp) has come: blocked
    /// on writing while the connection is being made, ready once it is, and
    /// always on a socket that was connected otherwise. It does not wait, and
    /// has no time limit of its own.
    ///
    /// [`Error::Connect`] if it failed, every time that it is asked.
    pub fn connect_step(&mut self) -> Result<Step<()>, Error> {
        let Some(connecting) = self.connecting.as_deref_mut() else {
            return Ok(Step::Ready(()));
        };
        match connecting.step(self.fd.as_fd())? {
            Step::Ready(()) => {}
            blocked => return Ok(blocked),
        }
        SockRef::from(&self.fd).set_nonblocking(false)?;
        self.connecting = None;
        Ok(Step::Ready(()))
    }

    /// Whether a connection is being made, or could not be made.
    pub fn is_connecting(&self) -> bool {
        self.connecting.is_some()
    }
}

/// A connection that is being made.
#[derive(Debug)]
pub(crate) struct Connecting {
    address: SocketAddr,
    /// The system tells it once.
    failed: Option<IoError>,
}

impl Connecting {
    fn step(&mut self, fd: BorrowedFd<'_>) -> Result<Step<()>, Error> {
        if self.failed.is_none() {
            if !is_writable(fd)? {
                return Ok(Step::Blocked(Interest::WRITE));
            }
            self.failed = SockRef::from(&fd).take_error()?.map(IoError::from);
        }
        match &self.failed {
            None => Ok(Step::Ready(())),
            Some(source) => Err(failed(self.address, source.clone())),
        }
    }
}

fn failed(address: SocketAddr, source: IoError) -> Error {
    Error::Connect {
        address: address.into(),
        source,
    }
}

fn start<B: Layer>(address: SocketAddr) -> io::Result<Socket<B>> {
    let domain = Domain::for_address(address);
    let socket = socket2::Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    let connected = match socket.connect(&address.into()) {
        Ok(()) => true,
        Err(error) => {
            let errno = error.raw_os_error().map(Errno::from_raw_os_error);
            // An interrupted connect goes on in the background, like this one.
            if !matches!(errno, Some(Errno::INPROGRESS | Errno::INTR)) {
                return Err(error);
            }
            false
        }
    };
    if connected {
        socket.set_nonblocking(false)?;
    }
    let mut socket = Socket::adopt(socket.into(), false);
    let failed = None;
    socket.connecting = (!connected).then(|| Box::new(Connecting { address, failed }));
    Ok(socket)
}

/// Whether the connection is made or has failed.
fn is_writable(fd: BorrowedFd<'_>) -> io::Result<bool> {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::OUT)];
    Ok(uninterrupted(|| poll(&mut fds, Some(&Timespec::default())))? > 0)
}

/// The part of the time that one of `untried` addresses gets.
fn share(budget: &mut Budget, untried: usize) -> Budget {
    let part = budget.left().map(|left| {
        let even = left / u32::try_from(untried).unwrap_or(u32::MAX);
        even.max(SHORTEST_ATTEMPT).min(left)
    });
    let until = part.and_then(|part| Instant::now().checked_add(part));
    Budget::new(Operation::Connect, None, until)
}

fn connect_once<B: Layer>(address: SocketAddr, budget: &mut Budget) -> Result<Socket<B>, Error> {
    let mut socket = Socket::start_connect_tcp(address)?;
    while let Step::Blocked(interest) = socket.connect_step()? {
        budget.wait(socket.wait_fd(), interest)?;
    }
    Ok(socket)
}
