//! Callers that share connections.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use pool::Options;

use crate::front::{Connection, Front};
use crate::rig::{LONG, connected, listener, pool};

rules![
    a_waiter_gets_what_another_gives_back,
    many_callers_share_few_connections,
];

fn a_waiter_gets_what_another_gives_back<F: Front>() {
    let (listener, address) = listener();
    let target = F::target(address);
    let pool: F = pool(Options::new().max_per_key(1));
    let (connection, _server) = connected(&pool, &listener, &target);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let connection = pool.get(&target, LONG).expect("a connection");
            connection.is_reused()
        });
        while pool.statistics().waiting == 0 {
            thread::yield_now();
        }
        connection.release().expect("it is fit");
        assert!(waiter.join().expect("no panic"));
    });
}

fn many_callers_share_few_connections<F: Front>() {
    const CALLERS: usize = 16;
    const EACH: usize = 50;
    let (listener, address) = listener();
    let target = F::target(address);
    let pool: F = pool(Options::new().max_per_key(3));
    let in_use = AtomicUsize::new(0);
    let _accepted = thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                for turn in 0..EACH {
                    let connection = pool.get(&target, LONG).expect("a connection");
                    assert!(in_use.fetch_add(1, Ordering::SeqCst) < 3);
                    thread::yield_now();
                    in_use.fetch_sub(1, Ordering::SeqCst);
                    match turn % 10 {
                        0 => drop(connection),
                        _ => connection.release().expect("it is fit"),
                    }
                }
            });
        }
        // Keeps the accepted ends open.
        let mut accepted = Vec::new();
        while pool.statistics().given < (CALLERS * EACH) as u64 {
            match listener.try_accept().expect("the listener works") {
                socket::Step::Ready((socket, _)) => accepted.push(socket),
                socket::Step::Blocked(_) => thread::yield_now(),
            }
        }
        accepted
    });
    let statistics = pool.statistics();
    assert_eq!((statistics.in_use, statistics.waiting), (0, 0));
    assert!(statistics.idle <= 3);
    assert_eq!(
        statistics.discarded + statistics.returned,
        (CALLERS * EACH) as u64
    );
}
