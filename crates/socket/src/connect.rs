//! Making a connection.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, Type};
use transport::Interest;

use crate::budget::Budget;
use crate::{Address, Error, Layer, Operation, Refusal, Socket};

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
                Err(Error::Io(source)) => {
                    last = Error::Connect {
                        address: address.into(),
                        source,
                    };
                }
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
    let domain = Domain::for_address(address);
    let socket = socket2::Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    if let Err(error) = socket.connect(&address.into()) {
        let errno = error.raw_os_error().map(Errno::from_raw_os_error);
        // An interrupted connect goes on in the background, like this one.
        if !matches!(errno, Some(Errno::INPROGRESS | Errno::INTR)) {
            return Err(error.into());
        }
        budget.wait(socket.as_fd(), Interest::WRITE)?;
        if let Some(error) = socket.take_error()? {
            return Err(error.into());
        }
    }
    socket.set_nonblocking(false)?;
    Ok(Socket::adopt(socket.into(), false))
}
