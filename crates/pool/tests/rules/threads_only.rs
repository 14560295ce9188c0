//! What a socket of the pool for threads has, and a stream has not.

use std::time::Instant;

use pool::Options;

use crate::front::threads::Threads;
use crate::rig::{LONG, SHORT, connected, listener, pool};

#[test]
fn settings_of_one_caller_do_not_reach_the_next() {
    let (listener, address) = listener();
    let target = pool::Target::plain(address);
    let pool: Threads = pool(Options::new());
    let (mut connection, _server) = connected(&pool, &listener, &target);
    connection.set_read_timeout(Some(SHORT));
    connection.set_write_timeout(Some(SHORT));
    connection.set_deadline(Some(Instant::now()));
    connection.set_nonblocking(true).expect("a mode");
    connection.release().expect("it is fit");
    let connection = pool.get(&target, LONG).expect("a connection");
    assert!(connection.is_reused());
    assert_eq!(connection.read_timeout(), None);
    assert_eq!(connection.write_timeout(), None);
    assert_eq!(connection.deadline(), None);
    assert!(!connection.is_nonblocking());
}
