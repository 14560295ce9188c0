//! All sends and receives pass through TLS once it is on.

use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::thread;

use socket::{Error, Listener, PlainSocket, Refusal, Socket, Step};
use tls_core::{AnyBackend, ClientConfig, TlsBackend};

use crate::common::{
    FakeSocket, LONG, before_handshake, name, server_of_a_raw_client, shake, tls_pair,
};
use crate::fake::{DATA, Fake, record};

#[test]
fn bytes_pass_through_tls_both_ways() {
    let (mut client, mut server) = tls_pair();
    let mut got = [0; 8];
    client.send_all(b"question").unwrap();
    server.recv_exact(&mut got).unwrap();
    assert_eq!(&got, b"question");
    server.send_all(b"response").unwrap();
    client.recv_exact(&mut got).unwrap();
    assert_eq!(&got, b"response");
    assert_eq!(client.facts(), server.facts());
    let told = client.facts().unwrap().server_name.as_deref();
    assert_eq!(told, Some("fake.example"));
}

#[test]
fn every_way_to_send_encrypts_and_every_way_to_receive_decrypts() {
    let (mut peer, mut socket) = server_of_a_raw_client();
    let mut expected = Vec::new();
    for (place, sent) in [b"one", b"two", b"six", b"ten", b"all"].iter().enumerate() {
        let slices = [IoSlice::new(&sent[..1]), IoSlice::new(&sent[1..])];
        match place {
            0 => assert_eq!(socket.send(&sent[..]).unwrap(), 3),
            1 => assert_eq!(socket.send_vectored(&slices).unwrap(), 3),
            2 => assert_eq!(socket.try_send(&sent[..]).unwrap(), Step::Ready(3)),
            3 => socket.send_all_vectored(&mut slices.clone()).unwrap(),
            _ => socket.write_all(&sent[..]).unwrap(),
        }
        expected.extend(record(DATA, &sent[..]));
        peer.send_all(&record(DATA, &sent[..])).unwrap();
        let mut got = [0; 3];
        match place {
            0 => assert_eq!(socket.recv(&mut got).unwrap(), 3),
            1 => {
                let (first, second) = got.split_at_mut(1);
                let mut bufs = [IoSliceMut::new(first), IoSliceMut::new(second)];
                assert_eq!(socket.recv_vectored(&mut bufs).unwrap(), 3);
            }
            2 => assert_eq!(socket.try_recv(&mut got).unwrap(), Step::Ready(3)),
            3 => socket.recv_exact(&mut got).unwrap(),
            _ => socket.read_exact(&mut got).unwrap(),
        }
        assert_eq!(&got, *sent);
    }
    let mut wire = vec![0; expected.len()];
    peer.recv_exact(&mut wire).unwrap();
    assert_eq!(wire, expected, "nothing else was on the wire");
}

#[test]
fn raw_access_is_refused_while_tls_is_on() {
    let (mut client, _server) = before_handshake();
    assert!(client.is_tls());
    let refused = Error::Refused(Refusal::TlsOn);
    assert_eq!(client.raw_fd().unwrap_err(), refused);
    assert_eq!(client.peek(&mut [0]).unwrap_err(), refused);
    assert_eq!(client.try_peek(&mut [0]).unwrap_err(), refused);
    let back = client.into_fd().unwrap_err();
    assert!(back.is_tls(), "the socket comes back as it was");
}

#[test]
fn what_only_tls_can_do_is_refused_on_a_plain_socket() {
    let (mut socket, _peer) = FakeSocket::pair().unwrap();
    let refused = Error::Refused(Refusal::TlsOff);
    assert_eq!(socket.handshake(LONG).unwrap_err(), refused);
    assert_eq!(socket.handshake_step().unwrap_err(), refused);
    assert_eq!(socket.key_update().unwrap_err(), refused);
    assert_eq!(socket.try_key_update().unwrap_err(), refused);
    assert_eq!(socket.close_tls(LONG).unwrap_err(), refused);
    assert_eq!(socket.disable_tls().unwrap_err(), refused);
    let exported = socket.export_keying_material(&mut [0; 4], "label", None);
    assert_eq!(exported.unwrap_err(), refused);
    assert!(socket.facts().is_none() && socket.session().is_none());
    socket.flush().unwrap();
}

#[test]
fn a_socket_of_a_backend_is_plain_until_tls_is_turned_on() {
    let (mut near, mut far) = FakeSocket::pair().unwrap();
    near.send_all(b"clear").unwrap();
    let mut got = [0; 5];
    assert_eq!(far.peek(&mut got).unwrap(), 5);
    far.recv_exact(&mut got).unwrap();
    assert_eq!(&got, b"clear");
    near.into_fd().unwrap();
}

#[test]
fn sending_and_receiving_finish_the_handshake() {
    let (mut client, mut server) = before_handshake();
    thread::scope(|scope| {
        scope.spawn(|| client.send_all(b"early").unwrap());
        let mut got = [0; 5];
        server.recv_exact(&mut got).unwrap();
        assert_eq!(&got, b"early");
    });
    for socket in [&client, &server] {
        assert!(socket.facts().is_some());
        assert_eq!(socket.statistics().handshakes, 1);
    }
}

