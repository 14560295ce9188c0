//! How sessions end.

use tls_core::{Error, Interest, PeerMisbehaved, ProtocolVersion, Step, TlsSession};

use super::{VERSIONS, client_config, connected, pair, server_config};

#[test]
fn one_side_closes_and_the_other_may_go_on() {
    for version in VERSIONS {
        let (mut client, mut server) = connected(version);
        let _ = client.write(b"last").unwrap();
        assert_eq!(client.close(), Ok(Step::Ready(())));
        let sent = client.io.sent().len();
        assert_eq!(client.close(), Ok(Step::Ready(())));
        assert_eq!(client.io.sent().len(), sent, "close_notify is sent once");
        assert_eq!(client.write(b"more"), Err(Error::Closed));
        assert_eq!(client.flush(), Ok(Step::Ready(())));

        let mut buf = [0; 9];
        assert_eq!(server.read(&mut buf), Ok(Step::Ready(4)));
        client.io.end();
        for _ in 0..3 {
            assert_eq!(server.read(&mut buf), Ok(Step::Ready(0)));
            assert!(!server.session.pending());
        }
        assert_eq!(server.write(b"reply"), Ok(Step::Ready(5)));
        assert_eq!(client.read(&mut buf), Ok(Step::Ready(5)));
        assert_eq!(server.close(), Ok(Step::Ready(())));
        assert_eq!(client.read(&mut buf), Ok(Step::Ready(0)));
    }
}

#[test]
fn a_fault_behind_this_side_s_end_is_an_error_like_any_other() {
    for version in VERSIONS {
        let (mut client, mut server) = connected(version);
        let _ = client.write(b"damaged").unwrap();
        assert_eq!(server.close(), Ok(Step::Ready(())));
        server.io.damage();
        for _ in 0..2 {
            let error = Error::PeerMisbehaved(PeerMisbehaved::BadCryptography);
            assert_eq!(server.read(&mut [0]), Err(error));
        }
    }
}

#[test]
fn an_end_that_came_with_plaintext_is_told_as_pending() {
    let (mut client, mut server) = connected(ProtocolVersion::Tls13);
    let _ = client.write(b"last").unwrap();
    let _ = client.close().unwrap();
    let mut buf = [0; 4];
    assert_eq!(server.read(&mut buf), Ok(Step::Ready(4)));
    assert!(server.session.pending());
    assert_eq!(server.read(&mut buf), Ok(Step::Ready(0)));
    assert!(!server.session.pending());
}

#[test]
fn a_clean_end_counts_although_its_sender_takes_no_answer() {
    let (mut client, mut server) = connected(ProtocolVersion::Tls13);
    let _ = client.session.key_update(&mut client.io).unwrap();
    let _ = client.write(b"last").unwrap();
    let _ = client.close().unwrap();
    server.io.broken = true;
    let mut buf = [0; 9];
    assert_eq!(server.read(&mut buf), Ok(Step::Ready(4)));
    assert_eq!(server.read(&mut buf), Ok(Step::Ready(0)));
}

#[test]
fn a_transport_that_fails_fails_the_session_behind_what_has_come() {
    let (mut client, mut server) = connected(ProtocolVersion::Tls13);
    let _ = client.session.key_update(&mut client.io).unwrap();
    let _ = client.write(b"came").unwrap();
    server.io.broken = true;
    let mut buf = [0; 9];
    assert_eq!(server.read(&mut buf), Ok(Step::Ready(4)));
    assert!(server.session.pending());
    let failed = Error::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
    for _ in 0..2 {
        assert_eq!(server.read(&mut buf), Err(failed.clone()));
        assert_eq!(server.write(b"x"), Err(failed.clone()));
        assert!(!server.session.pending());
    }
}

#[test]
fn a_close_waits_behind_plaintext_that_is_kept() {
    let (mut client, mut server) = connected(ProtocolVersion::Tls13);
    client.io.room = 3;
    assert_eq!(client.write(b"kept"), Ok(Step::Ready(4)));
    assert_eq!(client.close(), Ok(Step::Blocked(Interest::WRITE)));
    client.io.room = usize::MAX;
    assert_eq!(client.close(), Ok(Step::Ready(())));
    let mut buf = [0; 9];
    assert_eq!(server.read(&mut buf), Ok(Step::Ready(4)));
    assert_eq!(server.read(&mut buf), Ok(Step::Ready(0)));
}

#[test]
fn an_end_without_close_notify_is_a_truncation() {
    for version in VERSIONS {
        let (mut client, mut server) = connected(version);
        let _ = client.write(b"cut").unwrap();
        client.io.end();
        let mut buf = [0; 9];
        assert_eq!(server.read(&mut buf), Ok(Step::Ready(3)));
        for _ in 0..2 {
            assert_eq!(server.read(&mut buf), Err(Error::Truncated));
        }
        assert_eq!(server.write(b"x"), Err(Error::Truncated));
    }
}

#[test]
fn a_handshake_that_is_cut_anywhere_is_truncated() {
    let (client_config, server_config) = (
        client_config().build().unwrap(),
        server_config().build().unwrap(),
    );
    for room in [0, 1, 5, 100] {
        let (mut client, mut server) = pair(&client_config, &server_config);
        client.io.room = room;
        let _ = client.handshake().unwrap();
        client.io.end();
        for _ in 0..2 {
            assert_eq!(
                server.handshake(),
                Err(Error::Truncated),
                "after {room} octets"
            );
        }
        server.io.end();
        client.io.room = usize::MAX;
        assert_eq!(client.handshake(), Err(Error::Truncated));
    }
}

#[test]
fn a_close_in_the_handshake_does_not_hang() {
    for rounds in 0..2 {
        for room in [0, usize::MAX] {
            let (mut client, mut server) = pair(
                &client_config().build().unwrap(),
                &server_config().build().unwrap(),
            );
            for _ in 0..rounds {
                let _ = client.handshake().unwrap();
                let _ = server.handshake().unwrap();
            }
            client.io.room = room;
            for _ in 0..2 {
                assert_eq!(client.close(), Ok(Step::Ready(())));
            }
            assert_eq!(client.handshake(), Err(Error::Closed));
            assert_eq!(client.read(&mut [0]), Err(Error::Closed));
            assert_eq!(client.write(b"x"), Err(Error::Closed));
            client.io.end();
            assert_eq!(
                server.handshake(),
                Err(Error::Truncated),
                "{rounds} rounds, {room}"
            );
        }
    }
}
