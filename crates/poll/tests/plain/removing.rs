//! Taking connections off the loop, at any time.

use std::time::Duration;

use poll::{Event, Events, Options, Poll};
use socket::{NoTls, PlainSocket};

use crate::common::{LONG, one, turn};

#[test]
fn a_socket_that_is_taken_back_waits_as_before_and_what_was_held_comes_with_it() {
    let (mut poll, token, mut far) = one(&Options::new());
    let mut connection = poll.connection(token).unwrap();
    let mut sent = 0;
    while connection.buffered() == 0 {
        sent += connection.send(&[7; 50_000]).unwrap();
    }
    let held = connection.buffered();
    let mut removed = poll.remove(token).unwrap();
    assert_eq!(removed.unsent.len(), held);
    assert!(poll.remove(token).is_none() && poll.connection(token).is_none());
    assert_eq!(poll.load(), poll::Load::default());
    assert!(!removed.socket.is_nonblocking());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            far.recv_exact(&mut vec![0; sent]).unwrap();
            far.send_all(b"thanks").unwrap();
        });
        removed.socket.send_all(&removed.unsent).unwrap();
        let mut got = [0; 6];
        removed.socket.recv_exact(&mut got).unwrap();
        assert_eq!(&got, b"thanks");
    });
}

#[test]
fn events_of_what_was_removed_meanwhile_find_nothing() {
    let mut poll = Poll::<NoTls>::new().unwrap();
    let mut peers = Vec::new();
    for _ in 0..10 {
        let (near, mut far) = PlainSocket::pair().unwrap();
        poll.add(near, &Options::new()).unwrap();
        far.send_all(b"x").unwrap();
        peers.push(far);
    }
    let mut events = Events::new();
    poll.poll(&mut events, Some(LONG)).unwrap();
    let tokens: Vec<_> = events.iter().filter_map(Event::token).collect();
    assert_eq!(tokens.len(), 10);
    let mut handled = 0;
    for event in &events {
        let Some(token) = event.token() else { continue };
        if poll.connection(token).is_none() {
            continue;
        }
        handled += 1;
        // Each removes itself and the next, and puts another in its place.
        for token in tokens.iter().filter(|other| **other >= token).take(2) {
            poll.remove(*token);
        }
        let (near, far) = PlainSocket::pair().unwrap();
        poll.add(near, &Options::new()).unwrap();
        peers.push(far);
    }
    assert!((5..=10).contains(&handled), "{handled}");
    for token in tokens {
        assert!(poll.connection(token).is_none(), "a token is used again");
    }
    assert_eq!(turn(&mut poll, Duration::ZERO), []);
    assert_eq!(poll.len(), handled);
}

#[test]
fn the_loop_can_be_moved_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    fn is_shared<T: Send + Sync + Clone>(_: &T) {}
    let poll = Poll::<NoTls>::new().unwrap();
    is_send(&poll);
    is_shared(&poll.waker());
}
