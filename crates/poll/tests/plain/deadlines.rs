//! Deadlines of plain connections.

use std::time::Duration;

use poll::{Deadline, Event, Options, Poll};
use socket::{NoTls, PlainSocket};

use crate::common::{SHORT, assert_nothing_is_left, drain, next, one, timed, turn};

#[test]
fn an_idle_connection_is_told_and_dropped() {
    let (mut poll, token, mut far) = one(&Options::new().idle_timeout(Some(SHORT)));
    let idle = Event::TimedOut(token, Deadline::Idle);
    assert_eq!(timed(SHORT, || next(&mut poll)), [idle]);
    assert_nothing_is_left(&mut poll);
    assert_eq!(far.recv(&mut [0]), Ok(0));
}

#[test]
fn activity_puts_idleness_off() {
    let (mut poll, token, mut far) = one(&Options::new().idle_timeout(Some(SHORT)));
    timed(SHORT * 2, || {
        for _ in 0..4 {
            assert_eq!(turn(&mut poll, SHORT / 2), []);
            far.send_all(b"x").unwrap();
            assert_eq!(next(&mut poll), [Event::Readable(token)]);
            drain(&mut poll, token);
        }
    });
    assert_eq!(poll.load().deadlines, 1);
    let idle = Event::TimedOut(token, Deadline::Idle);
    assert_eq!(next(&mut poll), [idle]);
}

#[test]
fn an_idle_connection_is_kept_if_something_is_done_about_it() {
    let (mut poll, token, mut far) = one(&Options::new().idle_timeout(Some(SHORT)));
    let idle = [Event::TimedOut(token, Deadline::Idle)];
    assert_eq!(timed(SHORT, || next(&mut poll)), idle);
    poll.connection(token).unwrap().send(b"ping").unwrap();
    assert_eq!(timed(SHORT / 2, || next(&mut poll)), idle);
    let mut connection = poll.connection(token).unwrap();
    connection.set_idle_timeout(Some(SHORT));
    assert_eq!(timed(SHORT, || next(&mut poll)), idle);
    poll.connection(token).unwrap().close();
    let mut got = [0; 4];
    far.recv_exact(&mut got).unwrap();
    assert_eq!(far.recv(&mut got), Ok(0));
    drop(far);
    assert_eq!(next(&mut poll), [Event::Closed(token)]);
    assert_nothing_is_left(&mut poll);
}

/// The loop's clock stands still between turns.
#[test]
fn time_before_a_connection_was_added_does_not_count() {
    let mut poll = Poll::<NoTls>::new().unwrap();
    std::thread::sleep(SHORT * 2);
    let (near, _far) = PlainSocket::pair().unwrap();
    let options = Options::new()
        .idle_timeout(Some(SHORT))
        .write_timeout(Some(SHORT * 2));
    let token = poll.add(near, &options).unwrap();
    let idle = Event::TimedOut(token, Deadline::Idle);
    let told = timed(SHORT / 2, || {
        let mut connection = poll.connection(token).unwrap();
        while connection.buffered() == 0 {
            connection.send(&[7; 100_000]).unwrap();
        }
        next(&mut poll)
    });
    assert_eq!(told, [idle]);
    assert_nothing_is_left(&mut poll);
}

/// Nothing passes meanwhile but what was held.
#[test]
fn a_peer_that_takes_what_is_held_is_not_idle() {
    let idle = SHORT * 30;
    let (mut poll, token, mut far) = one(&Options::new().idle_timeout(Some(idle)));
    let mut connection = poll.connection(token).unwrap();
    while connection.buffered() == 0 {
        connection.send(&[7; 100_000]).unwrap();
    }
    let late = Event::TimedOut(token, Deadline::Idle);
    std::thread::sleep(idle / 2);
    let mut room = vec![0; 100_000];
    while poll.connection(token).unwrap().buffered() > 0 {
        let _ = far.try_recv(&mut room).unwrap();
        assert!(!turn(&mut poll, Duration::ZERO).contains(&late));
    }
    timed(idle * 7 / 8, || {
        std::thread::sleep(idle * 3 / 4);
        assert!(!turn(&mut poll, Duration::ZERO).contains(&late));
        assert_eq!(next(&mut poll), [late]);
    });
    assert_nothing_is_left(&mut poll);
}

/// An octet now and then is not idle: what bounds the whole is a timer.
#[test]
fn a_peer_that_trickles_is_bounded_by_a_timer() {
    let (mut poll, token, mut far) = one(&Options::new().idle_timeout(Some(SHORT * 100)));
    let events = timed(SHORT, || {
        let timer = poll.set_timer(SHORT);
        loop {
            far.send_all(b"x").unwrap();
            let events = turn(&mut poll, SHORT / 8);
            drain(&mut poll, token);
            if events.contains(&Event::Timer(timer)) {
                return events;
            }
            assert_eq!(events, [Event::Readable(token)]);
        }
    });
    assert!(events.len() <= 2, "{events:?}");
    drop(poll.remove(token));
    assert_nothing_is_left(&mut poll);
    assert!(far.recv(&mut [0]).is_ok_and(|octets| octets == 0));
}

#[test]
fn a_close_that_is_not_answered_is_over_in_time() {
    let (mut poll, token, mut far) = one(&Options::new().close_timeout(SHORT));
    poll.connection(token).unwrap().close();
    far.send_all(b"I do not end").unwrap();
    let late = Event::TimedOut(token, Deadline::Close);
    assert_eq!(timed(SHORT, || next(&mut poll)), [late]);
    assert_nothing_is_left(&mut poll);
}

/// A listener whose queue is full lets the system wait.
#[cfg(target_os = "linux")]
#[test]
fn connecting_is_over_in_time() {
    let options = socket::ListenOptions::new().backlog(0);
    let listener = socket::PlainListener::bind_tcp_with("127.0.0.1:0", &options).unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    let mut poll = Poll::<NoTls>::new().unwrap();
    let options = Options::new().connect_timeout(Some(SHORT));
    let tokens: Vec<_> = (0..8)
        .map(|_| {
            let socket = PlainSocket::start_connect_tcp(address).unwrap();
            poll.add(socket, &options).unwrap()
        })
        .collect();
    let mut late = 0;
    timed(SHORT, || {
        while late < 4 {
            for event in next(&mut poll) {
                match event {
                    Event::Connected(_) => {}
                    Event::TimedOut(token, Deadline::Connect) => {
                        assert!(tokens.contains(&token));
                        late += 1;
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    });
    for token in tokens {
        poll.remove(token);
    }
    assert_nothing_is_left(&mut poll);
}

#[test]
fn a_timeout_too_long_to_be_told_is_none() {
    let options = Options::new()
        .idle_timeout(Some(Duration::MAX))
        .write_timeout(Some(Duration::MAX))
        .close_timeout(Duration::MAX);
    let (mut poll, token, far) = one(&options);
    let mut connection = poll.connection(token).unwrap();
    connection.send(b"x").unwrap();
    connection.close();
    assert_eq!(poll.load().deadlines, 0);
    drop(far);
    assert!(next(&mut poll)[0].is_final());
}
