//! The blocking pool over plain sockets: what does not depend on TLS.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pool::{Endpoint, Error, Options, Pool, Pooled, Resolve, State, Target, Unfit, WaitingFor};
use socket::{NoTls, PlainListener, PlainSocket};

/// So long that only a hang takes it.
const LONG: Duration = Duration::from_secs(20);
/// A short time to wait in vain.
const SHORT: Duration = Duration::from_millis(40);

type PlainPool = Pool<NoTls>;

fn pool(options: Options) -> PlainPool {
    Pool::new(options).expect("a pool")
}

fn listener() -> (PlainListener, Target) {
    let mut listener = PlainListener::bind_tcp("127.0.0.1:0").expect("a listener");
    listener.set_timeout(Some(LONG));
    let address = listener.local_addr().expect("an address").ip();
    (listener, Target::plain(address.expect("an IP address")))
}

/// An address where nobody listens.
fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    listener.local_addr().expect("an address")
}

/// A connection, and the server's end of it.
fn connected(pool: &PlainPool, listener: &PlainListener, target: &Target) -> (Pooled, PlainSocket) {
    let connection = pool.get(target, LONG).expect("a connection");
    let (mut server, _) = listener.accept().expect("a client");
    server.set_read_timeout(Some(LONG));
    (connection, server)
}

/// Until what a peer has sent has arrived.
fn until_it_can_be_read(socket: &PlainSocket) {
    use rustix::event::{PollFd, PollFlags, poll};
    let fd = socket.wait_fd();
    poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], None).expect("poll");
}

#[test]
fn a_dropped_connection_is_closed_and_its_place_is_free() {
    let (listener, target) = listener();
    let pool = pool(Options::new().max_total(1));
    let (connection, mut server) = connected(&pool, &listener, &target);
    drop(connection);
    assert_eq!(server.recv(&mut [0]), Ok(0));
    let (connection, _server) = connected(&pool, &listener, &target);
    assert!(!connection.is_reused());
    assert_eq!(pool.statistics().discarded, 1);
}

#[test]
fn a_panic_closes_the_connection() {
    let (listener, target) = listener();
    let pool = pool(Options::new());
    let (connection, mut server) = connected(&pool, &listener, &target);
    let panics = thread::spawn(move || {
        let _connection = connection;
        panic!("in the middle of an exchange");
    });
    assert!(panics.join().is_err());
    assert_eq!(server.recv(&mut [0]), Ok(0));
    let statistics = pool.statistics();
    assert_eq!((statistics.in_use, statistics.idle), (0, 0));
}

