//! Hosts by their names, with several addresses.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use pool::{Endpoint, Error, Options, Resolve, Target, WaitingFor};

use crate::front::Front;
use crate::rig::{LONG, SHORT, connected, listener, nobody, pool};

rules![
    an_address_that_refuses_costs_no_delay,
    a_silent_address_is_overtaken_by_the_next,
    the_deadline_is_over_all_addresses,
    a_resolver_cannot_break_a_promise,
];

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

/// With a delay between two addresses that no slow machine takes by itself.
const DELAY: Duration = Duration::from_secs(2);

fn by_name<F: Front>(names: Names, delay: Duration) -> (F, Target<F::Layer>) {
    let options = Options::new().attempts(1).attempt_delay(delay);
    let target = F::target(Endpoint::host("Service.Example", 443));
    (pool(options.resolver(Arc::new(names))), target)
}

fn an_address_that_refuses_costs_no_delay<F: Front>() {
    let (listener, good) = listener();
    let (pool, target) = by_name::<F>(Names::Are(vec![nobody(), nobody(), good]), DELAY);
    let start = Instant::now();
    let (_connection, _server) = connected(&pool, &listener, &target);
    // It would be two delays.
    assert!(start.elapsed() < DELAY * 2);
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

fn a_silent_address_is_overtaken_by_the_next<F: Front>() {
    let (_silent, silent, _filling) = silent();
    let (listener, good) = listener();
    let delay = Duration::from_millis(250);
    let (pool, target) = by_name::<F>(Names::Are(vec![silent, good]), delay);
    let start = Instant::now();
    let (_connection, _server) = connected(&pool, &listener, &target);
    let took = start.elapsed();
    assert!(took >= delay && took < LONG / 2, "{took:?}");
}

fn the_deadline_is_over_all_addresses<F: Front>() {
    let (_silent, silent, _filling) = silent();
    let (pool, target) = by_name::<F>(Names::Are(vec![silent; 3]), SHORT / 4);
    let start = Instant::now();
    let waiting_for = WaitingFor::Connection;
    assert_eq!(
        pool.get(&target, SHORT).unwrap_err(),
        Error::Timeout {
            waiting_for,
            last: None
        }
    );
    assert!(start.elapsed() >= SHORT && start.elapsed() < LONG / 2);
}

fn a_resolver_cannot_break_a_promise<F: Front>() {
    let (pool, target) = by_name::<F>(Names::Hang, DELAY);
    let waiting_for = WaitingFor::Resolution;
    assert_eq!(
        pool.get(&target, SHORT).unwrap_err(),
        Error::Timeout {
            waiting_for,
            last: None
        }
    );
    for names in [Names::Fail, Names::Panic] {
        let (pool, target) = by_name::<F>(names, DELAY);
        match pool.get(&target, LONG).unwrap_err() {
            Error::Resolve { host, .. } => assert_eq!(&*host, "service.example"),
            other => panic!("{other:?}"),
        }
    }
    let (pool, target) = by_name::<F>(Names::Are(Vec::new()), DELAY);
    let none = Error::Connect(socket::Refusal::NoAddress.into());
    assert_eq!(pool.get(&target, LONG).unwrap_err(), none);
}
