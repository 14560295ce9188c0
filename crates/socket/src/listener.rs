//! Accepting connections.

use std::fmt;
use std::fs;
use std::io;
use std::marker::PhantomData;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, SockRef, Type};
use transport::{Interest, Step};

use crate::budget::Budget;
use crate::socket::{listens, require_stream};
use crate::{Address, Error, Layer, ListenOptions, NoTls, Operation, Refusal, Socket};

/// A listener without TLS: the type to name where nothing else says it.
pub type PlainListener = Listener<NoTls>;

/// A listening socket. What it accepts is plain; TLS is turned on in place.
///
/// Its descriptor is non-blocking, whatever it was before: a connection may
/// vanish between the wait and the call that accepts it.
///
/// # Defaults
/// Waits for a client without limit.
pub struct Listener<B: Layer = NoTls> {
    fd: OwnedFd,
    timeout: Option<Duration>,
    accepts: PhantomData<fn() -> Socket<B>>,
}

/// Making one.
impl<B: Layer> Listener<B> {
    /// Listens on the first of these addresses that can be bound, with the
    /// default [`ListenOptions`]. Port 0 lets the system choose a port.
    ///
    /// [`Error::Bind`] names the address that was tried last;
    /// [`Refusal::NoAddress`] if there was none.
    pub fn bind_tcp(addresses: impl ToSocketAddrs) -> Result<Self, Error> {
        Self::bind_tcp_with(addresses, &ListenOptions::new())
    }

    /// [`bind_tcp`](Self::bind_tcp) with options.
    pub fn bind_tcp_with(
        addresses: impl ToSocketAddrs,
        options: &ListenOptions,
    ) -> Result<Self, Error> {
        let mut last = Error::from(Refusal::NoAddress);
        for address in addresses.to_socket_addrs()? {
            match listen_tcp(address, options) {
                Ok(socket) => return Self::adopt(socket.into()),
                Err(error) => {
                    last = Error::Bind {
                        address: address.into(),
                        source: error.into(),
                    };
                }
            }
        }
        Err(last)
    }

    /// Listens on a Unix socket in the file system, with the default
    /// [`ListenOptions`]. On Linux a path that begins with a NUL is a name in
    /// the abstract namespace.
    ///
    /// A path that exists is [`Error::Bind`] (address in use), even if nobody
    /// listens there any more: see [`ListenOptions::replace_stale`]. The file
    /// stays when the listener is dropped: its owner removes it.
    pub fn bind_unix(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::bind_unix_with(path, &ListenOptions::new())
    }

    /// [`bind_unix`](Self::bind_unix) with options.
    pub fn bind_unix_with(path: impl AsRef<Path>, options: &ListenOptions) -> Result<Self, Error> {
        let path = path.as_ref();
        let address = SockAddr::unix(path)?;
        let failed = |error: io::Error| Error::Bind {
            address: Address::of(&address),
            source: error.into(),
        };
        if options.replace_stale {
            remove_stale(path).map_err(failed)?;
        }
        let socket = listen_unix(&address, options).map_err(failed)?;
        Self::adopt(socket.into())
    }

    /// Adopts a descriptor, for example one that a service manager has passed
    /// on. It must be a stream socket that listens, or it is closed and
    /// refused: [`Refusal::NotAStream`], [`Refusal::NotListening`]. It is made
    /// non-blocking, for all who share it.
    pub fn from_fd(fd: OwnedFd) -> Result<Self, Error> {
        require_stream(fd.as_fd())?;
        if !listens(fd.as_fd())? {
            return Err(Refusal::NotListening.into());
        }
        Self::adopt(fd)
    }

    /// Gives the descriptor away. It stays non-blocking.
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }

    fn adopt(fd: OwnedFd) -> Result<Self, Error> {
        SockRef::from(&fd).set_nonblocking(true)?;
        Ok(Self {
            fd,
            timeout: None,
            accepts: PhantomData,
        })
    }
}

