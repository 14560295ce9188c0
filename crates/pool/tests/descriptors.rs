//! Nothing is left behind, however connections end. Alone in its process,
//! because it counts the process's descriptors and threads.
#![cfg(any(target_os = "linux", target_os = "android"))]

mod front;

use std::fs;
use std::time::{Duration, Instant};

use front::{Connection, Front};
use pool::{Endpoint, Options};
use socket::PlainListener;

const LONG: Duration = Duration::from_secs(20);

fn count(what: &str) -> usize {
    let open = fs::read_dir(format!("/proc/self/{what}")).expect("a list");
    open.count()
}

#[test]
fn a_pool_leaves_no_descriptor_and_no_thread_behind() {
    leaves_nothing::<front::threads::Threads>();
    #[cfg(feature = "tokio")]
    // The first runtime leaves what all of the process share.
    drop(front::tasks::runtime());
    #[cfg(feature = "tokio")]
    leaves_nothing::<front::tasks::Tasks>();
}

fn leaves_nothing<F: Front>() {
    let listener = PlainListener::bind_tcp("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("an address").ip();
    let target = F::target(address.expect("an IP address"));
    let absent = {
        let gone = PlainListener::bind_tcp("127.0.0.1:0").expect("a listener");
        let address = gone.local_addr().expect("an address").ip();
        F::target(address.expect("an IP address"))
    };
    let before = (count("fd"), count("task"));
    for round in 0..50 {
        let pool = F::new(Options::new().attempts(1).no_breaker()).expect("a pool");
        let returned = pool.get(&target, LONG).expect("a connection");
        let dropped = pool.get(&target, LONG).expect("a connection");
        let taken = pool.get(&target, LONG).expect("a connection").take_out();
        let ends = [(); 3].map(|()| listener.accept().expect("a client"));
        returned.release().expect("it is fit");
        drop(dropped);
        assert_eq!(
            pool.get(&absent, LONG).expect_err("nobody").kind(),
            "connect"
        );
        let statistics = pool.statistics();
        assert_eq!((statistics.idle, statistics.in_use), (1, 0));
        drop((taken, ends));
        match round % 2 {
            0 => drop(pool),
            _ => assert_eq!(pool.drain(LONG).still_in_use, 0),
        }
    }
    // A resolver's thread may have an instant to live.
    let named = F::new(Options::new()).expect("a pool");
    let port = listener.local_addr().expect("an address").port();
    let host = F::target(Endpoint::host("localhost", port.expect("a port")));
    drop(named.get(&host, LONG).expect("a connection"));
    drop(listener.accept().expect("a client"));
    drop(named);
    let end = Instant::now() + LONG;
    while count("task") > before.1 && Instant::now() < end {
        std::thread::yield_now();
    }
    assert_eq!((count("fd"), count("task")), before);
}
