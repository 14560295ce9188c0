//! Conditions repeat until they are consumed; transitions are told once.

use std::thread;
use std::time::Duration;

use poll::{Error, Event, Events, Options, Poll};
use socket::{NoTls, PlainListener, PlainSocket, Step};

use crate::common::{LONG, SHORT, drain, next, one, tcp_pair, timed, turn};

#[test]
fn unread_data_is_told_again_and_consumed_data_is_not() {
    let (mut poll, token, mut far) = one(&Options::new());
    assert_eq!(turn(&mut poll, Duration::ZERO), []);
    far.send_all(b"abcdef").unwrap();
    for _ in 0..3 {
        assert_eq!(next(&mut poll), [Event::Readable(token)]);
    }
    let mut buf = [0; 4];
    let step = poll.connection(token).unwrap().recv(&mut buf);
    assert_eq!((step, &buf), (Step::Ready(4), b"abcd"));
    assert_eq!(next(&mut poll), [Event::Readable(token)]);
    assert_eq!(drain(&mut poll, token), b"ef");
    assert_eq!(timed(SHORT, || turn(&mut poll, SHORT)), []);
    far.send_all(b"g").unwrap();
    assert_eq!(next(&mut poll), [Event::Readable(token)]);
    assert_eq!(drain(&mut poll, token), b"g");
}

#[test]
fn one_receive_that_empties_the_descriptor_is_enough() {
    let (mut poll, token, mut far) = one(&Options::new());
    far.send_all(b"abc").unwrap();
    assert_eq!(next(&mut poll), [Event::Readable(token)]);
    let mut buf = [0; 100];
    let step = poll.connection(token).unwrap().recv(&mut buf);
    assert_eq!(step, Step::Ready(3));
    assert_eq!(turn(&mut poll, Duration::ZERO), []);
}

#[test]
fn data_that_came_before_the_socket_was_added_is_told() {
    let (near, mut far) = tcp_pair();
    far.send_all(b"early").unwrap();
    let mut poll = Poll::<NoTls>::new().unwrap();
    let token = poll.add(near, &Options::new()).unwrap();
    assert_eq!(next(&mut poll), [Event::Readable(token)]);
    assert_eq!(drain(&mut poll, token), b"early");
}

#[test]
fn nothing_is_told_while_reading_is_paused() {
    let (mut poll, token, mut far) = one(&Options::new());
    poll.connection(token).unwrap().pause_reading();
    far.send_all(b"abc").unwrap();
    far.shutdown_write(LONG).unwrap();
    assert_eq!(timed(SHORT, || turn(&mut poll, SHORT)), []);
    poll.connection(token).unwrap().resume_reading();
    assert_eq!(next(&mut poll), [Event::Readable(token)]);
    assert_eq!(drain(&mut poll, token), b"abc");
    assert_eq!(next(&mut poll), [Event::Ended(token)]);
    assert_eq!(turn(&mut poll, Duration::ZERO), []);
}

#[test]
fn an_empty_buffer_receives_nothing_and_ends_nothing() {
    let (mut poll, token, mut far) = one(&Options::new());
    far.send_all(b"abc").unwrap();
    next(&mut poll);
    let step = poll.connection(token).unwrap().recv(&mut []);
    assert!(!step.is_ready());
    assert_eq!(next(&mut poll), [Event::Readable(token)]);
}

#[test]
fn a_waker_ends_the_wait_once_however_often_it_is_used() {
    let mut poll = Poll::<NoTls>::new().unwrap();
    let waker = poll.waker();
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(SHORT / 4);
            waker.wake().unwrap();
        });
        assert_eq!(next(&mut poll), [Event::Woken]);
    });
    let waker = poll.waker();
    for _ in 0..1000 {
        waker.wake().unwrap();
    }
    assert_eq!(next(&mut poll), [Event::Woken]);
    assert_eq!(turn(&mut poll, Duration::ZERO), []);
    waker.wake().unwrap();
    assert_eq!(next(&mut poll), [Event::Woken]);
    drop(poll);
    waker.wake().unwrap();
}

#[test]
fn timers_come_in_order_and_not_when_they_are_cancelled() {
    let mut poll = Poll::<NoTls>::new().unwrap();
    let late = poll.set_timer(SHORT);
    let cancelled = poll.set_timer(SHORT / 4);
    let early = poll.set_timer(SHORT / 2);
    assert!(poll.cancel_timer(cancelled));
    assert!(!poll.cancel_timer(cancelled));
    timed(SHORT, || {
        assert_eq!(next(&mut poll), [Event::Timer(early)]);
        assert_eq!(next(&mut poll), [Event::Timer(late)]);
    });
    assert!(!poll.cancel_timer(late));
    assert_eq!(poll.load().timers, 0);
}

#[test]
fn what_finds_no_room_among_the_events_is_told_first_in_the_next_turn() {
    let mut poll = Poll::<NoTls>::new().unwrap();
    let mut peers = Vec::new();
    let mut tokens = Vec::new();
    for _ in 0..10 {
        let (near, mut far) = PlainSocket::pair().unwrap();
        tokens.push(poll.add(near, &Options::new()).unwrap());
        far.send_all(b"x").unwrap();
        peers.push(far);
    }
    let mut events = Events::with_capacity(4);
    let mut told = Vec::new();
    for _ in 0..3 {
        poll.poll(&mut events, Some(LONG)).unwrap();
        assert!(!events.is_empty() && events.len() <= 4);
        told.extend(events.iter().filter_map(Event::token));
    }
    told.truncate(10);
    told.sort_unstable();
    assert_eq!(told, tokens, "each was told once before any was told twice");
}

#[test]
fn a_connection_is_made_by_the_loop() {
    let mut poll = Poll::<NoTls>::new().unwrap();
    let listener = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    let near = PlainSocket::start_connect_tcp(address).unwrap();
    let is_connecting = near.is_connecting();
    let token = poll.add(near, &Options::new()).unwrap();
    poll.connection(token).unwrap().send(b"hello").unwrap();
    let (mut far, _) = listener.accept().unwrap();
    if is_connecting {
        assert_eq!(next(&mut poll), [Event::Connected(token)]);
    }
    let mut got = [0; 5];
    far.recv_exact(&mut got).unwrap();
    assert_eq!(&got, b"hello");
}

#[test]
fn a_connection_that_is_refused_fails_and_is_dropped() {
    let listener = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    drop(listener);
    let mut poll = Poll::<NoTls>::new().unwrap();
    let near = match PlainSocket::start_connect_tcp(address) {
        Ok(near) => near,
        Err(socket::Error::Connect { .. }) => return,
        Err(error) => panic!("{error:?}"),
    };
    let token = poll.add(near, &Options::new()).unwrap();
    let events = next(&mut poll);
    let [Event::Failed(failed, socket::Error::Connect { source, .. })] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(*failed, token);
    assert_eq!(source.kind(), std::io::ErrorKind::ConnectionRefused);
    let refused = poll.connection(token).unwrap().send(b"x");
    assert_eq!(refused, Err(Error::Closed));
    crate::common::assert_nothing_is_left(&mut poll);
}