impl<B: Layer> Listener<B> {
    /// The address that it listens on, with the port that the system chose.
    pub fn local_addr(&self) -> Result<Address, Error> {
        Ok(Address::of(&SockRef::from(&self.fd).local_addr()?))
    }

    /// How long [`accept`](Self::accept) may wait. `None` is the default and
    /// no limit; zero never waits.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// The limit set with [`set_timeout`](Self::set_timeout).
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// The descriptor, to wait for and for nothing else.
    pub fn wait_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Waits for a client, and answers its socket and its address. The socket
    /// blocks, whatever the listener's mode. A client that has gone before it
    /// was accepted is passed over.
    ///
    /// [`Error::Timeout`] when the listener's timeout is over. When the
    /// process has too many open files ([`Error::Io`]) the client stays in the
    /// queue: close some, or wait, before the next call.
    pub fn accept(&self) -> Result<(Socket<B>, Address), Error> {
        let mut budget = Budget::new(Operation::Accept, self.timeout, None);
        loop {
            match self.try_accept()? {
                Step::Ready(accepted) => return Ok(accepted),
                Step::Blocked(interest) => budget.wait(self.fd.as_fd(), interest)?,
            }
        }
    }

    /// [`accept`](Self::accept) without waiting.
    pub fn try_accept(&self) -> Result<Step<(Socket<B>, Address)>, Error> {
        loop {
            match SockRef::from(&self.fd).accept() {
                Ok((socket, address)) => {
                    // Linux never hands its mode down; other systems do.
                    #[cfg(not(any(target_os = "linux", target_os = "android")))]
                    socket.set_nonblocking(false)?;
                    let address = Address::of(&address);
                    return Ok(Step::Ready((Socket::adopt(socket.into(), false), address)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Step::Blocked(Interest::READ));
                }
                Err(error) if is_the_clients(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl<B: Layer> TryFrom<TcpListener> for Listener<B> {
    type Error = Error;

    fn try_from(listener: TcpListener) -> Result<Self, Error> {
        Self::adopt(listener.into())
    }
}

impl<B: Layer> TryFrom<UnixListener> for Listener<B> {
    type Error = Error;

    fn try_from(listener: UnixListener) -> Result<Self, Error> {
        Self::adopt(listener.into())
    }
}

impl<B: Layer> fmt::Debug for Listener<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("fd", &self.fd)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn listen_tcp(address: SocketAddr, options: &ListenOptions) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(options.reuse_address)?;
    if options.reuse_port {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(!options.dual_stack)?;
    }
    socket.bind(&address.into())?;
    socket.listen(options.backlog.into())?;
    Ok(socket)
}

fn listen_unix(address: &SockAddr, options: &ListenOptions) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(address)?;
    socket.listen(options.backlog.into())?;
    Ok(socket)
}

/// Removes a socket that nobody listens on. Everything else is left for
/// binding to fail on.
fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if !is_socket {
        return Ok(());
    }
    // A queue that is full is a listener too, and must not be waited for.
    let probe = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    probe.set_nonblocking(true)?;
    match probe.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Ok(()),
    }
}

/// Whether the failure is that of a connection which was waiting, so that the
/// next one may be accepted: accept(2) passes on what went wrong with it.
fn is_the_clients(error: &io::Error) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const NETWORK: &[Errno] = &[
        Errno::NETDOWN,
        Errno::PROTO,
        Errno::NOPROTOOPT,
        Errno::HOSTDOWN,
        Errno::NONET,
        Errno::HOSTUNREACH,
        Errno::NETUNREACH,
    ];
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const NETWORK: &[Errno] = &[Errno::PROTO];
    let Some(errno) = error.raw_os_error().map(Errno::from_raw_os_error) else {
        return false;
    };
    matches!(errno, Errno::INTR | Errno::CONNABORTED) || NETWORK.contains(&errno)
}
