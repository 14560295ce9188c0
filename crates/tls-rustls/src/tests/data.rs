//! Plaintext both ways.

use std::io::IoSlice;
use std::sync::Arc;

use rustls::crypto::{CipherSuiteCommon, aws_lc_rs};
use rustls::{SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite};
use tls_core::limits::{MAX_HELD_PLAINTEXT, MAX_RECORD_PLAINTEXT};
use tls_core::{
    Error, Interest, KernelTls, PeerMisbehaved, ProtocolVersion, Step, TlsBackend, TlsSession,
};

use super::pipe::pipe;
use super::pki::pki;
use super::{DONE, Side, VERSIONS, client, client_config, connected, server_config, shake};
use crate::session::Origin;
use crate::{Rustls, RustlsSession};

/// How many records of TLS a stream of bytes has.
fn records(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let [_, 3, 3, high, low, rest @ ..] = bytes {
        bytes = &rest[usize::from(u16::from_be_bytes([*high, *low]))..];
        count += 1;
    }
    assert!(bytes.is_empty(), "{bytes:02x?}");
    count
}

fn pattern(octets: usize) -> Vec<u8> {
    (0..octets).map(|n| (n % 251) as u8).collect()
}

#[test]
fn data_arrives_both_ways_whole_and_in_order() {
    for version in VERSIONS {
        for fitful in [false, true] {
            let (mut client, mut server) = connected(version);
            for side in [&mut client, &mut server] {
                if fitful {
                    side.io.most = 701;
                    side.io.fitful = true;
                }
            }
            carry(&mut client, &mut server);
            carry(&mut server, &mut client);
        }
    }
}

fn carry(from: &mut Side, to: &mut Side) {
    let data = pattern(50_000);
    let (mut sent, mut received) = (0, Vec::new());
    for _ in 0..10_000 {
        if let Step::Ready(accepted) = from.write(&data[sent..]).unwrap() {
            sent += accepted;
        }
        received.extend(to.read_all().unwrap());
        if received.len() == data.len() {
            break;
        }
    }
    assert!(received == data, "{} of {}", received.len(), data.len());
}

#[test]
fn a_blocked_write_keeps_a_few_records_at_most_and_loses_nothing() {
    for version in VERSIONS {
        let (mut client, mut server) = connected(version);
        let data = pattern(100_000);
        client.io.room = 40_000;
        let Ok(Step::Ready(first)) = client.write(&data) else {
            panic!("something fits");
        };
        assert!(first > 0 && first <= 40_000 + MAX_HELD_PLAINTEXT, "{first}");
        assert_eq!(client.session.interest(), Interest::READ | Interest::WRITE);
        assert_eq!(
            client.write(&data[first..]),
            Ok(Step::Blocked(Interest::WRITE))
        );
        assert_eq!(client.flush(), Ok(Step::Blocked(Interest::WRITE)));
        let mut received = server.read_all().unwrap();
        assert!(received.len() <= first);

        client.io.room = usize::MAX;
        assert_eq!(
            client.write(&data[first..]),
            Ok(Step::Ready(data.len() - first))
        );
        assert_eq!(client.flush(), Ok(Step::Ready(())));
        assert_eq!(client.session.interest(), Interest::READ);
        received.extend(server.read_all().unwrap());
        assert!(received == data);
    }
}

/// rustls itself bounds all other messages that are no data.
#[test]
fn a_peer_that_sends_nothing_but_tickets_gives_the_caller_a_turn() {
    let (near, far) = pipe();
    let mut client = client(&client_config().build().unwrap(), near);
    let identity = &pki().server;
    let mut config =
        rustls::ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain().to_vec(), identity.key().clone_key())
            .unwrap();
    config.send_tls13_tickets = 450;
    let connection = rustls::ServerConnection::new(config.into()).unwrap();
    let origin = Origin {
        sent_name: None,
        verifies: false,
        kernel_tls: KernelTls::default(),
        peers: Arc::default(),
    };
    let mut server = Side {
        session: RustlsSession::new(connection.into(), origin),
        io: far,
    };
    assert_eq!(shake(&mut client, &mut server), DONE);
    assert_eq!(server.write(b"behind"), Ok(Step::Ready(6)));
    let mut buf = [0; 6];
    let mut turns = 0;
    let received = loop {
        match client.read(&mut buf) {
            Ok(Step::Blocked(Interest::READ)) if client.session.pending() => turns += 1,
            result => break result,
        }
    };
    assert_eq!(received, Ok(Step::Ready(6)));
    assert_eq!(&buf, b"behind");
    assert!((1..20).contains(&turns), "{turns}");
}

