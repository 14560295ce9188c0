//! What the tests share.

use std::time::{Duration, Instant};

use poll::{Event, Events, Options, Poll, Token};
use socket::{NoTls, PlainListener, PlainSocket, Step};

/// So long that only a hang takes it.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// A short time to wait in vain.
pub(crate) const SHORT: Duration = Duration::from_millis(40);

/// A loop with one plain connection, and its peer.
pub(crate) fn one(options: &Options) -> (Poll<NoTls>, Token, PlainSocket) {
    let (near, far) = tcp_pair();
    let mut poll = Poll::new().unwrap();
    let token = poll.add(near, options).unwrap();
    (poll, token, far)
}

pub(crate) fn tcp_pair() -> (PlainSocket, PlainSocket) {
    let listener = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    let near = PlainSocket::connect_tcp(address, LONG).unwrap();
    let (mut far, _) = listener.accept().unwrap();
    far.set_read_timeout(Some(LONG));
    far.set_write_timeout(Some(LONG));
    (near, far)
}

/// The events of one turn.
pub(crate) fn turn(poll: &mut Poll<NoTls>, timeout: Duration) -> Vec<Event> {
    let mut events = Events::new();
    poll.poll(&mut events, Some(timeout)).unwrap();
    events.iter().cloned().collect()
}

/// The next turn's events, of which there must be some.
#[track_caller]
pub(crate) fn next(poll: &mut Poll<NoTls>) -> Vec<Event> {
    let events = turn(poll, LONG);
    assert!(!events.is_empty(), "nothing happens");
    events
}

/// Receives what there is in one turn.
pub(crate) fn drain(poll: &mut Poll<NoTls>, token: Token) -> Vec<u8> {
    let mut got = Vec::new();
    let mut buf = [0; 16 * 1024];
    let mut connection = poll.connection(token).unwrap();
    while let Step::Ready(octets) = connection.recv(&mut buf) {
        got.extend_from_slice(&buf[..octets]);
    }
    got
}

/// Receives all that comes until another event comes, and answers both.
#[track_caller]
pub(crate) fn drain_until_event(poll: &mut Poll<NoTls>, token: Token) -> (Vec<u8>, Event) {
    let mut got = Vec::new();
    loop {
        for event in next(poll) {
            match event {
                Event::Readable(_) => got.extend(drain(poll, token)),
                other => return (got, other),
            }
        }
    }
}

/// Runs what must take so long at least, and yet end in time.
#[track_caller]
pub(crate) fn timed<T>(at_least: Duration, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    let took = start.elapsed();
    assert!(took >= at_least, "it was over after {took:?} only");
    assert!(took < LONG / 2, "it took {took:?}");
    result
}

/// Asserts that nothing is left of any connection.
#[track_caller]
pub(crate) fn assert_nothing_is_left(poll: &mut Poll<NoTls>) {
    assert_eq!(turn(poll, Duration::ZERO), []);
    let load = poll.load();
    assert_eq!(
        (load.connections, load.timers, load.deadlines, load.buffered),
        (0, 0, 0, 0)
    );
}
