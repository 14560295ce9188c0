//! How sockets come to be, and what they are.

use std::fs::File;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;

use socket::{
    Address, CONNECT_TIMEOUT, Error, Operation, PlainListener, PlainSocket, Refusal, Step,
};

use crate::common::{LONG, tcp_pair};

fn speaks(near: &mut PlainSocket, far: &mut PlainSocket) {
    let mut got = [0; 4];
    near.send_all(b"ping").unwrap();
    far.recv_exact(&mut got).unwrap();
    assert_eq!(&got, b"ping");
    far.send_all(b"pong").unwrap();
    near.recv_exact(&mut got).unwrap();
    assert_eq!(&got, b"pong");
}

fn over(address: &str) {
    let listener = PlainListener::bind_tcp(address).unwrap();
    let bound = listener.local_addr().unwrap();
    assert_ne!(bound.port(), Some(0));
    let mut client = PlainSocket::connect_tcp(bound.ip().unwrap(), CONNECT_TIMEOUT).unwrap();
    let (mut server, from) = listener.accept().unwrap();
    assert_eq!(from, client.local_addr().unwrap());
    assert_eq!(from, server.peer_addr().unwrap());
    assert_eq!(bound, client.peer_addr().unwrap());
    assert_eq!(bound, server.local_addr().unwrap());
    assert!(!server.is_nonblocking() && !client.is_nonblocking());
    assert!(!client.is_tls());
    speaks(&mut client, &mut server);
}

#[test]
fn tcp_connects_over_ipv4() {
    over("127.0.0.1:0");
}

#[test]
fn tcp_connects_over_ipv6() {
    over("[::1]:0");
}

#[test]
fn unix_sockets_connect_and_tell_their_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let listener = PlainListener::bind_unix(&path).unwrap();
    let mut client = PlainSocket::connect_unix(&path, CONNECT_TIMEOUT).unwrap();
    let (mut server, from) = listener.accept().unwrap();
    assert_eq!(from, Address::Unnamed);
    assert_eq!(from.to_string(), "unnamed");
    assert_eq!(client.peer_addr().unwrap(), Address::Path(path.clone()));
    assert_eq!(
        server.local_addr().unwrap().to_string(),
        path.display().to_string()
    );
    speaks(&mut client, &mut server);
}

#[cfg(target_os = "linux")]
#[test]
fn an_abstract_name_is_shown_with_its_sign() {
    let name = format!("\0polytls-test-{}", std::process::id());
    let listener = PlainListener::bind_unix(&name).unwrap();
    let mut client = PlainSocket::connect_unix(&name, CONNECT_TIMEOUT).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    let shown = client.peer_addr().unwrap().to_string();
    assert_eq!(shown, name.replace('\0', "@"));
    speaks(&mut client, &mut server);
}

#[test]
fn a_pair_is_connected() {
    let (mut near, mut far) = PlainSocket::pair().unwrap();
    speaks(&mut near, &mut far);
    assert_eq!(near.peer_addr().unwrap(), Address::Unnamed);
}

#[test]
fn ip_addresses_are_shown_with_their_port() {
    for shown in ["192.0.2.1:443", "[2001:db8::1]:443"] {
        let address = Address::from(shown.parse::<SocketAddr>().unwrap());
        assert_eq!(address.to_string(), shown);
        assert_eq!(address.port(), Some(443));
    }
}

#[test]
fn a_stream_of_std_is_adopted_with_its_mode() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_nonblocking(true).unwrap();
    let mut client = PlainSocket::from(stream);
    assert!(client.is_nonblocking());
    let mut server = PlainSocket::from_fd(listener.accept().unwrap().0.into()).unwrap();
    assert!(!server.is_nonblocking());
    speaks(&mut client, &mut server);
    let (near, far) = UnixStream::pair().unwrap();
    speaks(&mut near.into(), &mut far.into());
}

#[test]
fn a_descriptor_that_is_no_connected_stream_is_refused() {
    let datagram = UdpSocket::bind("127.0.0.1:0").unwrap();
    let unix_datagram = UnixDatagram::unbound().unwrap();
    let file = File::open("/dev/null").unwrap();
    for fd in [datagram.into(), unix_datagram.into(), file.into()] {
        let refused = PlainSocket::from_fd(fd).unwrap_err();
        assert_eq!(refused, Error::Refused(Refusal::NotAStream));
        assert_eq!(refused.kind(), "refused");
    }
    let listening = TcpListener::bind("127.0.0.1:0").unwrap();
    assert_eq!(
        PlainSocket::from_fd(listening.into()).unwrap_err(),
        Error::Refused(Refusal::Listening)
    );
}

#[test]
fn the_descriptor_can_be_taken_back() {
    let (client, mut server) = tcp_pair();
    let fd = client.into_fd().unwrap();
    let mut client = PlainSocket::from_fd(fd).unwrap();
    speaks(&mut client, &mut server);
}

