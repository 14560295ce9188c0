//! Listeners.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use socket::{
    Address, CONNECT_TIMEOUT, Error, ListenOptions, PlainListener, PlainSocket, Refusal, Step,
};

use crate::common::LONG;

fn connects(address: impl std::net::ToSocketAddrs) -> Result<PlainSocket, Error> {
    PlainSocket::connect_tcp(address, CONNECT_TIMEOUT)
}

#[test]
fn a_dual_stack_listener_serves_both_families() {
    let listener = PlainListener::bind_tcp("[::]:0").unwrap();
    let port = listener.local_addr().unwrap().port().unwrap();
    for address in [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()] {
        let client = connects(std::net::SocketAddr::new(address, port)).unwrap();
        let (server, from) = listener.accept().unwrap();
        assert_eq!(from.port(), client.local_addr().unwrap().port());
        drop(server);
    }
}

#[test]
fn a_listener_for_ipv6_alone_leaves_ipv4_alone() {
    let four = PlainListener::bind_tcp("0.0.0.0:0").unwrap();
    let port = four.local_addr().unwrap().port().unwrap();
    let both = PlainListener::bind_tcp((Ipv6Addr::UNSPECIFIED, port));
    assert!(matches!(both, Err(Error::Bind { .. })), "{both:?}");
    let only_v6 = ListenOptions::new().dual_stack(false);
    let six = PlainListener::bind_tcp_with((Ipv6Addr::UNSPECIFIED, port), &only_v6).unwrap();
    let _clients = [
        connects((Ipv4Addr::LOCALHOST, port)).unwrap(),
        connects((Ipv6Addr::LOCALHOST, port)).unwrap(),
    ];
    assert!(four.accept().unwrap().1.ip().unwrap().is_ipv4());
    assert!(six.accept().unwrap().1.ip().unwrap().is_ipv6());
}

#[test]
fn an_address_in_use_is_told_and_the_next_is_tried() {
    let taken = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().ip().unwrap();
    let error = PlainListener::bind_tcp(address).unwrap_err();
    let Error::Bind {
        address: told,
        source,
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(*told, Address::Ip(address));
    assert_eq!(source.kind(), ErrorKind::AddrInUse);
    assert_eq!(error.kind(), "bind");
    let any = "127.0.0.1:0".parse().unwrap();
    let second = PlainListener::bind_tcp(&[address, any][..]).unwrap();
    assert_ne!(second.local_addr().unwrap(), Address::Ip(address));
}

#[test]
fn a_port_is_shared_only_by_those_who_ask() {
    let shared = ListenOptions::new().reuse_port(true);
    let first = PlainListener::bind_tcp_with("127.0.0.1:0", &shared).unwrap();
    let address = first.local_addr().unwrap().ip().unwrap();
    assert!(PlainListener::bind_tcp(address).is_err());
    PlainListener::bind_tcp_with(address, &shared).unwrap();
}

#[test]
fn the_port_of_a_server_that_stopped_can_be_bound_again() {
    let listener = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    let mut client = connects(address).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    // The side that ends first leaves its address fading.
    server.shutdown_write(LONG).unwrap();
    assert_eq!(client.recv(&mut [0]).unwrap(), 0);
    drop((server, client, listener));
    let strict = ListenOptions::new().reuse_address(false);
    assert!(PlainListener::bind_tcp_with(address, &strict).is_err());
    PlainListener::bind_tcp(address).unwrap();
}

#[test]
fn a_unix_path_in_use_is_never_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let replace = ListenOptions::new().replace_stale(true);
    let alive = PlainListener::bind_unix(&path).unwrap();
    for options in [ListenOptions::new(), replace] {
        let error = PlainListener::bind_unix_with(&path, &options).unwrap_err();
        let Error::Bind { address, source } = error else {
            panic!("{error:?}");
        };
        assert_eq!(address, Address::Path(path.clone()));
        assert_eq!(source.kind(), ErrorKind::AddrInUse);
    }
    PlainSocket::connect_unix(&path, CONNECT_TIMEOUT).unwrap();
    drop(alive);
    assert!(path.exists(), "the file is its owner's to remove");
    assert!(PlainListener::bind_unix(&path).is_err());
    let second = PlainListener::bind_unix_with(&path, &replace).unwrap();
    PlainSocket::connect_unix(&path, CONNECT_TIMEOUT).unwrap();
    second.accept().unwrap();
}

#[test]
fn a_file_that_is_no_socket_is_never_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes");
    std::fs::write(&path, "keep").unwrap();
    let replace = ListenOptions::new().replace_stale(true);
    assert!(PlainListener::bind_unix_with(&path, &replace).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "keep");
}

#[test]
fn a_listener_of_std_is_adopted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let listener = PlainListener::try_from(listener).unwrap();
    assert!(matches!(listener.try_accept(), Ok(Step::Blocked(_))));
    let _client = TcpStream::connect(address).unwrap();
    let (server, _) = listener.accept().unwrap();
    assert!(!server.is_nonblocking());
    let again = PlainListener::from_fd(listener.into_fd()).unwrap();
    assert_eq!(again.local_addr().unwrap(), Address::Ip(address));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let unix = UnixListener::bind(&path).unwrap();
    let unix = PlainListener::try_from(unix).unwrap();
    assert_eq!(unix.local_addr().unwrap(), Address::Path(path));
}

#[test]
fn a_descriptor_that_does_not_listen_is_refused() {
    let (near, _far) = PlainSocket::pair().unwrap();
    assert_eq!(
        PlainListener::from_fd(near.into_fd().unwrap()).unwrap_err(),
        Error::Refused(Refusal::NotListening)
    );
    let file = std::fs::File::open("/dev/null").unwrap();
    assert_eq!(
        PlainListener::from_fd(file.into()).unwrap_err(),
        Error::Refused(Refusal::NotAStream)
    );
}

#[test]
fn an_accept_waits_for_the_client() {
    let listener = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    std::thread::scope(|scope| {
        let server = scope.spawn(|| listener.accept().unwrap());
        std::thread::sleep(Duration::from_millis(20));
        let client = connects(address).unwrap();
        let (_, from) = server.join().unwrap();
        assert_eq!(from, client.local_addr().unwrap());
    });
}
