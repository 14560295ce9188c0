//! What is held for a peer is bounded, and the application is told.

use std::time::Duration;

use poll::{Event, Options};
use socket::PlainSocket;

use crate::common::{LONG, SHORT, next, one, timed, turn};

const LOW: usize = 10_000;
const HIGH: usize = 40_000;

/// Sends until less than all is taken.
fn fill(connection: &mut poll::Connection<'_, socket::NoTls>) -> usize {
    let mut sent = 0;
    loop {
        let taken = connection.send(&[7; 8000]).unwrap();
        sent += taken;
        assert!(connection.buffered() <= HIGH);
        if taken < 8000 {
            return sent;
        }
    }
}

fn take(far: &mut PlainSocket, octets: usize) {
    far.recv_exact(&mut vec![0; octets]).unwrap();
}

#[test]
fn no_more_is_held_than_the_high_watermark_and_room_is_told_once() {
    let (mut poll, token, mut far) = one(&Options::new().watermarks(LOW, HIGH));
    let sent = fill(&mut poll.connection(token).unwrap());
    assert_eq!(poll.load().buffered, HIGH);
    assert_eq!(poll.connection(token).unwrap().send(b"x"), Ok(0));
    assert_eq!(turn(&mut poll, Duration::ZERO), []);
    std::thread::scope(|scope| {
        scope.spawn(|| take(&mut far, sent));
        assert_eq!(next(&mut poll), [Event::Writable(token)]);
    });
    let connection = poll.connection(token).unwrap();
    assert!(connection.buffered() <= LOW, "{}", connection.buffered());
    assert_eq!(timed(SHORT, || turn(&mut poll, SHORT)), []);
    assert_eq!(poll.load().buffered, 0);
    let mut connection = poll.connection(token).unwrap();
    let slices = [&b"ab"[..], b"", b"cde"].map(std::io::IoSlice::new);
    assert_eq!(connection.send_vectored(&slices), Ok(5));
    let mut got = [0; 5];
    far.recv_exact(&mut got).unwrap();
    assert_eq!(&got, b"abcde");
}

#[test]
fn a_peer_that_takes_nothing_is_given_up() {
    let options = Options::new()
        .watermarks(LOW, HIGH)
        .write_timeout(Some(SHORT));
    let (mut poll, token, far) = one(&options);
    fill(&mut poll.connection(token).unwrap());
    let event = Event::TimedOut(token, poll::Deadline::Write);
    assert_eq!(timed(SHORT / 2, || next(&mut poll)), [event]);
    crate::common::assert_nothing_is_left(&mut poll);
    drop(far);
}

#[test]
fn a_peer_that_takes_a_little_is_not_given_up() {
    let options = Options::new()
        .watermarks(LOW, HIGH)
        .write_timeout(Some(SHORT * 2));
    let (mut poll, token, mut far) = one(&options);
    let sent = fill(&mut poll.connection(token).unwrap());
    let mut taken = 0;
    let start = std::time::Instant::now();
    while start.elapsed() < SHORT * 4 {
        let piece = (sent / 8).min(sent - taken);
        take(&mut far, piece);
        taken += piece;
        for event in turn(&mut poll, SHORT / 2) {
            assert_eq!(event, Event::Writable(token));
        }
    }
    take(&mut far, sent - taken);
}

#[test]
fn a_close_sends_what_is_held_first() {
    let (mut poll, token, mut far) = one(&Options::new().watermarks(LOW, HIGH));
    let sent = fill(&mut poll.connection(token).unwrap());
    poll.connection(token).unwrap().close();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            take(&mut far, sent);
            assert_eq!(far.shutdown(LONG), Ok(0));
        });
        assert_eq!(next(&mut poll), [Event::Closed(token)]);
    });
}
