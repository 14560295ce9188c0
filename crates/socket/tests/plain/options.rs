//! Options, set and read back.

use std::time::Duration;

use socket::{Error, Keepalive, PlainListener, PlainSocket};

use crate::common::tcp_pair;

#[test]
fn tcp_options_come_back_as_set() {
    let (mut client, _server) = tcp_pair();
    assert!(!client.nodelay().unwrap());
    for nodelay in [true, false] {
        client.set_nodelay(nodelay).unwrap();
        assert_eq!(client.nodelay().unwrap(), nodelay);
    }
    assert_eq!(client.keepalive().unwrap(), None);
    let keepalive = Keepalive {
        idle: Duration::from_secs(30),
        interval: Duration::from_secs(7),
        probes: 4,
    };
    client.set_keepalive(Some(keepalive)).unwrap();
    assert_eq!(client.keepalive().unwrap(), Some(keepalive));
    client.set_keepalive(None).unwrap();
    assert_eq!(client.keepalive().unwrap(), None);
    assert_eq!(client.linger().unwrap(), None);
    client.set_linger(Some(Duration::from_secs(3))).unwrap();
    assert_eq!(client.linger().unwrap(), Some(Duration::from_secs(3)));
    client.set_linger(None).unwrap();
    assert_eq!(client.linger().unwrap(), None);
}

#[test]
fn buffers_are_at_least_as_large_as_asked() {
    let (mut client, _server) = tcp_pair();
    client.set_receive_buffer(32768).unwrap();
    assert!(client.receive_buffer().unwrap() >= 32768);
    client.set_send_buffer(32768).unwrap();
    assert!(client.send_buffer().unwrap() >= 32768);
}

#[test]
fn the_hop_limit_is_set_for_both_families() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let listener = PlainListener::bind_tcp(address).unwrap();
        let bound = listener.local_addr().unwrap().ip().unwrap();
        let mut client = PlainSocket::connect_tcp(bound, socket::CONNECT_TIMEOUT).unwrap();
        client.set_ttl(33).unwrap();
        assert_eq!(client.ttl().unwrap(), 33, "{address}");
    }
}

#[test]
fn a_tcp_option_on_a_unix_socket_is_the_systems_error() {
    let (mut near, _far) = PlainSocket::pair().unwrap();
    assert!(matches!(near.set_nodelay(true), Err(Error::Io(_))));
    assert!(matches!(near.nodelay(), Err(Error::Io(_))));
}
