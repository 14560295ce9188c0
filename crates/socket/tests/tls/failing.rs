//! Failures under TLS: typed, final, and never in the clear.

use std::io::{ErrorKind, Read};

use socket::{Error, Interest, PlainSocket, Step};
use tls_core::{Error as TlsError, PeerMisbehaved};

use crate::common::{
    FakeSocket, LONG, before_handshake, name, server_of_a_raw_client, tls_error, tls_pair,
};
use crate::fake::{DATA, Fake, record};

#[test]
fn a_fatal_error_is_final_for_every_operation() {
    let (mut peer, mut socket) = server_of_a_raw_client();
    peer.send_all(b"garbage garbage").unwrap();
    let fatal = TlsError::from(PeerMisbehaved::NotTls);
    assert_eq!(tls_error(socket.recv(&mut [0; 8])), fatal);
    // The peer is sound again, and still nothing passes.
    peer.send_all(&record(DATA, b"sound")).unwrap();
    for _ in 0..2 {
        assert_eq!(tls_error(socket.recv(&mut [0; 8])), fatal);
        assert_eq!(tls_error(socket.try_recv(&mut [0; 8])), fatal);
        assert_eq!(tls_error(socket.recv_exact(&mut [0; 8])), fatal);
        assert_eq!(tls_error(socket.send(b"x")), fatal);
        assert_eq!(tls_error(socket.try_send(b"x")), fatal);
        assert_eq!(tls_error(socket.send_all(b"x")), fatal);
        assert_eq!(tls_error(socket.try_flush()), fatal);
        assert_eq!(tls_error(socket.handshake(LONG)), fatal);
        assert_eq!(tls_error(socket.key_update()), fatal);
        assert_eq!(tls_error(socket.close_tls(LONG)), fatal);
        assert_eq!(tls_error(socket.disable_tls()), fatal);
        assert_eq!(tls_error(socket.shutdown_write(LONG)), fatal);
        assert_eq!(tls_error(socket.shutdown(LONG)), fatal);
    }
    assert!(socket.is_tls());
    assert!(socket.raw_fd().is_err());
    assert!(socket.enable_tls_server(&Fake::default(), &()).is_err());
    let nothing_sent = Ok(Step::Blocked(Interest::READ));
    assert_eq!(peer.try_recv(&mut [0; 8]), nothing_sent);
}

#[test]
fn a_failed_handshake_stays_failed() {
    let (mut peer, server) = PlainSocket::pair().unwrap();
    let mut server = FakeSocket::from_fd(server.into_fd().unwrap()).unwrap();
    server.enable_tls_server(&Fake::default(), &()).unwrap();
    peer.send_all(&record(DATA, b"too early")).unwrap();
    let fatal = TlsError::from(PeerMisbehaved::UnexpectedMessage);
    assert_eq!(tls_error(server.handshake(LONG)), fatal);
    assert_eq!(tls_error(server.handshake_step()), fatal);
    assert_eq!(tls_error(server.send(b"x")), fatal);
    assert_eq!(server.statistics().handshakes, 0);
    assert!(server.facts().is_none());
}

#[test]
fn a_stream_that_just_stops_is_truncated_and_never_a_clean_end() {
    let (mut peer, mut socket) = server_of_a_raw_client();
    peer.send_all(&record(DATA, b"part")).unwrap();
    peer.send_all(&record(DATA, b"cut")[..6]).unwrap();
    drop(peer);
    let mut got = [0; 8];
    assert_eq!(socket.recv(&mut got).unwrap(), 4);
    for _ in 0..2 {
        assert_eq!(tls_error(socket.recv(&mut got)), TlsError::Truncated);
    }
    let error = socket.read(&mut got).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(tls_error(socket.recv_exact(&mut got)), TlsError::Truncated);
}

#[test]
fn dropping_a_socket_does_not_look_like_a_clean_end() {
    let (client, mut server) = tls_pair();
    drop(client);
    assert_eq!(tls_error(server.recv(&mut [0])), TlsError::Truncated);
}

#[test]
fn an_error_of_the_system_is_the_same_as_without_tls() {
    let (client, mut server) = tls_pair();
    drop(client);
    let error = server.send(b"x").unwrap_err();
    let Error::Io(inner) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(inner.kind(), ErrorKind::BrokenPipe);
    assert!(inner.raw_os_error().is_some());
    assert_eq!(server.send(b"x").unwrap_err(), error, "it is final");
}

#[test]
fn plaintext_that_came_before_a_failed_send_is_still_delivered() {
    let (mut client, mut server) = tls_pair();
    client.send_all(b"last words").unwrap();
    let mut got = [0; 5];
    server.recv_exact(&mut got).unwrap();
    drop(client);
    let error = server.send(b"x").unwrap_err();
    assert_eq!(server.recv(&mut got).unwrap(), 5);
    assert_eq!(&got, b"words");
    assert_eq!(server.recv(&mut got).unwrap_err(), error);
}

#[test]
fn a_write_that_has_to_read_waits_for_the_peer() {
    let (mut client, mut server) = FakeSocket::pair().unwrap();
    let reads_first = Fake {
        write_reads_first: true,
        ..Fake::default()
    };
    client
        .enable_tls_client(&reads_first, &(), &name())
        .unwrap();
    server.enable_tls_server(&Fake::default(), &()).unwrap();
    crate::common::shake(&mut client, &mut server);
    assert_eq!(client.try_send(b"x"), Ok(Step::Blocked(Interest::READ)));
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            client.set_write_timeout(Some(LONG));
            client.send_all(b"after")?;
            let mut got = [0; 2];
            client.recv_exact(&mut got).map(|()| got)
        });
        server.send_all(b"go").unwrap();
        let mut got = [0; 5];
        server.recv_exact(&mut got).unwrap();
        assert_eq!(&got, b"after");
        assert_eq!(sender.join().unwrap().unwrap(), *b"go");
    });
}

#[test]
fn a_session_before_its_handshake_has_no_facts() {
    let (client, _server) = before_handshake();
    assert!(client.facts().is_none());
    assert!(client.session().is_some());
    let early = client.export_keying_material(&mut [0; 4], "label", None);
    assert_eq!(early.unwrap_err().kind(), "config");
}