#[test]
fn statistics_tell_the_application_from_the_wire() {
    let (mut client, mut server) = tls_pair();
    let before = *client.statistics();
    assert_eq!((before.sent.octets, before.received.octets), (0, 0));
    assert_eq!(before.handshakes, 1);
    assert!(before.wire_sent.octets > 0 && before.wire_received.octets > 0);
    client.send_all(&[1; 100]).unwrap();
    let after = *client.statistics();
    assert_eq!((after.sent.octets, after.sent.calls), (100, 1));
    assert_eq!(after.wire_sent.octets - before.wire_sent.octets, 105);
    assert_eq!(after.wire_sent.calls - before.wire_sent.calls, 1);
    assert_eq!(after.handshake_time, before.handshake_time);
    server.recv_exact(&mut [0; 100]).unwrap();
    assert_eq!(server.statistics().received.octets, 100);
    let pairs = [client.statistics(), server.statistics()];
    assert_eq!(pairs[0].wire_sent.octets, pairs[1].wire_received.octets);
}

#[test]
fn a_vectored_receive_takes_all_that_is_there() {
    let (mut client, mut server) = tls_pair();
    client.send_all(b"abc").unwrap();
    client.send_all(b"defgh").unwrap();
    let (mut first, mut second, mut third) = ([0; 2], [0; 3], [0; 9]);
    let mut bufs = [
        IoSliceMut::new(&mut []),
        IoSliceMut::new(&mut first),
        IoSliceMut::new(&mut second),
        IoSliceMut::new(&mut third),
    ];
    // A short read ends it, so that it never waits for more than it has.
    assert_eq!(server.recv_vectored(&mut bufs).unwrap(), 3);
    assert_eq!((&first, &second[..1]), (b"ab", &b"c"[..]));
    let mut bufs = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut third)];
    assert_eq!(server.recv_vectored(&mut bufs).unwrap(), 5);
    assert_eq!((&first, &third[..3]), (b"de", &b"fgh"[..]));
}

#[test]
fn buffered_plaintext_is_told() {
    let (mut client, mut server) = tls_pair();
    client.send_all(b"abcd").unwrap();
    assert!(!server.has_pending());
    let mut got = [0; 2];
    server.recv_exact(&mut got).unwrap();
    assert!(server.has_pending());
    assert_eq!(server.try_recv(&mut got), Ok(Step::Ready(2)));
    assert!(!server.has_pending());
}

#[test]
fn keys_are_renewed_and_exported_through_the_session() {
    let (mut client, mut server) = tls_pair();
    client.key_update().unwrap();
    client.send_all(b"after").unwrap();
    let mut got = [0; 5];
    server.recv_exact(&mut got).unwrap();
    server.send_all(b"reply").unwrap();
    client.recv_exact(&mut got).unwrap();
    assert_eq!(&got, b"reply");
    let (mut one, mut other) = ([0; 4], [1; 4]);
    client
        .export_keying_material(&mut one, "label", None)
        .unwrap();
    server
        .export_keying_material(&mut other, "label", None)
        .unwrap();
    assert_eq!((one, other), ([5; 4], [5; 4]));
}

#[test]
fn a_call_that_the_session_refuses_does_not_end_it() {
    let (mut client, mut server) = before_handshake();
    assert_eq!(client.key_update().unwrap_err().kind(), "config");
    shake(&mut client, &mut server);
    client.send_all(b"x").unwrap();
    server.recv_exact(&mut [0]).unwrap();
}

#[test]
fn sockets_move_between_threads_and_listeners_are_shared() {
    fn moves<T: Send>() {}
    fn is_shared<T: Send + Sync>() {}
    moves::<FakeSocket>();
    moves::<Socket<AnyBackend>>();
    is_shared::<PlainSocket>();
    is_shared::<Listener<Fake>>();
    is_shared::<Listener<AnyBackend>>();
}

#[test]
fn one_call_connects_and_one_accepts() {
    let listener: Listener<Fake> = Listener::bind_tcp("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut server, _) = listener.accept_tls(&Fake::default(), &(), LONG).unwrap();
            server.send_all(b"hello").unwrap();
        });
        let fake = Fake::default();
        let mut client = Socket::connect_tls(address, &fake, &(), &name(), LONG).unwrap();
        let mut got = [0; 5];
        client.recv_exact(&mut got).unwrap();
        assert_eq!(&got, b"hello");
    });
}

#[test]
fn a_backend_chosen_at_run_time_works_too() {
    let any = AnyBackend::new(Fake::default());
    let config = ClientConfig::builder()
        .danger()
        .accept_any_certificate()
        .build()
        .unwrap();
    let context = any.client(&config).unwrap();
    let (client, server) = PlainSocket::pair().unwrap();
    let mut client = Socket::from_fd(client.into_fd().unwrap()).unwrap();
    let mut server = FakeSocket::from_fd(server.into_fd().unwrap()).unwrap();
    client.enable_tls_client(&any, &context, &name()).unwrap();
    server.enable_tls_server(&Fake::default(), &()).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| client.send_all(b"any").unwrap());
        let mut got = [0; 3];
        server.recv_exact(&mut got).unwrap();
        assert_eq!(&got, b"any");
    });
}
