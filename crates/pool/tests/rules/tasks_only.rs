//! What the pool for tasks has, and the one for threads has not.

use std::time::Duration;

use pool::tokio::{Pool, Pooled};
use pool::{Endpoint, Error, Options, Target};
use tls_core::AnyBackend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::front::tasks::runtime;
use crate::rig::{LONG, connected, listener, pool};

/// Tasks move between threads, and so do these.
#[test]
fn futures_and_connections_can_be_sent() {
    fn assert_send<T: Send>(_: &T) {}
    let pool: Pool = Pool::new(Options::new()).expect("a pool");
    let target = Target::plain(Endpoint::host("127.0.0.1", 1));
    assert_send(&pool.get(&target, LONG));
    assert_send(&pool.prewarm(&target, 1, LONG));
    assert_send(&pool.drain(LONG));
    fn assert_send_type<T: Send>() {}
    assert_send_type::<Pooled<AnyBackend>>();
}

#[test]
fn a_connection_reads_and_writes() {
    let (listener, address) = listener();
    runtime().block_on(async {
        let pool: Pool = Pool::new(Options::new()).expect("a pool");
        let target = Target::plain(address);
        let mut connection = pool.get(&target, LONG).await.expect("a connection");
        let (mut server, _) = listener.accept().expect("a client");
        assert!(!connection.is_tls() && connection.facts().is_none());
        let peer = connection.io().tcp().map(|tcp| tcp.peer_addr().ok());
        assert_eq!(peer, Some(Some(address)));
        let halves = [b"hel".as_slice(), b"lo"].map(std::io::IoSlice::new);
        let written = connection.write_vectored(&halves).await;
        assert_eq!(written.expect("a write"), 5);
        let mut got = [0; 5];
        server.recv_exact(&mut got).expect("a request");
        assert_eq!(&got, b"hello");
        server.send_all(b"there").expect("a send");
        connection.read_exact(&mut got).await.expect("an answer");
        assert_eq!(&got, b"there");
        connection.release().expect("it is fit");
    });
}

/// An hour passes in no time, and the pool's clock goes with it.
#[test]
fn time_is_the_runtimes() {
    let (listener, address) = listener();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let hour = Duration::from_secs(3600);
        let options = Options::new().idle_timeout(Some(hour)).max_age(None);
        let pool: Pool = Pool::new(options.max_total(1)).expect("a pool");
        let target = Target::plain(address);
        let connection = pool.get(&target, LONG).await.expect("a connection");
        let (mut server, _) = listener.accept().expect("a client");
        server.set_read_timeout(Some(LONG));
        match pool.get(&target, hour).await {
            Err(Error::Timeout { .. }) => {}
            other => panic!("{other:?}"),
        }
        assert!(connection.age() >= hour);
        connection.release().expect("it is fit");
        tokio::time::advance(hour / 2).await;
        assert!(pool.sweep().is_some());
        assert_eq!(pool.statistics().idle, 1);
        tokio::time::advance(hour / 2).await;
        assert_eq!(pool.sweep(), None);
        assert_eq!(server.recv(&mut [0]), Ok(0));
    });
}

#[test]
fn connections_of_a_runtime_that_has_ended_are_not_given_out() {
    let (listener, address) = listener();
    let target = Target::plain(address);
    let pool: Pool = Pool::new(Options::new()).expect("a pool");
    let mut ends = Vec::new();
    for round in 0..2 {
        runtime().block_on(async {
            let connection = pool.get(&target, LONG).await.expect("a connection");
            assert!(!connection.is_reused());
            ends.push(listener.accept().expect("a client"));
            connection.release().expect("it is fit");
        });
        assert_eq!(pool.statistics().unfit, round);
    }
}

/// Only the system knows when there is room in a Unix listener's queue.
#[test]
fn a_unix_listener_with_a_full_queue_is_asked_again() {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let fd = socket(AddressFamily::UNIX, SocketType::STREAM, None).expect("a socket");
    let address = SocketAddrUnix::new(&path).expect("a path");
    bind(&fd, &address).expect("a path that can be bound");
    listen(&fd, 0).expect("a listener");
    let listener = std::os::unix::net::UnixListener::from(fd);
    let target = Target::plain(Endpoint::unix(&path));
    runtime().block_on(async {
        let pool: Pool = Pool::new(Options::new().no_breaker()).expect("a pool");
        let mut filling = Vec::new();
        let error = loop {
            match pool.get(&target, Duration::from_millis(40)).await {
                Ok(connection) => filling.push(connection),
                Err(error) => break error,
            }
        };
        assert!(error.is_timeout(), "{error:?}");
        let accept = std::thread::spawn(move || {
            let accepted = [(); 2].map(|()| listener.accept().expect("a client"));
            (accepted, listener)
        });
        let connection = pool.get(&target, LONG).await.expect("a connection");
        assert!(connection.io().unix().is_some());
        drop((filling, connection));
        drop(accept.join().expect("no panic"));
    });
}

#[test]
fn both_fronts_take_the_same_targets() {
    let (listener, address) = listener();
    let target: Target<AnyBackend> = Target::plain(address);
    let threads = pool::Pool::<AnyBackend>::new(Options::new()).expect("a pool");
    drop(threads.get(&target, LONG).expect("a connection"));
    listener.accept().expect("a client");
    let tasks: crate::front::tasks::Tasks = pool(Options::new());
    let _connection = connected(&tasks, &listener, &target);
}
