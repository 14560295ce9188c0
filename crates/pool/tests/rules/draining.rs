//! The end of a pool, and of what is idle too long.

use std::thread;
use std::time::Instant;

use pool::{Error, Options, State};

use crate::front::{Connection, Front};
use crate::rig::{LONG, SHORT, connected, listener, nobody, pool};

rules![
    a_drain_waits_for_what_is_in_use_and_no_longer_than_said,
    a_drain_tells_those_who_wait,
    what_is_idle_too_long_is_closed,
    connections_made_in_advance_are_given_out,
];

fn a_drain_waits_for_what_is_in_use_and_no_longer_than_said<F: Front>() {
    let (listener, address) = listener();
    let target = F::target(address);
    let pool: F = pool(Options::new());
    let (first, _one) = connected(&pool, &listener, &target);
    let (second, mut two) = connected(&pool, &listener, &target);
    first.release().expect("it is fit");
    assert_eq!(pool.drain(SHORT).still_in_use, 1);
    assert_eq!(pool.state(), State::Stopped);
    assert_eq!(pool.get(&target, LONG).unwrap_err(), Error::Drained);
    second.release().expect("it is fit");
    assert_eq!(two.recv(&mut [0]), Ok(0));
    let statistics = pool.statistics();
    assert_eq!((statistics.in_use, statistics.idle), (0, 0));

    let pool: F = crate::rig::pool(Options::new());
    let (connection, _server) = connected(&pool, &listener, &target);
    thread::scope(|scope| {
        let drain = scope.spawn(|| pool.drain(LONG));
        while pool.state() == State::Running {
            thread::yield_now();
        }
        connection.release().expect("it is fit");
        assert_eq!(drain.join().expect("no panic").still_in_use, 0);
    });
}

fn a_drain_tells_those_who_wait<F: Front>() {
    let (listener, address) = listener();
    let target = F::target(address);
    let pool: F = pool(Options::new().max_total(1));
    let (connection, _server) = connected(&pool, &listener, &target);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| pool.get(&target, LONG));
        while pool.statistics().waiting == 0 {
            thread::yield_now();
        }
        assert_eq!(pool.drain(SHORT).still_in_use, 1);
        let told = waiter.join().expect("no panic");
        assert_eq!(told.unwrap_err(), Error::Drained);
    });
    drop(connection);
}

fn what_is_idle_too_long_is_closed<F: Front>() {
    let (listener, address) = listener();
    let target = F::target(address);
    let pool: F = pool(Options::new().idle_timeout(Some(SHORT)));
    let (connection, mut server) = connected(&pool, &listener, &target);
    connection.release().expect("it is fit");
    if let Some(end) = pool.sweep() {
        thread::sleep(end.saturating_duration_since(Instant::now()));
        assert_eq!(pool.sweep(), None);
    }
    assert_eq!(server.recv(&mut [0]), Ok(0));
    assert_eq!(pool.statistics().expired, 1);
}

fn connections_made_in_advance_are_given_out<F: Front>() {
    let (listener, address) = listener();
    let target = F::target(address);
    let pool: F = pool(Options::new().max_per_key(3));
    assert_eq!(pool.prewarm(&target, 5, LONG), Ok(3));
    assert_eq!(pool.prewarm(&target, 3, LONG), Ok(0));
    assert_eq!(pool.statistics().idle, 3);
    let _servers: Vec<_> = (0..3)
        .map(|_| listener.accept().expect("a client"))
        .collect();
    assert!(pool.get(&target, LONG).expect("a connection").is_reused());
    let absent = F::target(nobody());
    assert_eq!(
        pool.prewarm(&absent, 1, LONG).unwrap_err().kind(),
        "connect"
    );
    assert_eq!(pool.statistics().connecting, 0);
}
