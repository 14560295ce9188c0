//! A server that a test plays, and a pool's connections to it.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::time::Duration;

use pool::{Options, Target};
use rustix::event::{PollFd, PollFlags, poll};
use socket::{PlainListener, PlainSocket};

use crate::front::{Connection, Front};

/// So long that only a hang takes it.
pub(crate) const LONG: Duration = Duration::from_secs(20);
/// A short time to wait in vain.
pub(crate) const SHORT: Duration = Duration::from_millis(40);

pub(crate) fn pool<F: Front>(options: Options) -> F {
    F::new(options).expect("a pool")
}

pub(crate) fn listener() -> (PlainListener, SocketAddr) {
    let mut listener = PlainListener::bind_tcp("127.0.0.1:0").expect("a listener");
    listener.set_timeout(Some(LONG));
    let address = listener.local_addr().expect("an address").ip();
    (listener, address.expect("an IP address"))
}

/// An address where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    listener.local_addr().expect("an address")
}

/// A connection, and the server's end of it.
#[track_caller]
pub(crate) fn connected<F: Front>(
    pool: &F,
    listener: &PlainListener,
    target: &Target<F::Layer>,
) -> (F::Connection, PlainSocket) {
    let connection = pool.get(target, LONG).expect("a connection");
    let (mut server, _) = listener.accept().expect("a client");
    server.set_read_timeout(Some(LONG));
    (connection, server)
}

/// Until what a peer has sent has arrived.
pub(crate) fn until_it_can_be_read(connection: &impl Connection) {
    let fd = connection.fd();
    let fd = PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN);
    poll(&mut [fd], None).expect("poll");
}
