//! Listeners on the loop.

use std::time::Duration;

use poll::{Event, Poll};
use socket::{NoTls, PlainListener, PlainSocket};

use crate::common::{LONG, SHORT, next, timed, turn};

#[test]
fn a_waiting_client_is_told_until_it_is_accepted() {
    let mut poll = Poll::<NoTls>::new().unwrap();
    let listener = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    let door = poll.add_listener(listener).unwrap();
    assert!(poll.listener(door).is_some() && poll.connection(door).is_none());
    assert!(poll.remove(door).is_none());
    assert!(poll.accept(door).is_none());
    let client = PlainSocket::connect_tcp(address, LONG).unwrap();
    for _ in 0..3 {
        assert_eq!(next(&mut poll), [Event::Incoming(door)]);
    }
    poll.set_accepting(door, false);
    assert_eq!(timed(SHORT, || turn(&mut poll, SHORT)), []);
    poll.set_accepting(door, true);
    assert_eq!(next(&mut poll), [Event::Incoming(door)]);
    let (_, from) = poll.accept(door).unwrap();
    assert_eq!(from, client.local_addr().unwrap());
    assert!(poll.accept(door).is_none());
    assert_eq!(turn(&mut poll, Duration::ZERO), []);
    let listener = poll.remove_listener(door).unwrap();
    assert!(poll.remove_listener(door).is_none() && poll.is_empty());
    let _client = PlainSocket::connect_tcp(address, LONG).unwrap();
    listener.accept().unwrap();
}