#[test]
fn settings_of_one_caller_do_not_reach_the_next() {
    let (listener, target) = listener();
    let pool = pool(Options::new());
    let (mut connection, _server) = connected(&pool, &listener, &target);
    assert_eq!(connection.nodelay(), Ok(true));
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

#[test]
fn what_this_side_has_ended_is_not_kept() {
    let (listener, target) = listener();
    let pool = pool(Options::new());
    let (mut connection, _server) = connected(&pool, &listener, &target);
    connection.shutdown_write(LONG).expect("an end");
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

#[test]
fn an_endpoint_that_refuses_is_an_error_of_its_address() {
    let pool = pool(Options::new().attempts(1));
    let address = nobody();
    match pool.get(&Target::plain(address), LONG) {
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

#[test]
fn attempts_have_pauses_between_them() {
    let pause = Duration::from_millis(20);
    let options = Options::new().attempts(3).backoff(pause, pause).seed(3);
    let pool = pool(options);
    let error = pool.get(&Target::plain(nobody()), LONG).unwrap_err();
    assert_eq!(error.kind(), "connect");
    assert_eq!(pool.statistics().failed, 3);
    assert_eq!(pool.statistics().waited, 2);
}

#[test]
fn the_deadline_ends_the_pause() {
    let options = Options::new().backoff(LONG, LONG).no_breaker().seed(3);
    let pool = pool(options);
    let start = Instant::now();
    match pool.get(&Target::plain(nobody()), SHORT).unwrap_err() {
        Error::Timeout { waiting_for, last } => {
            assert_eq!(waiting_for, WaitingFor::Backoff);
            assert_eq!(last.map(|last| last.kind()), Some("connect"));
        }
        other => panic!("{other:?}"),
    }
    assert!(start.elapsed() >= SHORT && start.elapsed() < LONG / 4);
    assert_eq!(pool.statistics().waiting, 0);
}

#[test]
fn a_waiter_gets_what_another_thread_gives_back() {
    let (listener, target) = listener();
    let pool = pool(Options::new().max_per_key(1));
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

#[test]
fn many_threads_share_few_connections() {
    const THREADS: usize = 16;
    const EACH: usize = 50;
    let (listener, target) = listener();
    let pool = pool(Options::new().max_per_key(3));
    let in_use = AtomicUsize::new(0);
    let _accepted = thread::scope(|scope| {
        for _ in 0..THREADS {
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
        while pool.statistics().given < (THREADS * EACH) as u64 {
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
        (THREADS * EACH) as u64
    );
}

#[test]
fn a_drain_waits_for_what_is_in_use_and_no_longer_than_said() {
    let (listener, target) = listener();
    let pool = pool(Options::new());
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

    let pool = self::pool(Options::new());
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

#[test]
fn connections_made_in_advance_are_given_out() {
    let (listener, target) = listener();
    let pool = pool(Options::new().max_per_key(3));
    assert_eq!(pool.prewarm(&target, 5, LONG), Ok(3));
    assert_eq!(pool.prewarm(&target, 3, LONG), Ok(0));
    assert_eq!(pool.statistics().idle, 3);
    let _servers: Vec<_> = (0..3)
        .map(|_| listener.accept().expect("a client"))
        .collect();
    assert!(pool.get(&target, LONG).expect("a connection").is_reused());
    let absent = Target::plain(nobody());
    assert_eq!(
        pool.prewarm(&absent, 1, LONG).unwrap_err().kind(),
        "connect"
    );
    assert_eq!(pool.statistics().connecting, 0);
}

#[test]
fn a_unix_socket_is_an_endpoint() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = PlainListener::bind_unix(&path).expect("a path that can be bound");
    let pool = pool(Options::new());
    let target = Target::plain(Endpoint::unix(&path));
    let (connection, _server) = connected(&pool, &listener, &target);
    connection.release().expect("it is fit");
    assert!(pool.get(&target, LONG).expect("a connection").is_reused());
}

/// Answers with what it was given, or never.
#[derive(Debug)]
enum Names {
    Are(Vec<SocketAddr>),
    Hang,
    Fail,
    Panic,
}

impl Resolve for Names {
    fn resolve(&self, host: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        assert_eq!(host, "service.example");
        match self {
            Self::Are(addresses) => Ok(addresses.clone()),
            Self::Hang => {
                thread::sleep(SHORT * 4);
                Ok(Vec::new())
            }
            Self::Fail => Err(io::ErrorKind::NotFound.into()),
            Self::Panic => panic!("a resolver that panics"),
        }
    }
}

fn by_name(names: Names) -> (PlainPool, Target) {
    let options = Options::new().attempts(1).resolver(Arc::new(names));
    let target = Target::plain(Endpoint::host("Service.Example", 443));
    (pool(options), target)
}

#[test]
fn an_address_that_refuses_costs_no_delay() {
    let (listener, target) = listener();
    let Endpoint::Address(good) = *target.endpoint() else {
        panic!("an address");
    };
    let (pool, target) = by_name(Names::Are(vec![nobody(), nobody(), good]));
    let start = Instant::now();
    let (_connection, _server) = connected(&pool, &listener, &target);
    assert!(start.elapsed() < Duration::from_millis(200));
}

/// A listener whose queue is full, so that the system answers nobody.
fn silent() -> (TcpListener, SocketAddr, Vec<TcpStream>) {
    use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
    let fd = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&fd, &SocketAddr::from(([127, 0, 0, 1], 0))).expect("an address");
    listen(&fd, 0).expect("a listener");
    let listener = TcpListener::from(fd);
    let address = listener.local_addr().expect("an address");
    let mut filling = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, SHORT) {
        filling.push(stream);
    }
    (listener, address, filling)
}

#[test]
fn a_silent_address_is_overtaken_by_the_next() {
    let (_silent, silent, _filling) = silent();
    let (listener, target) = listener();
    let Endpoint::Address(good) = *target.endpoint() else {
        panic!("an address");
    };
    let (pool, target) = by_name(Names::Are(vec![silent, good]));
    let start = Instant::now();
    let (_connection, _server) = connected(&pool, &listener, &target);
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(250), "{took:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn the_deadline_is_over_all_addresses() {
    let (_silent, silent, _filling) = silent();
    let (pool, target) = by_name(Names::Are(vec![silent; 3]));
    let start = Instant::now();
    let waiting_for = WaitingFor::Connection;
    assert_eq!(
        pool.get(&target, SHORT).unwrap_err(),
        Error::Timeout {
            waiting_for,
            last: None
        }
    );
    assert!(start.elapsed() >= SHORT && start.elapsed() < LONG / 4);
}

#[test]
fn a_resolver_cannot_break_a_promise() {
    let (pool, target) = by_name(Names::Hang);
    let start = Instant::now();
    let waiting_for = WaitingFor::Resolution;
    assert_eq!(
        pool.get(&target, SHORT).unwrap_err(),
        Error::Timeout {
            waiting_for,
            last: None
        }
    );
    assert!(start.elapsed() < SHORT * 3);
    for names in [Names::Fail, Names::Panic] {
        let (pool, target) = by_name(names);
        match pool.get(&target, LONG).unwrap_err() {
            Error::Resolve { host, .. } => assert_eq!(&*host, "service.example"),
            other => panic!("{other:?}"),
        }
    }
    let (pool, target) = by_name(Names::Are(Vec::new()));
    let none = Error::Connect(socket::Refusal::NoAddress.into());
    assert_eq!(pool.get(&target, LONG).unwrap_err(), none);
}
