//! From a host's name to its addresses.

use std::fmt::Debug;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

/// Resolves the names of hosts.
pub trait Resolve: Debug + Send + Sync {
    /// The addresses of a host in order of preference, each with this port.
    /// Called on a thread where it may wait; how long the pool's caller waits
    /// for it does not depend on it.
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The system's resolver.
#[derive(Debug)]
pub(crate) struct System;

impl Resolve for System {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok((host, port).to_socket_addrs()?.collect())
    }
}
