//! What becomes of a connection.

use std::thread;
use std::time::Duration;

use pool::{Endpoint, Options, Unfit};
use socket::PlainListener;

use crate::front::{Connection, Front};
use crate::rig::{LONG, connected, listener, pool, until_it_can_be_read};

rules![
    a_dropped_connection_is_closed_and_its_place_is_free,
    a_panic_closes_the_connection,
    what_this_side_or_the_peer_has_ended_is_not_kept,
    what_happens_to_an_idle_connection_is_found,
    the_descriptors_options_are_the_pools,
    a_unix_socket_is_an_endpoint,
    a_connection_that_is_taken_out_makes_room,
];

fn a_dropped_connection_is_closed_and_its_place_is_free<F: Front>() {
    let (listener, address) = listener();
    let target = F::target(address);
    let pool: F = pool(Options::new().max_total(1));
    let (connection, mut server) = connected(&pool, &listener, &target);
    drop(connection);
    assert_eq!(server.recv(&mut [0]), Ok(0));
    let (connection, _server) = connected(&pool, &listener, &target);
    assert!(!connection.is_reused());
    assert_eq!(pool.statistics().discarded, 1);
}

fn a_panic_closes_the_connection<F: Front>() {
    let (listener, address) = listener();
    let pool: F = pool(Options::new());
    let (connection, mut server) = connected(&pool, &listener, &F::target(address));
    let panics = thread::spawn(move || {
        let _connection = connection;
        panic!("in the middle of an exchange");
    });
    assert!(panics.join().is_err());
    assert_eq!(server.recv(&mut [0]), Ok(0));
    let statistics = pool.statistics();
    assert_eq!((statistics.in_use, statistics.idle), (0, 0));
}

fn what_this_side_or_the_peer_has_ended_is_not_kept<F: Front>() {
    let (listener, address) = listener();
    let target = F::target(address);
    let pool: F = pool(Options::new());
    let (mut connection, _server) = connected(&pool, &listener, &target);
    connection.shutdown_write();
    assert_eq!(connection.release(), Err(Unfit::Altered));
    let (connection, server) = connected(&pool, &listener, &target);
    drop(server);
    until_it_can_be_read(&connection);
    assert_eq!(connection.release(), Err(Unfit::Ended));
    let (connection, mut server) = connected(&pool, &listener, &target);
    server.send_all(b"x").expect("a send");
    until_it_can_be_read(&connection);
    assert_eq!(connection.release(), Err(Unfit::Unread));
    let (connection, mut server) = connected(&pool, &listener, &target);
    server.set_linger(Some(Duration::ZERO)).expect("an option");
    drop(server);
    until_it_can_be_read(&connection);
    assert!(matches!(connection.release(), Err(Unfit::Failed(_))));
    assert_eq!(pool.statistics().discarded, 4);
}

fn what_happens_to_an_idle_connection_is_found<F: Front>() {
    let (listener, address) = listener();
    let target = F::target(address);
    let pool: F = pool(Options::new());
    for (round, with_data) in [(1, false), (2, true)] {
        let (connection, mut server) = connected(&pool, &listener, &target);
        connection.release().expect("it is fit");
        // On the loopback interface it has arrived when the call is over.
        match with_data {
            true => server.send_all(b"nobody asked").expect("a send"),
            false => drop(server),
        }
        let (connection, _server) = connected(&pool, &listener, &target);
        assert!(!connection.is_reused());
        assert_eq!(pool.statistics().unfit, round);
    }
}

fn the_descriptors_options_are_the_pools<F: Front>() {
    let (listener, address) = listener();
    let target = F::target(address);
    for nodelay in [true, false] {
        let pool: F = pool(Options::new().nodelay(nodelay));
        let (connection, _server) = connected(&pool, &listener, &target);
        assert_eq!(connection.has_nodelay(), nodelay);
    }
}

fn a_unix_socket_is_an_endpoint<F: Front>() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = PlainListener::bind_unix(&path).expect("a path that can be bound");
    let pool: F = pool(Options::new().attempts(1));
    let target = F::target(Endpoint::unix(&path));
    let (connection, server) = connected(&pool, &listener, &target);
    connection.release().expect("it is fit");
    let connection = pool.get(&target, LONG).expect("a connection");
    assert!(connection.is_reused());
    drop((connection, server, listener));
    let error = pool.get(&target, LONG).expect_err("nobody is there");
    assert_eq!(error.kind(), "connect");
    let told = error.to_string();
    assert!(told.contains(&path.display().to_string()), "{told}");
}

fn a_connection_that_is_taken_out_makes_room<F: Front>() {
    let (listener, address) = listener();
    let target = F::target(address);
    let pool: F = pool(Options::new().max_total(1));
    let (connection, _server) = connected(&pool, &listener, &target);
    let _alone = connection.take_out();
    assert_eq!(pool.statistics().in_use, 0);
    let _other = connected(&pool, &listener, &target);
}
