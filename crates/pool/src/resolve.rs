//! From a host's name to its addresses.

use std::fmt::Debug;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::thread;

use crate::{Error, Options};

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

/// Resolves a name on a thread of its own, which ends when the resolver does:
/// the system's cannot be stopped. A resolver that panics gives no answer.
pub(crate) fn resolve_apart(
    host: &str,
    port: u16,
    options: &Options,
    answer: impl FnOnce(io::Result<Vec<SocketAddr>>) + Send + 'static,
) -> io::Result<()> {
    let resolver = options.resolver.clone();
    let resolver = resolver.unwrap_or_else(|| Arc::new(System));
    let name = host.to_owned();
    thread::Builder::new()
        .name("pool-resolve".into())
        .spawn(move || answer(resolver.resolve(&name, port)))?;
    Ok(())
}

/// What there is to tell when [`resolve_apart`] gave this.
pub(crate) fn resolved(
    host: &str,
    answer: Option<io::Result<Vec<SocketAddr>>>,
) -> Result<Vec<SocketAddr>, Error> {
    let none = || Err(io::Error::other("the resolver gave no answer"));
    answer
        .unwrap_or_else(none)
        .map_err(|source| Error::Resolve {
            host: host.into(),
            source: source.into(),
        })
}
