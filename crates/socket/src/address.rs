//! Where a socket is bound or connected.

use std::ffi::OsStr;
use std::fmt;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use socket2::SockAddr;

/// The address of one end of a stream.
///
/// It is displayed the way an operator writes it: `192.0.2.1:443`,
/// `[2001:db8::1]:443`, `/run/service.sock`, `@name` for a name in Linux's
/// abstract namespace, `unnamed` for a Unix socket without a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// An IPv4 or IPv6 address with its port.
    Ip(SocketAddr),
    /// A Unix socket in the file system.
    Path(PathBuf),
    /// A Unix socket in Linux's abstract namespace, without the leading NUL.
    Abstract(Vec<u8>),
    /// A Unix socket without a name: a client that did not bind, or a pair.
    Unnamed,
    /// An address of another family, by the system's number for it.
    Other(u32),
}

impl Address {
    /// The IP address with its port, if it is one.
    pub fn ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            _ => None,
        }
    }

    /// The TCP port, if it is an IP address.
    pub fn port(&self) -> Option<u16> {
        self.ip().map(|address| address.port())
    }

    pub(crate) fn of(address: &SockAddr) -> Self {
        if let Some(ip) = address.as_socket() {
            Self::Ip(ip)
        } else if let Some(path) = address.as_pathname() {
            Self::Path(path.to_owned())
        } else if let Some(name) = address.as_abstract_namespace() {
            Self::Abstract(name.to_vec())
        } else if address.is_unix() {
            Self::Unnamed
        } else {
            Self::Other(address.family().into())
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Path(path) => path.display().fmt(f),
            Self::Abstract(name) => write!(f, "@{}", OsStr::from_bytes(name).display()),
            Self::Unnamed => f.write_str("unnamed"),
            Self::Other(family) => write!(f, "address family {family}"),
        }
    }
}
