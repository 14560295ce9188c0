//! Crowds of TLS connections, some of them hostile. One test alone in its
//! process, because it counts the process's descriptors and raises their limit.
#![cfg(target_os = "linux")]

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use poll::{Deadline, Event, Events, Load, Options, Poll};
use rcgen::{CertificateParams, KeyPair};
use rustix::net::sockopt::set_socket_linger;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket::{Listener, Socket, Step};
use tls_core::{
    ClientConfig, Identity, PrivateKeyDer, Roots, ServerConfig, ServerName, TlsBackend,
    parse_server_name,
};
use tls_rustls::Rustls;

/// So long that only a hang takes it.
const LONG: Duration = Duration::from_secs(30);

#[test]
fn crowds_are_served_and_leave_nothing_behind() {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum;
    setrlimit(Resource::Nofile, Rlimit { current, ..limit }).unwrap();
    let peers = Peers::new();
    // What a library opens once is open after the first round.
    mixed(&peers, 20);
    let before = open_descriptors();
    mixed(&peers, 200);
    assert_eq!(open_descriptors(), before, "descriptors leak");
    // Some systems allow fewer descriptors.
    let allowed = current.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap());
    stalled(&peers, allowed.saturating_sub(1000).clamp(100, 10_000));
    assert_eq!(open_descriptors(), before, "descriptors leak");
}

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

struct Peers {
    backend: Rustls,
    client: <Rustls as TlsBackend>::ClientContext,
    server: <Rustls as TlsBackend>::ServerContext,
    name: ServerName<'static>,
}

impl Peers {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["server.example".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let identity = Identity::from_der([certificate.clone()], key).unwrap();
        let roots = Roots::from_der([certificate]).unwrap();
        let client = ClientConfig::builder().roots(roots).build().unwrap();
        let server = ServerConfig::builder().identity(identity).build().unwrap();
        let backend = Rustls::default();
        Self {
            client: backend.client(&client).unwrap(),
            server: backend.server(&server).unwrap(),
            name: parse_server_name("server.example").unwrap(),
            backend,
        }
    }

    fn turn_client_on(&self, socket: &mut Socket<Rustls>) {
        socket
            .enable_tls_client(&self.backend, &self.client, &self.name)
            .unwrap();
    }

    fn turn_server_on(&self, socket: &mut Socket<Rustls>) {
        socket
            .enable_tls_server(&self.backend, &self.server)
            .unwrap();
    }

    /// What a client says first.
    fn hello(&self) -> Vec<u8> {
        let (mut near, mut far) = Socket::<Rustls>::pair().unwrap();
        self.turn_client_on(&mut near);
        assert!(!near.handshake_step().unwrap().is_ready());
        let mut hello = vec![0; 16 * 1024];
        let octets = far.recv(&mut hello).unwrap();
        hello.truncate(octets);
        hello
    }
}

/// A server on the loop, and its clients on the same loop; every tenth is
/// hostile instead, and by hand.
fn mixed(peers: &Peers, connections: usize) {
    let mut poll = Poll::new().unwrap();
    let listener = Listener::bind_tcp("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    let door = poll.add_listener(listener).unwrap();
    let hello = peers.hello();
    let mut clients = HashSet::new();
    let mut hostile = Vec::new();
    for index in 0..connections {
        if index % 10 == 0 {
            let mut peer = Socket::<Rustls>::connect_tcp(address, LONG).unwrap();
            match index / 10 % 5 {
                // Silent.
                0 => {}
                // Stops after its hello.
                1 => peer.send_all(&hello).unwrap(),
                // Stops amid it.
                2 => peer.send_all(&hello[..hello.len() / 2]).unwrap(),
                // Speaks something else.
                3 => peer.send_all(b"GET / HTTP/1.1\r\n\r\n").unwrap(),
                // Resets amid its hello.
                _ => {
                    peer.send_all(&hello[..9]).unwrap();
                    set_socket_linger(peer.wait_fd(), Some(Duration::ZERO)).unwrap();
                    continue;
                }
            }
            hostile.push(peer);
            continue;
        }
        let mut client = Socket::start_connect_tcp(address).unwrap();
        peers.turn_client_on(&mut client);
        let client = poll.add(client, &Options::new()).unwrap();
        poll.connection(client).unwrap().send(b"hello").unwrap();
        clients.insert(client);
    }
    let hasty = Options::new().handshake_timeout(Some(Duration::from_secs(5)));
    let hostile_ones = connections / 10;
    let mut events = Events::new();
    let mut buf = [0; 4096];
    let (mut closed, mut bad) = (0, 0);
    while closed < 2 * clients.len() || bad < hostile_ones {
        poll.poll(&mut events, Some(LONG)).unwrap();
        assert!(!events.is_empty(), "{closed} closed, {bad} were bad");
        for event in &events {
            match *event {
                Event::Incoming(_) => {
                    while let Some((mut socket, _)) = poll.accept(door) {
                        peers.turn_server_on(&mut socket);
                        poll.add(socket, &hasty).unwrap();
                    }
                }
                Event::Readable(token) => {
                    let mut connection = poll.connection(token).unwrap();
                    while let Step::Ready(octets) = connection.recv(&mut buf) {
                        assert_eq!(&buf[..octets], b"hello");
                        match clients.contains(&token) {
                            true => connection.close(),
                            false => assert_eq!(connection.send(b"hello"), Ok(5)),
                        }
                    }
                }
                Event::Ended(token) => poll.connection(token).unwrap().close(),
                Event::Connected(_) | Event::HandshakeDone(_) => {}
                Event::Closed(_) => closed += 1,
                Event::Failed(token, _) | Event::TimedOut(token, Deadline::Handshake) => {
                    assert!(!clients.contains(&token), "{event:?}");
                    bad += 1;
                }
                ref other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((closed, bad), (2 * clients.len(), hostile_ones));
    poll.remove_listener(door).unwrap();
    assert_nothing_is_left(&mut poll, &mut events);
}

/// Clients of servers that never accept. The system keeps the other ends in the
/// listeners' queues, so each costs one descriptor here.
fn stalled(peers: &Peers, connections: usize) {
    const PER_LISTENER: usize = 100;
    let mut poll = Poll::new().unwrap();
    let options = Options::new().handshake_timeout(Some(Duration::from_millis(500)));
    let mut listeners = Vec::new();
    let mut added = HashSet::new();
    while added.len() < connections {
        let listener = Listener::<Rustls>::bind_tcp("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().ip().unwrap();
        for _ in 0..PER_LISTENER.min(connections - added.len()) {
            let mut client = Socket::connect_tcp(address, LONG).unwrap();
            peers.turn_client_on(&mut client);
            added.insert(poll.add(client, &options).unwrap());
        }
        listeners.push(listener);
    }
    let load = poll.load();
    assert_eq!(load.connections, connections);
    assert_eq!(load.deadlines, connections);
    let mut events = Events::new();
    while !added.is_empty() {
        poll.poll(&mut events, Some(LONG)).unwrap();
        assert!(!events.is_empty(), "{} are left", added.len());
        for event in &events {
            let Event::TimedOut(token, Deadline::Handshake) = *event else {
                panic!("{event:?}");
            };
            assert!(added.remove(&token), "it is told twice");
        }
    }
    assert_nothing_is_left(&mut poll, &mut events);
}

fn assert_nothing_is_left(poll: &mut Poll<Rustls>, events: &mut Events) {
    poll.poll(events, Some(Duration::ZERO)).unwrap();
    assert!(events.is_empty());
    assert_eq!(poll.load(), Load::default());
}
