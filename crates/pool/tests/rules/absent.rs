//! Endpoints where nobody is.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use pool::{Error, Options, WaitingFor};

use crate::front::{Connection, Front};
use crate::rig::{LONG, SHORT, listener, nobody, pool};

rules![
    an_endpoint_that_refuses_is_an_error_of_its_address,
    attempts_have_pauses_between_them,
    the_deadline_ends_the_pause,
    who_waits_behind_an_attempt_that_fails_tries_after_the_pause,
    a_circuit_that_is_open_refuses_until_one_succeeds,
];

fn an_endpoint_that_refuses_is_an_error_of_its_address<F: Front>() {
    let pool: F = pool(Options::new().attempts(1));
    let address = nobody();
    match pool.get(&F::target(address), LONG) {
        Err(Error::Connect(socket::Error::Connect {
            address: found,
            source,
        })) => {
            assert_eq!(found.ip(), Some(address));
            assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
        }
        other => panic!("{other:?}"),
    }
    let statistics = pool.statistics();
    assert_eq!((statistics.failed, statistics.connecting), (1, 0));
}

fn attempts_have_pauses_between_them<F: Front>() {
    let pause = Duration::from_millis(20);
    let options = Options::new().attempts(3).backoff(pause, pause).seed(3);
    let pool: F = pool(options);
    let error = pool.get(&F::target(nobody()), LONG).unwrap_err();
    assert_eq!(error.kind(), "connect");
    assert_eq!(pool.statistics().failed, 3);
    assert_eq!(pool.statistics().waited, 2);
}

fn the_deadline_ends_the_pause<F: Front>() {
    let options = Options::new().backoff(LONG, LONG).no_breaker().seed(3);
    let pool: F = pool(options);
    let start = Instant::now();
    match pool.get(&F::target(nobody()), SHORT).unwrap_err() {
        Error::Timeout { waiting_for, last } => {
            assert_eq!(waiting_for, WaitingFor::Backoff);
            assert_eq!(last.map(|last| last.kind()), Some("connect"));
        }
        other => panic!("{other:?}"),
    }
    assert!(start.elapsed() >= SHORT && start.elapsed() < LONG / 2);
    assert_eq!(pool.statistics().waiting, 0);
}

/// Nothing but time tells it that the pause is over, and nobody else does.
fn who_waits_behind_an_attempt_that_fails_tries_after_the_pause<F: Front>() {
    let pause = Duration::from_millis(20);
    let options = Options::new().attempts(1).backoff(pause, pause);
    let pool: F = pool(options.no_breaker().max_per_key(1).seed(3));
    let target = F::target(nobody());
    let start = Instant::now();
    let failed = thread::scope(|scope| {
        let callers = [(); 4].map(|()| scope.spawn(|| pool.get(&target, LONG)));
        callers.map(|caller| caller.join().expect("no panic").unwrap_err())
    });
    assert_eq!(failed.map(|error| error.kind()), ["connect"; 4]);
    assert!(start.elapsed() < LONG / 2);
    assert_eq!(pool.statistics().failed, 4);
}

fn a_circuit_that_is_open_refuses_until_one_succeeds<F: Front>() {
    // Long enough for a slow machine to ask once more.
    let open_for = SHORT * 25;
    let options = Options::new().attempts(1).breaker(1, open_for);
    let pool: F = pool(options);
    let (listener, address) = listener();
    drop(listener);
    let target = F::target(address);
    assert_eq!(pool.get(&target, LONG).unwrap_err().kind(), "connect");
    match pool.get(&target, LONG).unwrap_err() {
        Error::CircuitOpen { retry_in, last } => {
            assert!(retry_in <= open_for);
            assert_eq!(last.kind(), "connect");
        }
        other => panic!("{other:?}"),
    }
    let _listener = socket::PlainListener::bind_tcp(address).expect("a listener");
    thread::sleep(open_for);
    assert!(!pool.get(&target, LONG).expect("a connection").is_reused());
    assert_eq!(pool.statistics().open_circuits, 0);
}
