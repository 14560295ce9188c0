//! Where connections lead.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// What a pool connects to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Endpoint {
    /// A host by its name, which is resolved for each new connection, and a
    /// TCP port.
    Host {
        /// The name, in lower case.
        host: Box<str>,
        /// The TCP port.
        port: u16,
    },
    /// One IP address with its TCP port.
    Address(SocketAddr),
    /// A Unix socket. On Linux a path that begins with a NUL is a name in the
    /// abstract namespace.
    Path(PathBuf),
}

impl Endpoint {
    /// A host, by its name or by an IP address (IPv6 with or without
    /// brackets), and a TCP port.
    pub fn host(host: &str, port: u16) -> Self {
        let bare = host
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'))
            .unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(address) => Self::Address((address, port).into()),
            Err(_) => Self::Host {
                host: host.to_ascii_lowercase().into(),
                port,
            },
        }
    }

    /// A Unix socket.
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::Path(path.into())
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { host, port } => write!(f, "{host}:{port}"),
            Self::Address(address) => address.fmt(f),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        let address = Endpoint::from(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 443)));
        assert_eq!(Endpoint::host("::1", 443), address);
        assert_eq!(Endpoint::host("[::1]", 443), address);
        assert_eq!(Endpoint::host("0:0::1", 443), address);
        assert_eq!(address.to_string(), "[::1]:443");
    }

    #[test]
    fn a_host_is_the_same_in_any_case() {
        let host = Endpoint::host("Example.COM", 443);
        assert_eq!(host, Endpoint::host("example.com", 443));
        assert_ne!(host, Endpoint::host("example.com", 444));
        assert_eq!(host.to_string(), "example.com:443");
    }
}
