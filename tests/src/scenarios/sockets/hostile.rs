//! Peers that speak something else, or nothing that makes sense.

use std::io::{self, Read};

use polytls::tls::{Error as TlsError, PeerMisbehaved, TlsBackend};
use polytls::{Error, Operation, PlainSocket, Refusal};

use super::ends::{End, LONG, Link, SHORT, Setup, listener, over, timed, tls_error, together};
use super::tapped::take;
use crate::scenario::{Case, Scenario, scenario};
use crate::wire::record;

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("a_plain_http_request_is_told_apart", http),
        scenario("a_plain_server_is_told_apart_by_a_client", plain_server),
        scenario("garbage_fails_the_handshake_at_once", garbage),
        scenario("half_a_client_hello_is_waited_for_in_time", half_hello),
        scenario(
            "half_a_flight_of_the_server_is_waited_for_in_time",
            half_flight,
        ),
        scenario("a_flood_of_plaintext_fails_the_handshake_at_once", flood),
        scenario("a_message_of_absurd_length_is_not_collected", absurd),
        scenario("a_flood_of_empty_records_ends", empty_records),
        scenario("garbage_amid_the_data_is_fatal_for_every_operation", sticky),
        scenario("a_failed_handshake_fails_every_operation", sticky_handshake),
    ]
}

const HTTP: &[u8] = b"GET / HTTP/1.1\r\nHost: server.example\r\n\r\n";

const NOT_TLS: TlsError = TlsError::PeerMisbehaved(PeerMisbehaved::NotTls);

/// A server with TLS on, and a plain peer.
fn server_and_peer<C: TlsBackend, S: TlsBackend>(
    setup: &Setup<'_, C, S>,
    link: Link,
) -> (End<S>, End<C>) {
    let (peer, mut server) = link.connect();
    setup.turn_server_on(&mut server);
    (server, peer)
}

/// A client with TLS on whose ClientHello has been received by a plain peer.
fn client_and_peer<C: TlsBackend, S: TlsBackend>(
    setup: &Setup<'_, C, S>,
    link: Link,
) -> (End<C>, End<S>) {
    let (mut client, mut peer) = link.connect();
    setup.turn_client_on(&mut client);
    assert!(!client.handshake_step().expect("a hello").is_ready());
    let mut hello = vec![0; 16 * 1024];
    assert!(peer.recv(&mut hello).expect("a hello") > 0);
    (client, peer)
}

/// The browser gets an alert, or nothing, and then the end; a reset where the
/// library left some of the request unread (RFC 1122, section 4.2.2.13).
fn http<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let listener = listener::<S>("127.0.0.1:0");
    let address = listener.local_addr().expect("an address");
    let address = address.ip().expect("an IP address");
    let mut peer = PlainSocket::connect_tcp(address, LONG).expect("a connection");
    peer.set_read_timeout(Some(LONG));
    peer.send_all(HTTP).expect("a request");
    let (mut server, _) = listener.accept().expect("a client");
    setup.turn_server_on(&mut server);
    assert_eq!(tls_error(server.handshake(LONG)), NOT_TLS);
    drop(server);
    let mut answer = Vec::new();
    if let Err(error) = peer.read_to_end(&mut answer) {
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
    match answer[..] {
        [] => {}
        [21, 3, _, 0, 2, 2, _] => {}
        _ => panic!("neither nothing nor a fatal alert: {answer:?}"),
    }
    let one_call = together(
        || {
            let mut peer = PlainSocket::connect_tcp(address, LONG).expect("a connection");
            peer.send_all(HTTP).expect("a request");
            peer
        },
        || listener.accept_tls(&case.server, &setup.server, LONG),
    );
    assert_eq!(tls_error(one_call.1), NOT_TLS);
}

fn plain_server<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let answers: [&[u8]; 2] = [
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    ];
    for answer in answers {
        let (mut client, mut peer) = client_and_peer(&setup, Link::Tcp4);
        peer.send_all(answer).expect("a send");
        assert_eq!(tls_error(client.handshake(LONG)), NOT_TLS);
    }
}

