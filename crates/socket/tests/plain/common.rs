//! What the tests share.

use std::time::Duration;

use socket::{CONNECT_TIMEOUT, Error, PlainListener, PlainSocket, Step};

/// So long that only a hang takes it.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// A short time to wait in vain.
pub(crate) const SHORT: Duration = Duration::from_millis(60);

/// A client and a server that are connected by TCP.
pub(crate) fn tcp_pair() -> (PlainSocket, PlainSocket) {
    let listener = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    let client = PlainSocket::connect_tcp(address, CONNECT_TIMEOUT).unwrap();
    let (server, _) = listener.accept().unwrap();
    (client, server)
}

/// Sends until there is no room, and answers how much went.
pub(crate) fn fill(socket: &mut PlainSocket) -> usize {
    let mut sent = 0;
    while let Step::Ready(octets) = socket.try_send(&[7; 65536]).unwrap() {
        sent += octets;
    }
    sent
}

/// The octets that a full-length operation had moved when its time was over.
#[track_caller]
pub(crate) fn done_when_over(result: Result<(), Error>) -> usize {
    match result {
        Err(Error::Timeout { done, .. }) => done,
        other => panic!("{other:?}"),
    }
}