#[test]
fn every_address_is_tried_until_one_answers() {
    let listener = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
    let good = listener.local_addr().unwrap().ip().unwrap();
    let (_taken, closed) = closed_port();
    let client = PlainSocket::connect_tcp(&[closed, good][..], CONNECT_TIMEOUT).unwrap();
    assert_eq!(client.peer_addr().unwrap(), Address::Ip(good));
}

#[test]
fn the_last_refusal_is_told_with_its_address() {
    let ((_first, one), (_second, other)) = (closed_port(), closed_port());
    let addresses = [one, other];
    let error = PlainSocket::connect_tcp(&addresses[..], CONNECT_TIMEOUT).unwrap_err();
    let Error::Connect { address, source } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*address, Address::Ip(addresses[1]));
    assert_eq!(source.kind(), ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains(&addresses[1].to_string()));
    assert_eq!(error.kind(), "connect");
    let error = std::io::Error::from(error);
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(error.get_ref().unwrap().is::<Error>());
}

#[test]
fn no_address_is_refused() {
    let none: &[SocketAddr] = &[];
    assert_eq!(
        PlainSocket::connect_tcp(none, CONNECT_TIMEOUT).unwrap_err(),
        Error::Refused(Refusal::NoAddress)
    );
    assert_eq!(
        PlainListener::bind_tcp(none).unwrap_err(),
        Error::Refused(Refusal::NoAddress)
    );
}

#[test]
fn a_missing_unix_socket_is_told_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none");
    let error = PlainSocket::connect_unix(&path, CONNECT_TIMEOUT).unwrap_err();
    let Error::Connect { address, source } = error else {
        panic!("{error:?}");
    };
    assert_eq!(address, Address::Path(path));
    assert_eq!(source.kind(), ErrorKind::NotFound);
}

/// Linux lets no more wait in a Unix listener's queue than it was told.
#[cfg(target_os = "linux")]
#[test]
fn a_unix_connect_into_a_full_queue_ends_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let options = socket::ListenOptions::new().backlog(0);
    let listener = PlainListener::bind_unix_with(&path, &options).unwrap();
    let mut waiting = Vec::new();
    let error = loop {
        match PlainSocket::connect_unix(&path, Duration::from_millis(40)) {
            Ok(socket) => waiting.push(socket),
            Err(error) => break error,
        }
        assert!(waiting.len() < 10, "the queue never fills");
    };
    assert_eq!(
        error,
        Error::Timeout {
            during: Operation::Connect,
            done: 0
        }
    );
    // The limit of the connect is not one of the socket.
    let mut first = waiting.remove(0);
    let fd = first.wait_fd();
    assert_eq!(socket2::SockRef::from(&fd).write_timeout().unwrap(), None);
    let (mut server, _) = listener.accept().unwrap();
    speaks(&mut first, &mut server);
}

/// A full queue drops the handshakes that come: nobody answers.
#[cfg(target_os = "linux")]
#[test]
fn a_tcp_connect_that_nobody_answers_ends_in_time() {
    let options = socket::ListenOptions::new().backlog(0);
    let listener = PlainListener::bind_tcp_with("127.0.0.1:0", &options).unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    let mut waiting = Vec::new();
    let error = loop {
        match PlainSocket::connect_tcp(address, Duration::from_millis(100)) {
            Ok(socket) => waiting.push(socket),
            Err(error) => break error,
        }
        assert!(waiting.len() < 10, "the queue never fills");
    };
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(error.to_string(), "connecting took too long");
    let ErrorKind::TimedOut = std::io::Error::from(error).kind() else {
        panic!("the kind is lost");
    };
    // The next address still gets its turn.
    let good = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
    let addresses = [address, good.local_addr().unwrap().ip().unwrap()];
    let client = PlainSocket::connect_tcp(&addresses[..], LONG / 4).unwrap();
    assert_eq!(client.peer_addr().unwrap(), Address::Ip(addresses[1]));
}

#[test]
fn raw_access_to_a_plain_socket_is_there() {
    let (mut client, mut server) = tcp_pair();
    let mut got = [0; 2];
    assert!(matches!(server.try_peek(&mut got), Ok(Step::Blocked(_))));
    client.send_all(b"ab").unwrap();
    for _ in 0..2 {
        assert_eq!(server.peek(&mut got).unwrap(), 2);
        assert_eq!(&got, b"ab");
    }
    assert_eq!(server.statistics().received.octets, 0);
    let raw = File::from(server.raw_fd().unwrap().try_clone_to_owned().unwrap());
    std::io::Read::read_exact(&mut &raw, &mut got).unwrap();
    assert_eq!(&got, b"ab");
}

/// A port that nobody listens on, taken for as long as the socket lives.
fn closed_port() -> (socket2::Socket, SocketAddr) {
    let taken = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    taken.bind(&any.into()).unwrap();
    let address = taken.local_addr().unwrap().as_socket().unwrap();
    (taken, address)
}