fn garbage<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    // A record without content is not among them: on some libraries it is
    // fatal, others wait for a few more (see `empty_records`).
    let noise: [Vec<u8>; 5] = [
        vec![0; 100],
        vec![0xff; 100],
        b"\r\n\r\n\r\n\r\n".to_vec(),
        // The right type with nonsense in it, and types that do not exist.
        record(22, &[0xee; 50]),
        record(99, &[1; 50]),
    ];
    for noise in &noise {
        let (mut server, mut peer) = server_and_peer(&setup, Link::Pair);
        peer.send_all(noise).expect("a send");
        assert_misbehaved(server.handshake(LONG));
        let (mut client, mut peer) = client_and_peer(&setup, Link::Pair);
        peer.send_all(noise).expect("a send");
        assert_misbehaved(client.handshake(LONG));
    }
}

#[track_caller]
fn assert_misbehaved<T: std::fmt::Debug>(result: Result<T, Error>) {
    let error = tls_error(result);
    assert!(matches!(error, TlsError::PeerMisbehaved(_)), "{error:?}");
}

fn half_hello<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let mut tapped = setup.tapped();
    assert!(!tapped.near.handshake_step().expect("a hello").is_ready());
    let hello = take(&mut tapped.near_wire);
    for octets in [1, 5, 6, hello.len() / 2, hello.len() - 1] {
        let (mut server, mut peer) = server_and_peer(&setup, Link::Tcp4);
        peer.send_all(&hello[..octets]).expect("a send");
        let late = timed(SHORT / 2, || server.handshake(SHORT / 2));
        assert_eq!(late, Err(over(Operation::Handshake)), "{octets} octets");
        // It gives up, and the server is told.
        drop(peer);
        assert_eq!(tls_error(server.handshake(LONG)), TlsError::Truncated);
    }
}

fn half_flight<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    for of in [1, 2, 10] {
        let mut tapped = setup.tapped();
        assert!(!tapped.near.handshake_step().expect("a hello").is_ready());
        tapped
            .far_wire
            .send_all(&take(&mut tapped.near_wire))
            .expect("room");
        assert!(!tapped.far.handshake_step().expect("a flight").is_ready());
        let flight = take(&mut tapped.far_wire);
        let part = &flight[..flight.len() * of / 11];
        tapped.near_wire.send_all(part).expect("room");
        let near = &mut tapped.near;
        let late = timed(SHORT, || near.handshake(SHORT));
        assert_eq!(late, Err(over(Operation::Handshake)), "{of} of 11 parts");
        // What the client has said meanwhile is read, or it would be a reset.
        take(&mut tapped.near_wire);
        drop(tapped.near_wire);
        assert_eq!(tls_error(near.handshake(LONG)), TlsError::Truncated);
    }
}

fn flood<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    for piece in [&[b'A'; 4096][..], HTTP] {
        let (server, peer) = server_and_peer(&setup, Link::Pair);
        let sent = flooded(server, peer, piece);
        assert!(sent < MOST_FLOODED, "{sent} octets were read");
        let (client, peer) = client_and_peer(&setup, Link::Tcp4);
        flooded(client, peer, piece);
    }
}

/// More than what fits between two sockets: who reads so much reads on.
const MOST_FLOODED: usize = 8 * 1024 * 1024;

/// The peer sends until it is cut off; answers how much that was.
#[track_caller]
fn flooded<A: TlsBackend, B: TlsBackend>(
    mut victim: End<A>,
    mut peer: End<B>,
    piece: &[u8],
) -> usize {
    let (sent, ()) = together(
        move || {
            let mut sent = 0;
            while sent < MOST_FLOODED {
                match peer.send(piece) {
                    Ok(octets) => sent += octets,
                    Err(_) => break,
                }
            }
            sent
        },
        move || assert_misbehaved(victim.handshake(LONG)),
    );
    sent
}

/// A ClientHello or ServerHello that claims 16 MiB, and whose parts are sent.
fn absurd<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let part = record(22, &[7; 16 * 1024]);
    let (server, mut peer) = server_and_peer(&setup, Link::Pair);
    peer.send_all(&record(22, &[1, 0xff, 0xff, 0xff]))
        .expect("a send");
    let sent = flooded(server, peer, &part);
    assert!(sent < 1024 * 1024, "{sent} octets were taken");
    let (client, mut peer) = client_and_peer(&setup, Link::Pair);
    peer.send_all(&record(22, &[2, 0xff, 0xff, 0xff]))
        .expect("a send");
    let sent = flooded(client, peer, &part);
    assert!(sent < 1024 * 1024, "{sent} octets were taken");
}