#[test]
fn slices_are_gathered_into_as_few_records_as_they_take() {
    let (mut client, mut server) = connected(ProtocolVersion::Tls13);
    for (slice, count, expected) in [
        (1, 5, 1),
        (10, 100, 1),
        (3_000, 11, 3),
        (20_000, 2, 3),
        (0, 3, 0),
    ] {
        let whole = pattern(slice * count);
        let slices: Vec<_> = (0..count)
            .map(|n| IoSlice::new(&whole[n * slice..(n + 1) * slice]))
            .collect();
        let before = client.io.sent().len();
        let accepted = client.session.write(&mut client.io, &slices);
        assert_eq!(accepted, Ok(Step::Ready(whole.len())));
        let sent = client.io.sent();
        assert_eq!(
            records(&sent[before..]),
            expected,
            "{count} slices of {slice}"
        );
        assert!(server.read_all().unwrap() == whole);
    }
}

#[test]
fn plaintext_that_waits_is_told_and_needs_no_transport() {
    let (mut client, mut server) = connected(ProtocolVersion::Tls13);
    let _ = client.write(b"abcdef").unwrap();
    assert!(!server.session.pending());
    let mut buf = [0; 4];
    assert_eq!(server.read(&mut buf), Ok(Step::Ready(4)));
    assert!(server.session.pending());
    assert_eq!(server.read(&mut []), Ok(Step::Ready(0)));
    client.io.end();
    assert_eq!(server.read(&mut buf), Ok(Step::Ready(2)));
    assert!(!server.session.pending());
    assert_eq!(server.read(&mut buf), Err(Error::Truncated));
}

#[test]
fn data_that_comes_with_the_last_of_the_handshake_is_not_lost() {
    let (mut client, mut server) = super::pair(
        &client_config().build().unwrap(),
        &server_config().build().unwrap(),
    );
    let _ = client.handshake().unwrap();
    let _ = server.handshake().unwrap();
    assert_eq!(client.write(b"early bird"), Ok(Step::Ready(10)));
    assert_eq!(server.handshake(), Ok(Step::Ready(())));
    assert!(server.session.pending());
    assert_eq!(server.read_all().unwrap(), b"early bird");
}

#[test]
fn plaintext_is_delivered_before_the_fault_behind_it() {
    for version in VERSIONS {
        let (mut client, mut server) = connected(version);
        let _ = client.write(b"sound").unwrap();
        let _ = client.write(b"damaged").unwrap();
        server.io.damage();
        let mut buf = [0; 3];
        assert_eq!(server.read(&mut buf), Ok(Step::Ready(3)));
        assert!(server.session.pending());
        assert_eq!(server.read(&mut buf), Ok(Step::Ready(2)));
        assert!(server.session.pending(), "the error waits");
        let error = Err(Error::PeerMisbehaved(PeerMisbehaved::BadCryptography));
        for _ in 0..2 {
            assert_eq!(server.read(&mut buf), error);
            assert!(!server.session.pending());
        }
        assert_eq!(server.write(b"x"), error);
        assert_eq!(server.flush().map(|step| step.map(|()| 0)), error);
        assert_eq!(server.close().map(|step| step.map(|()| 0)), error);
        let alert = tls_core::Alert::BAD_RECORD_MAC;
        assert_eq!(client.read(&mut buf), Err(Error::AlertReceived(alert)));
    }
}

#[test]
fn a_fault_with_the_last_of_the_handshake_comes_behind_the_plaintext() {
    let (mut client, mut server) = super::pair(
        &client_config().build().unwrap(),
        &server_config().build().unwrap(),
    );
    let _ = client.handshake().unwrap();
    let _ = server.handshake().unwrap();
    let _ = client.write(b"sound").unwrap();
    let _ = client.write(b"damaged").unwrap();
    server.io.damage();
    let mut buf = [0; 9];
    assert_eq!(server.handshake(), Ok(Step::Ready(())));
    assert!(server.session.facts().is_some());
    assert_eq!(server.read(&mut buf), Ok(Step::Ready(5)));
    let error = Error::PeerMisbehaved(PeerMisbehaved::BadCryptography);
    assert_eq!(server.read(&mut buf), Err(error));
}

#[test]
fn keys_are_renewed_in_both_directions_at_once() {
    let (mut client, mut server) = connected(ProtocolVersion::Tls13);
    for round in 0..40 {
        let (near, far) = match round % 2 {
            0 => (&mut client, &mut server),
            _ => (&mut server, &mut client),
        };
        assert_eq!(near.session.key_update(&mut near.io), Ok(Step::Ready(())));
        let before = far.io.sent().len();
        assert_eq!(far.read(&mut [0]), Ok(Step::Blocked(Interest::READ)));
        assert_eq!(
            records(&far.io.sent()[before..]),
            1,
            "the read sends the answer"
        );
        exchange(near, far);
        exchange(far, near);
    }
}

fn exchange(from: &mut Side, to: &mut Side) {
    assert_eq!(from.write(b"ping"), Ok(Step::Ready(4)));
    assert_eq!(to.read_all().unwrap(), b"ping");
}

