//! Ends, and what is no end.

use std::time::Duration;

use poll::{Error, Event, Options, Poll};
use rustix::net::sockopt::set_socket_linger;
use socket::{NoTls, PlainSocket, Step};

use crate::common::{LONG, assert_nothing_is_left, drain, drain_until_event, next, one, turn};

#[test]
fn a_peer_that_ends_can_still_be_answered() {
    let (mut poll, token, mut far) = one(&Options::new());
    far.send_all(b"question").unwrap();
    far.shutdown_write(LONG).unwrap();
    let (got, event) = drain_until_event(&mut poll, token);
    assert_eq!((&got[..], event), (&b"question"[..], Event::Ended(token)));
    assert_eq!(turn(&mut poll, Duration::ZERO), []);
    let mut connection = poll.connection(token).unwrap();
    assert!(!connection.recv(&mut [0; 8]).is_ready());
    assert_eq!(connection.send(b"answer"), Ok(6));
    connection.close();
    assert_eq!(connection.send(b"more"), Err(Error::Closed));
    assert_eq!(next(&mut poll), [Event::Closed(token)]);
    let mut answer = [0; 6];
    far.recv_exact(&mut answer).unwrap();
    assert_eq!(far.recv(&mut [0]), Ok(0));
    assert_nothing_is_left(&mut poll);
    assert!(poll.connection(token).is_none());
}

#[test]
fn this_side_can_end_and_go_on_receiving() {
    let (mut poll, token, mut far) = one(&Options::new());
    let mut connection = poll.connection(token).unwrap();
    connection.send(b"question").unwrap();
    connection.shutdown_write();
    connection.shutdown_write();
    assert_eq!(connection.send(b"more"), Err(Error::Closed));
    let mut got = [0; 8];
    far.recv_exact(&mut got).unwrap();
    assert_eq!(far.recv(&mut got), Ok(0));
    far.send_all(b"answer").unwrap();
    drop(far);
    let (got, event) = drain_until_event(&mut poll, token);
    assert_eq!((&got[..], event), (&b"answer"[..], Event::Ended(token)));
    assert_nothing_is_left(&mut poll);
}

#[test]
fn both_ends_together_are_a_close() {
    let (mut poll, token, mut far) = one(&Options::new());
    poll.connection(token).unwrap().shutdown_write();
    assert_eq!(turn(&mut poll, Duration::ZERO), []);
    far.shutdown_write(LONG).unwrap();
    assert_eq!(next(&mut poll), [Event::Readable(token)]);
    assert_eq!(drain(&mut poll, token), b"");
    let ends = [Event::Ended(token), Event::Closed(token)];
    assert_eq!(next(&mut poll), ends);
    assert_nothing_is_left(&mut poll);
}

#[test]
fn a_reset_is_told_behind_what_came_before_it() {
    let (mut poll, token, mut far) = one(&Options::new());
    far.send_all(b"last words").unwrap();
    assert_eq!(next(&mut poll), [Event::Readable(token)]);
    set_socket_linger(far.wait_fd(), Some(Duration::ZERO)).unwrap();
    drop(far);
    // Sending meets the reset first.
    let mut connection = poll.connection(token).unwrap();
    let mut sent = 0;
    while let Ok(octets) = connection.send(b"x") {
        sent += octets;
        assert!(sent < 1000, "a reset connection takes octets");
    }
    let (got, event) = drain_until_event(&mut poll, token);
    assert_eq!(event, Event::HungUp(token));
    // Some systems throw away what was not received.
    assert!(got == b"last words" || got.is_empty(), "{got:?}");
    assert_nothing_is_left(&mut poll);
}

#[test]
fn a_reset_is_told_while_reading_is_paused_if_something_is_sent() {
    let (mut poll, token, far) = one(&Options::new());
    poll.connection(token).unwrap().pause_reading();
    set_socket_linger(far.wait_fd(), Some(Duration::ZERO)).unwrap();
    drop(far);
    let _ = poll.connection(token).unwrap().send(b"x");
    assert_eq!(next(&mut poll), [Event::HungUp(token)]);
    assert_nothing_is_left(&mut poll);
}

#[test]
fn a_close_throws_away_what_still_comes_up_to_a_limit() {
    let (mut poll, token, mut far) = one(&Options::new());
    poll.connection(token).unwrap().close();
    far.send_all(&[7; 100_000]).unwrap();
    far.shutdown_write(LONG).unwrap();
    assert_eq!(next(&mut poll), [Event::Closed(token)]);
    assert_nothing_is_left(&mut poll);

    let (mut poll, token, mut far) = one(&Options::new());
    poll.connection(token).unwrap().close();
    let events = std::thread::scope(|scope| {
        scope.spawn(move || while far.send_all(&[7; 100_000]).is_ok() {});
        let events = next(&mut poll);
        assert_nothing_is_left(&mut poll);
        events
    });
    let [Event::Failed(failed, socket::Error::Flooded { discarded })] = events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(failed, token);
    assert!(discarded > socket::MAX_DISCARDED_OCTETS);
}

#[test]
fn a_final_event_leaves_the_connection_to_be_asked_for_one_turn() {
    let (mut poll, token, far) = one(&Options::new());
    let mut connection = poll.connection(token).unwrap();
    connection.send(b"bye").unwrap();
    connection.close();
    drop(far);
    let events = next(&mut poll);
    assert!(events[0].is_final(), "{events:?}");
    let connection = poll.connection(token).unwrap();
    assert_eq!(connection.socket().statistics().sent.octets, 3);
    assert_eq!(poll.len(), 1);
    turn(&mut poll, Duration::ZERO);
    assert!(poll.connection(token).is_none() && poll.is_empty());
}

#[test]
fn nothing_is_received_after_the_end() {
    let (mut poll, token, far) = one(&Options::new());
    drop(far);
    let (_, event) = drain_until_event(&mut poll, token);
    assert_eq!(event, Event::Ended(token));
    let mut connection = poll.connection(token).unwrap();
    for _ in 0..3 {
        assert!(matches!(connection.recv(&mut [0; 9]), Step::Blocked(_)));
    }
    assert_eq!(turn(&mut poll, Duration::ZERO), []);
}

#[test]
fn what_came_before_a_failed_send_is_received_in_the_same_turn() {
    let (near, mut far) = PlainSocket::pair().unwrap();
    let mut poll = Poll::<NoTls>::new().unwrap();
    let token = poll.add(near, &Options::new()).unwrap();
    far.send_all(b"first").unwrap();
    assert_eq!(next(&mut poll), [Event::Readable(token)]);
    assert_eq!(drain(&mut poll, token), b"first");
    far.send_all(b"last").unwrap();
    drop(far);
    // No turn has told of it.
    let _ = poll.connection(token).unwrap().send(b"too late");
    assert_eq!(drain(&mut poll, token), b"last");
    assert_eq!(next(&mut poll).last(), Some(&Event::HungUp(token)));
    assert_nothing_is_left(&mut poll);
}