/// Records without content cost the receiver work and bring nothing: no step
/// may go on for ever over them.
fn empty_records<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let ignorable = [record(22, &[]), record(20, &[1]), record(21, &[1, 90])];
    for piece in ignorable {
        let pieces = piece.repeat(1000);
        let (server, peer) = server_and_peer(&setup, Link::Pair);
        let sent = flooded(server, peer, &pieces);
        assert!(sent < MOST_FLOODED, "{sent} octets were read");
        let (client, peer) = client_and_peer(&setup, Link::Pair);
        let sent = flooded(client, peer, &pieces);
        assert!(sent < MOST_FLOODED, "{sent} octets were read");
    }
}

fn sticky<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let mut tapped = setup.tapped_and_connected();
    tapped
        .near_wire
        .send_all(b"plaintext amid TLS")
        .expect("room");
    assert_sticks(&mut tapped.near);
    assert!(
        tapped
            .near
            .enable_tls_client(&case.client, &setup.client, &setup.name)
            .is_err()
    );
    tapped
        .far_wire
        .send_all(b"plaintext amid TLS")
        .expect("room");
    assert_sticks(&mut tapped.far);
    for wire in [&mut tapped.near_wire, &mut tapped.far_wire] {
        let alert = take(wire);
        assert!(!alert.is_empty(), "the peer is told");
    }
}

fn sticky_handshake<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let (mut server, mut peer) = server_and_peer(&setup, Link::Pair);
    peer.send_all(HTTP).expect("a send");
    assert_eq!(tls_error(server.handshake(LONG)), NOT_TLS);
    assert_sticks(&mut server);
    assert!(server.facts().is_none());
    assert_eq!(server.statistics().handshakes, 0);
    let (mut client, mut peer) = client_and_peer(&setup, Link::Pair);
    peer.send_all(HTTP).expect("a send");
    assert_eq!(tls_error(client.handshake(LONG)), NOT_TLS);
    assert_sticks(&mut client);
    assert!(client.facts().is_none());
    assert_eq!(client.statistics().handshakes, 0);
}

/// Every operation fails alike, TLS stays on, and nothing is sent any more.
#[track_caller]
fn assert_sticks<B: TlsBackend>(end: &mut End<B>) {
    let fatal = tls_error(end.recv(&mut [0; 8]));
    assert!(matches!(fatal, TlsError::PeerMisbehaved(_)), "{fatal:?}");
    let sent = end.statistics().wire_sent;
    for _ in 0..2 {
        assert_eq!(tls_error(end.recv(&mut [0; 8])), fatal);
        assert_eq!(tls_error(end.try_recv(&mut [0; 8])), fatal);
        assert_eq!(tls_error(end.recv_exact(&mut [0; 8])), fatal);
        assert_eq!(tls_error(end.send(b"x")), fatal);
        assert_eq!(tls_error(end.try_send(b"x")), fatal);
        assert_eq!(tls_error(end.send_all(b"x")), fatal);
        assert_eq!(tls_error(end.try_flush()), fatal);
        assert_eq!(tls_error(end.handshake(LONG)), fatal);
        assert_eq!(tls_error(end.handshake_step()), fatal);
        assert_eq!(tls_error(end.key_update()), fatal);
        assert_eq!(tls_error(end.close_tls(LONG)), fatal);
        assert_eq!(tls_error(end.disable_tls()), fatal);
        assert_eq!(tls_error(end.shutdown_write(LONG)), fatal);
        assert_eq!(tls_error(end.shutdown(LONG)), fatal);
        assert_eq!(tls_error(end.try_shutdown()), fatal);
    }
    assert_eq!(end.statistics().wire_sent, sent);
    assert!(end.is_tls());
    assert_eq!(end.raw_fd().unwrap_err(), Refusal::TlsOn.into());
}