#[test]
fn a_key_update_right_behind_the_handshake_is_answered_too() {
    let (mut client, mut server) = super::pair(
        &client_config().build().unwrap(),
        &server_config().build().unwrap(),
    );
    let _ = client.handshake().unwrap();
    let _ = server.handshake().unwrap();
    let before = server.io.sent().len();
    assert_eq!(client.handshake(), Ok(Step::Ready(())));
    let _ = client.session.key_update(&mut client.io).unwrap();
    assert_eq!(server.handshake(), Ok(Step::Ready(())));
    assert_eq!(records(&server.io.sent()[before..]), 1);
    exchange(&mut server, &mut client);
    exchange(&mut client, &mut server);
}

#[test]
fn a_blocked_key_update_goes_on_and_is_sent_once() {
    let (mut client, mut server) = connected(ProtocolVersion::Tls13);
    let before = client.io.sent().len();
    client.io.room = 5;
    for _ in 0..3 {
        let step = client.session.key_update(&mut client.io);
        assert_eq!(step, Ok(Step::Blocked(Interest::WRITE)));
    }
    client.io.room = usize::MAX;
    assert_eq!(client.flush(), Ok(Step::Ready(())));
    assert_eq!(
        client.session.key_update(&mut client.io),
        Ok(Step::Ready(()))
    );
    assert_eq!(records(&client.io.sent()[before..]), 1);
    exchange(&mut client, &mut server);
    exchange(&mut server, &mut client);
}

#[test]
fn answers_to_key_updates_do_not_pile_up_when_the_peer_does_not_read() {
    let (mut client, mut server) = connected(ProtocolVersion::Tls13);
    server.io.room = 0;
    let before = server.io.sent().len();
    for _ in 0..100 {
        assert_eq!(
            client.session.key_update(&mut client.io),
            Ok(Step::Ready(()))
        );
        let _ = client.write(b"x").unwrap();
        assert_eq!(server.read_all().unwrap(), b"x");
        assert_eq!(server.session.interest(), Interest::READ | Interest::WRITE);
    }
    server.io.room = usize::MAX;
    assert_eq!(server.flush(), Ok(Step::Ready(())));
    let answers = records(&server.io.sent()[before..]);
    assert!((1..=2).contains(&answers), "{answers}");
    exchange(&mut server, &mut client);
    exchange(&mut client, &mut server);
}

#[test]
fn an_answer_goes_before_the_end_that_is_sent_behind_it() {
    let (mut client, mut server) = connected(ProtocolVersion::Tls13);
    server.io.room = 0;
    for _ in 0..2 {
        let _ = client.session.key_update(&mut client.io).unwrap();
        assert_eq!(server.read(&mut [0]), Ok(Step::Blocked(Interest::READ)));
    }
    assert_eq!(server.close(), Ok(Step::Blocked(Interest::WRITE)));
    server.io.room = usize::MAX;
    assert_eq!(server.close(), Ok(Step::Ready(())));
    assert_eq!(client.read(&mut [0]), Ok(Step::Ready(0)));
}

#[test]
fn tls12_has_no_key_update_and_goes_on() {
    let (mut client, mut server) = connected(ProtocolVersion::Tls12);
    let refused = client.session.key_update(&mut client.io);
    assert!(matches!(refused, Err(Error::Unsupported(_))), "{refused:?}");
    exchange(&mut client, &mut server);
}

/// aws-lc-rs with suites whose keys protect 23 records.
fn short_lived_keys() -> Rustls {
    const LIMIT: u64 = 23;
    let mut provider = aws_lc_rs::default_provider();
    for suite in &mut provider.cipher_suites {
        *suite = match *suite {
            SupportedCipherSuite::Tls12(of) => {
                SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                    common: CipherSuiteCommon {
                        confidentiality_limit: LIMIT,
                        ..of.common
                    },
                    ..*of
                })))
            }
            SupportedCipherSuite::Tls13(of) => {
                SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                    common: CipherSuiteCommon {
                        confidentiality_limit: LIMIT,
                        ..of.common
                    },
                    ..*of
                })))
            }
        };
    }
    Rustls::with_provider(Arc::new(provider))
}

#[test]
fn keys_that_wear_out_are_renewed_or_end_the_session_without_loss() {
    let backend = short_lived_keys();
    for version in VERSIONS {
        let client_config = client_config().max_version(version).build().unwrap();
        let context = backend.client(&client_config).unwrap();
        let name = tls_core::parse_server_name("localhost").unwrap();
        let (mut client, mut server) =
            super::pair(&client_config, &server_config().build().unwrap());
        client.session = backend.connect(&context, &name).unwrap();
        assert_eq!(shake(&mut client, &mut server), DONE);
        let data = pattern(2 * MAX_RECORD_PLAINTEXT);
        let mut accepted = 0;
        let mut received = 0;
        let ended = (0..100).find_map(|_| {
            let result = client.write(&data);
            if let Ok(step) = &result {
                accepted += step.ready().unwrap();
                received += server.read_all().unwrap().len();
            }
            result.err()
        });
        received += server.read_all().unwrap().len();
        assert_eq!(received, accepted);
        match version {
            ProtocolVersion::Tls13 => assert_eq!(ended, None),
            _ => assert!(matches!(ended, Some(Error::Backend(_))), "{ended:?}"),
        }
    }
}
