use std::io::{ErrorKind, IoSlice};
use std::sync::{Arc, Mutex};

use boring::symm::{Cipher, encrypt_aead};
use rcgen::KeyPair;
use tls_core::limits::MAX_HELD_PLAINTEXT;
use tls_core::{
    Alert, Capabilities, CertificateError, CipherSuite, ClientAuth, ClientConfig, Error, Interest,
    KeyLog, NamedGroup, PeerIncompatible, PeerMisbehaved, ProtocolVersion, ServerConfig,
    ServerConfigBuilder, SignatureScheme, Step, TlsBackend, TlsSession, parse_server_name,
};

use crate::testing::{
    Authority, End, NAME, Pair, assert_clean, meet, raw_server, serving, trusting, wire,
};
use crate::{Boring, BoringSession, ffi};

const VERSIONS: [ProtocolVersion; 2] = [ProtocolVersion::Tls12, ProtocolVersion::Tls13];

fn write(session: &mut BoringSession, end: &mut End, data: &[u8]) -> usize {
    let step = session.write(end, &[IoSlice::new(data)]).unwrap();
    assert_clean();
    step.ready().unwrap()
}

fn read(session: &mut BoringSession, end: &mut End) -> Vec<u8> {
    let mut buf = [0; 20_000];
    let step = session.read(end, &mut buf).unwrap();
    assert_clean();
    buf[..step.ready().unwrap()].to_vec()
}

#[test]
fn data_goes_both_ways_in_each_version() {
    for version in VERSIONS {
        let authority = Authority::new();
        let mut pair = Pair::new(
            trusting(&authority)
                .min_version(version)
                .max_version(version),
            serving(&authority),
        );
        pair.connect();
        assert_eq!(write(&mut pair.client, &mut pair.client_end, b"ping"), 4);
        assert_eq!(read(&mut pair.server, &mut pair.server_end), b"ping");
        assert_eq!(write(&mut pair.server, &mut pair.server_end, b"pong"), 4);
        assert_eq!(read(&mut pair.client, &mut pair.client_end), b"pong");
        let mut buf = [0; 1];
        assert_eq!(
            pair.client.read(&mut pair.client_end, &mut buf),
            Ok(Step::Blocked(Interest::READ))
        );
        assert!(!pair.client.pending());
    }
}

#[test]
fn facts_are_the_same_on_both_sides_in_each_version() {
    for version in VERSIONS {
        let authority = Authority::new();
        let server_identity = authority.leaf();
        let client_identity = authority.leaf();
        let mut pair = Pair::new(
            trusting(&authority)
                .min_version(version)
                .max_version(version)
                .groups([NamedGroup::X25519, NamedGroup::Secp256r1])
                .identity(client_identity.clone())
                .alpn(["http/1.1", "h2"]),
            ServerConfigBuilder::clone(&serving(&authority))
                .identity(server_identity.clone())
                .client_auth(ClientAuth::Required(authority.roots()))
                .alpn(["h2", "http/1.1"]),
        );
        assert_eq!(pair.client.facts(), None);
        pair.connect();
        let suite = match version {
            ProtocolVersion::Tls13 => CipherSuite::TLS_AES_128_GCM_SHA256,
            _ => CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        };
        for (session, peer) in [
            (&pair.client, &server_identity),
            (&pair.server, &client_identity),
        ] {
            let facts = session.facts().unwrap();
            assert_eq!(facts.version, Some(version));
            assert_eq!(facts.cipher_suite, Some(suite));
            assert_eq!(facts.group, Some(NamedGroup::X25519));
            assert_eq!(
                facts.peer_signature_scheme,
                Some(SignatureScheme::EcdsaSecp256r1Sha256)
            );
            assert_eq!(facts.alpn.as_deref(), Some(&b"h2"[..]));
            assert_eq!(facts.server_name.as_deref(), Some(NAME));
            assert_eq!(facts.peer_certificates, peer.chain());
            assert!(facts.peer_verified);
        }
    }
}

#[test]
fn the_whole_chain_is_told_in_the_order_sent() {
    for version in VERSIONS {
        let authority = Authority::new();
        let identity = authority.intermediate(|_| {}).leaf();
        let mut pair = Pair::new(
            trusting(&authority)
                .max_version(version)
                .identity(identity.clone()),
            serving(&authority)
                .identity(identity.clone())
                .client_auth(ClientAuth::Optional(authority.roots())),
        );
        pair.connect();
        for session in [&pair.client, &pair.server] {
            assert_eq!(session.facts().unwrap().peer_certificates, identity.chain());
        }
    }
}

#[test]
fn every_group_that_is_promised_is_told() {
    for version in VERSIONS {
        for &group in &Boring::new().info().groups {
            if group.is_post_quantum() && version == ProtocolVersion::Tls12 {
                continue;
            }
            let authority = Authority::new();
            // The curve of the certificate has to be there too in TLS 1.2.
            let mut groups = vec![group];
            if group != NamedGroup::Secp256r1 {
                groups.push(NamedGroup::Secp256r1);
            }
            let mut pair = Pair::new(
                trusting(&authority)
                    .min_version(version)
                    .max_version(version)
                    .groups(groups.clone()),
                serving(&authority).groups(groups),
            );
            pair.connect();
            assert_eq!(pair.client.facts().unwrap().group, Some(group), "{version}");
            assert_eq!(pair.server.facts().unwrap().group, Some(group), "{version}");
        }
    }
}

#[test]
fn one_byte_at_a_time_is_enough() {
    for version in VERSIONS {
        let authority = Authority::new();
        let mut pair = Pair::new(
            trusting(&authority).max_version(version),
            serving(&authority),
        );
        pair.client_end.most = 1;
        pair.server_end.most = 1;
        pair.connect();
        assert_eq!(write(&mut pair.client, &mut pair.client_end, b"ping"), 4);
        assert!(!pair.client.interest().contains(Interest::WRITE));
        assert_eq!(read(&mut pair.server, &mut pair.server_end), b"ping");
    }
}

#[test]
fn a_handshake_is_ready_only_when_its_last_flight_has_left() {
    let authority = Authority::new();
    let mut pair = Pair::new(trusting(&authority), serving(&authority));
    let _ = pair.client.handshake(&mut pair.client_end).unwrap();
    let _ = pair.server.handshake(&mut pair.server_end).unwrap();
    pair.client_end.room = 10;
    for _ in 0..3 {
        assert_eq!(
            pair.client.handshake(&mut pair.client_end),
            Ok(Step::Blocked(Interest::WRITE))
        );
        assert_eq!(pair.client.interest(), Interest::WRITE);
        assert_eq!(pair.client.facts(), None);
    }
    pair.client_end.room = usize::MAX;
    pair.connect();
    assert_eq!(pair.client.interest(), Interest::READ);
    assert!(pair.client.facts().is_some());
}

#[test]
fn what_a_blocked_write_accepted_is_delivered_once() {
    let mut pair = Pair::connected();
    let data: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
    let mut sent = 0;
    let mut received = Vec::new();
    while received.len() < data.len() {
        pair.client_end.room = 1000;
        if sent < data.len() {
            let pieces = [IoSlice::new(&data[sent..]), IoSlice::new(&[])];
            match pair.client.write(&mut pair.client_end, &pieces).unwrap() {
                Step::Ready(accepted) => {
                    assert!((1..=MAX_HELD_PLAINTEXT).contains(&accepted), "{accepted}");
                    sent += accepted;
                }
                Step::Blocked(interest) => {
                    assert_eq!(interest, Interest::WRITE);
                    assert_eq!(pair.client.interest(), Interest::READ | Interest::WRITE);
                }
            }
        } else {
            let _ = pair.client.flush(&mut pair.client_end).unwrap();
        }
        let mut buf = [0; 5000];
        if let Step::Ready(taken) = pair.server.read(&mut pair.server_end, &mut buf).unwrap() {
            received.extend_from_slice(&buf[..taken]);
        }
    }
    assert_eq!(received, data);
    assert_eq!(pair.client.flush(&mut pair.client_end), Ok(Step::Ready(())));
    assert_eq!(pair.client.interest(), Interest::READ);
}

#[test]
fn several_small_pieces_become_one_record() {
    let mut pair = Pair::connected();
    let pieces = [b"ab".as_slice(), b"", b"cd", b"e"].map(IoSlice::new);
    assert_eq!(
        pair.client.write(&mut pair.client_end, &pieces),
        Ok(Step::Ready(5))
    );
    // A header, the text, the inner content type and the tag.
    assert_eq!(pair.server_end.waiting(), 5 + 5 + 1 + 16);
    assert_eq!(read(&mut pair.server, &mut pair.server_end), b"abcde");
    assert_eq!(
        pair.client.write(&mut pair.client_end, &[]),
        Ok(Step::Ready(0))
    );
}

#[test]
fn pending_tells_of_what_was_read_ahead() {
    let mut pair = Pair::connected();
    write(&mut pair.client, &mut pair.client_end, b"one");
    write(&mut pair.client, &mut pair.client_end, b"two");
    assert!(!pair.server.pending(), "nothing was read yet");
    let mut buf = [0; 1];
    assert_eq!(
        pair.server.read(&mut pair.server_end, &mut buf),
        Ok(Step::Ready(1))
    );
    assert_eq!(pair.server_end.waiting(), 0, "all was read ahead");
    assert!(pair.server.pending());
    assert_eq!(read(&mut pair.server, &mut pair.server_end), b"ne");
    assert!(pair.server.pending());
    assert_eq!(read(&mut pair.server, &mut pair.server_end), b"two");
    assert!(!pair.server.pending());
}

#[test]
fn half_a_record_is_not_pending() {
    let mut pair = Pair::connected();
    write(&mut pair.client, &mut pair.client_end, b"whole");
    let mut kept = Default::default();
    pair.server_end.tamper(|bytes| kept = bytes.split_off(7));
    let mut buf = [0; 10];
    assert_eq!(
        pair.server.read(&mut pair.server_end, &mut buf),
        Ok(Step::Blocked(Interest::READ))
    );
    assert!(!pair.server.pending(), "a loop would spin");
    pair.server_end.tamper(|bytes| bytes.append(&mut kept));
    assert_eq!(read(&mut pair.server, &mut pair.server_end), b"whole");
}

#[test]
fn keys_are_renewed_and_data_goes_on() {
    let mut pair = Pair::connected();
    for _ in 0..3 {
        assert_eq!(
            pair.client.key_update(&mut pair.client_end),
            Ok(Step::Ready(()))
        );
        assert_clean();
        write(&mut pair.client, &mut pair.client_end, b"ping");
        assert_eq!(read(&mut pair.server, &mut pair.server_end), b"ping");
        assert_eq!(
            pair.client_end.waiting(),
            5 + 5 + 1 + 16,
            "the read has answered in kind"
        );
        write(&mut pair.server, &mut pair.server_end, b"pong");
        assert_eq!(read(&mut pair.client, &mut pair.client_end), b"pong");
    }
}

#[test]
fn a_blocked_key_update_goes_on_and_is_not_repeated() {
    let mut pair = Pair::connected();
    pair.client_end.room = 3;
    for _ in 0..2 {
        assert_eq!(
            pair.client.key_update(&mut pair.client_end),
            Ok(Step::Blocked(Interest::WRITE))
        );
    }
    pair.client_end.room = usize::MAX;
    assert_eq!(
        pair.client.key_update(&mut pair.client_end),
        Ok(Step::Ready(()))
    );
    assert_eq!(pair.server_end.waiting(), 5 + 4 + 1 + 1 + 16, "one message");
}

#[test]
fn a_key_update_is_refused_in_tls_1_2_and_the_session_goes_on() {
    let authority = Authority::new();
    let mut pair = Pair::new(
        trusting(&authority).max_version(ProtocolVersion::Tls12),
        serving(&authority),
    );
    assert!(matches!(
        pair.client.key_update(&mut pair.client_end),
        Err(Error::Config(_))
    ));
    pair.connect();
    let refused = pair.client.key_update(&mut pair.client_end).unwrap_err();
    assert!(
        matches!(refused, Error::Unsupported(refused) if refused.capability == Capabilities::KEY_UPDATE)
    );
    assert_clean();
    write(&mut pair.client, &mut pair.client_end, b"ping");
    assert_eq!(read(&mut pair.server, &mut pair.server_end), b"ping");
}

#[test]
fn key_updates_without_data_between_them_are_refused_after_some() {
    let mut pair = Pair::connected();
    for _ in 0..32 {
        let _ = pair.client.key_update(&mut pair.client_end).unwrap();
    }
    let mut buf = [0; 10];
    assert_eq!(
        pair.server.read(&mut pair.server_end, &mut buf),
        Ok(Step::Blocked(Interest::READ))
    );
    let _ = pair.client.key_update(&mut pair.client_end).unwrap();
    assert_eq!(
        pair.server.read(&mut pair.server_end, &mut buf),
        Err(PeerMisbehaved::UnexpectedMessage.into())
    );
    assert_clean();
}

#[test]
fn a_request_is_not_lost_behind_an_answer_that_waits() {
    let mut pair = Pair::connected();
    // What the server owes waits behind what its transport does not take.
    pair.server_end.room = 3;
    write(&mut pair.server, &mut pair.server_end, b"data");
    let _ = pair.client.key_update(&mut pair.client_end).unwrap();
    assert_eq!(
        pair.server.read(&mut pair.server_end, &mut [0; 10]),
        Ok(Step::Blocked(Interest::READ))
    );
    pair.server_end.room = usize::MAX;
    assert_eq!(
        pair.server.key_update(&mut pair.server_end),
        Ok(Step::Ready(()))
    );
    assert_eq!(read(&mut pair.client, &mut pair.client_end), b"data");
    assert_eq!(
        pair.client.read(&mut pair.client_end, &mut [0; 10]),
        Ok(Step::Blocked(Interest::READ))
    );
    let key_update = 5 + 4 + 1 + 1 + 16;
    assert_eq!(pair.server_end.waiting(), key_update, "the client's answer");
}

#[test]
fn close_ends_one_direction_and_reading_goes_on() {
    for version in VERSIONS {
        let authority = Authority::new();
        let mut pair = Pair::new(
            trusting(&authority).max_version(version),
            serving(&authority),
        );
        pair.connect();
        write(&mut pair.client, &mut pair.client_end, b"last");
        for _ in 0..2 {
            assert_eq!(pair.client.close(&mut pair.client_end), Ok(Step::Ready(())));
            assert_clean();
        }
        let more = pair
            .client
            .write(&mut pair.client_end, &[IoSlice::new(b"x")]);
        assert_eq!(more, Err(Error::Closed));
        assert_eq!(read(&mut pair.server, &mut pair.server_end), b"last");
        for _ in 0..2 {
            assert_eq!(read(&mut pair.server, &mut pair.server_end), b"");
        }
        write(&mut pair.server, &mut pair.server_end, b"answer");
        assert_eq!(pair.server.close(&mut pair.server_end), Ok(Step::Ready(())));
        assert_eq!(read(&mut pair.client, &mut pair.client_end), b"answer");
        assert_eq!(read(&mut pair.client, &mut pair.client_end), b"");
    }
}

#[test]
fn close_waits_behind_what_is_staged() {
    let mut pair = Pair::connected();
    pair.client_end.room = 5;
    write(&mut pair.client, &mut pair.client_end, b"data");
    for _ in 0..2 {
        assert_eq!(
            pair.client.close(&mut pair.client_end),
            Ok(Step::Blocked(Interest::WRITE))
        );
    }
    pair.client_end.room = usize::MAX;
    assert_eq!(pair.client.close(&mut pair.client_end), Ok(Step::Ready(())));
    assert_eq!(read(&mut pair.server, &mut pair.server_end), b"data");
    assert_eq!(read(&mut pair.server, &mut pair.server_end), b"");
}

#[test]
fn close_in_the_middle_of_a_handshake_does_not_wait() {
    let authority = Authority::new();
    let mut pair = Pair::new(trusting(&authority), serving(&authority));
    let _ = pair.client.handshake(&mut pair.client_end).unwrap();
    assert_eq!(pair.client.close(&mut pair.client_end), Ok(Step::Ready(())));
    assert_eq!(
        pair.client.handshake(&mut pair.client_end),
        Err(Error::Closed)
    );
    assert_clean();
}

#[test]
fn an_end_without_close_notify_is_truncation() {
    for version in VERSIONS {
        let authority = Authority::new();
        let mut pair = Pair::new(
            trusting(&authority).max_version(version),
            serving(&authority),
        );
        pair.connect();
        write(&mut pair.client, &mut pair.client_end, b"data");
        pair.client_end.end();
        assert_eq!(read(&mut pair.server, &mut pair.server_end), b"data");
        for _ in 0..2 {
            assert_eq!(
                pair.server.read(&mut pair.server_end, &mut [0; 10]),
                Err(Error::Truncated)
            );
            assert_clean();
        }
    }
}

#[test]
fn an_end_in_the_middle_of_a_handshake_or_record_is_truncation() {
    let authority = Authority::new();
    let mut pair = Pair::new(trusting(&authority), serving(&authority));
    let _ = pair.client.handshake(&mut pair.client_end).unwrap();
    pair.client_end.end();
    pair.server_end.tamper(|bytes| bytes.truncate(20));
    assert_eq!(
        pair.server.handshake(&mut pair.server_end),
        Err(Error::Truncated)
    );
    pair.server_end.end();
    assert_eq!(
        pair.client.handshake(&mut pair.client_end),
        Err(Error::Truncated)
    );
    let mut pair = Pair::connected();
    write(&mut pair.client, &mut pair.client_end, b"data");
    pair.client_end.end();
    pair.server_end.tamper(|bytes| bytes.truncate(9));
    assert_eq!(
        pair.server.read(&mut pair.server_end, &mut [0; 10]),
        Err(Error::Truncated)
    );
    assert_clean();
}

#[test]
fn a_damaged_record_ends_the_session_for_good_and_is_told_to_the_peer() {
    for version in VERSIONS {
        let authority = Authority::new();
        let mut pair = Pair::new(
            trusting(&authority).max_version(version),
            serving(&authority),
        );
        pair.connect();
        write(&mut pair.client, &mut pair.client_end, b"good");
        write(&mut pair.client, &mut pair.client_end, b"damaged");
        pair.server_end
            .tamper(|bytes| *bytes.back_mut().unwrap() ^= 1);
        assert_eq!(read(&mut pair.server, &mut pair.server_end), b"good");
        let wrong = Err(PeerMisbehaved::BadCryptography.into());
        for _ in 0..2 {
            let step = pair.server.read(&mut pair.server_end, &mut [0; 10]);
            assert_eq!(step, wrong);
            assert_clean();
        }
        let step = pair
            .server
            .write(&mut pair.server_end, &[IoSlice::new(b"x")]);
        assert_eq!(step, wrong);
        assert_eq!(
            pair.client.read(&mut pair.client_end, &mut [0; 10]),
            Err(Error::AlertReceived(Alert::BAD_RECORD_MAC))
        );
    }
}

#[test]
fn the_transports_own_error_is_returned() {
    let mut pair = Pair::connected();
    pair.client_end.write_fault = Some(ErrorKind::BrokenPipe);
    for _ in 0..2 {
        let error = pair
            .client
            .write(&mut pair.client_end, &[IoSlice::new(b"x")])
            .unwrap_err();
        assert!(matches!(error, Error::Io(error) if error.kind() == ErrorKind::BrokenPipe));
        assert_clean();
    }
    // A kind that the library's stream takes for "not yet".
    let authority = Authority::new();
    let mut pair = Pair::new(trusting(&authority), serving(&authority));
    pair.client_end.write_fault = Some(ErrorKind::NotConnected);
    let error = pair.client.handshake(&mut pair.client_end).unwrap_err();
    assert!(matches!(error, Error::Io(error) if error.kind() == ErrorKind::NotConnected));
}

#[test]
fn another_protocol_is_told_from_tls_in_both_roles() {
    let bytes: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\nHost: server.example\r\n\r\n",
        b"CONNECT server.example:443 HTTP/1.1\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"220 mail.example ESMTP ready\r\n",
        &[0; 64],
    ];
    for hello in bytes {
        let authority = Authority::new();
        let mut pair = Pair::new(trusting(&authority), serving(&authority));
        pair.server_end.tamper(|wire| wire.extend(hello));
        pair.client_end.tamper(|wire| wire.extend(hello));
        let not_tls = Err(PeerMisbehaved::NotTls.into());
        let shown = hello.escape_ascii();
        assert_eq!(
            pair.server.handshake(&mut pair.server_end),
            not_tls,
            "server: {shown}"
        );
        pair.client_end.tamper(|wire| wire.truncate(hello.len()));
        assert_eq!(
            pair.client.handshake(&mut pair.client_end),
            not_tls,
            "client: {shown}"
        );
        assert_clean();
    }
}

#[test]
fn what_the_two_sides_do_not_share_is_named_by_the_side_that_finds_out() {
    use ProtocolVersion::{Tls12, Tls13};
    let authority = Authority::new();
    let client = || trusting(&authority);
    let server = || serving(&authority);
    let in_12 = || client().max_version(Tls12);
    let aes = CipherSuite::TLS_AES_128_GCM_SHA256;
    let chacha = CipherSuite::TLS_CHACHA20_POLY1305_SHA256;
    let old_aes = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    let old_rsa = CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
    let p256 = NamedGroup::Secp256r1;
    let p384 = NamedGroup::Secp384r1;
    let cases = [
        (
            client().min_version(Tls13),
            server().max_version(Tls12),
            PeerIncompatible::NoCommonVersion,
            Alert::PROTOCOL_VERSION,
        ),
        (
            in_12(),
            server().min_version(Tls13),
            PeerIncompatible::NoCommonVersion,
            Alert::PROTOCOL_VERSION,
        ),
        (
            client().min_version(Tls13).cipher_suites([aes]),
            server().min_version(Tls13).cipher_suites([chacha]),
            PeerIncompatible::NoCommonCipherSuite,
            Alert::HANDSHAKE_FAILURE,
        ),
        (
            in_12().cipher_suites([old_aes]),
            server().cipher_suites([aes, CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]),
            PeerIncompatible::NoCommonCipherSuite,
            Alert::HANDSHAKE_FAILURE,
        ),
        (
            in_12().cipher_suites([old_rsa]),
            server(),
            PeerIncompatible::NoCommonCipherSuite,
            Alert::HANDSHAKE_FAILURE,
        ),
        (
            client().min_version(Tls13).groups([p256]),
            server().groups([p384]),
            PeerIncompatible::NoCommonGroup,
            Alert::HANDSHAKE_FAILURE,
        ),
        (
            in_12().groups([p256]),
            server().groups([p384]),
            PeerIncompatible::NoCommonGroup,
            Alert::HANDSHAKE_FAILURE,
        ),
        (
            client()
                .min_version(Tls13)
                .signature_schemes([SignatureScheme::RsaPssRsaeSha256]),
            server(),
            PeerIncompatible::NoCommonSignatureScheme,
            Alert::HANDSHAKE_FAILURE,
        ),
        (
            in_12().signature_schemes([SignatureScheme::EcdsaSecp384r1Sha384]),
            server().signature_schemes([SignatureScheme::EcdsaSecp256r1Sha256]),
            PeerIncompatible::NoCommonSignatureScheme,
            Alert::HANDSHAKE_FAILURE,
        ),
        (
            // The name of a scheme names the curve, in TLS 1.2 as well.
            in_12().signature_schemes([SignatureScheme::EcdsaSecp384r1Sha384]),
            server(),
            PeerIncompatible::NoCommonSignatureScheme,
            Alert::HANDSHAKE_FAILURE,
        ),
        (
            client().alpn(["h2"]),
            server().alpn(["http/1.1"]),
            PeerIncompatible::NoCommonAlpn,
            Alert::NO_APPLICATION_PROTOCOL,
        ),
    ];
    for (index, (client, server, expected, alert)) in cases.into_iter().enumerate() {
        let (client, server) = Pair::new(client, server).errors();
        assert_eq!(server, expected.into(), "case {index}");
        assert_eq!(client, Error::AlertReceived(alert), "case {index}");
    }
}

#[test]
fn a_client_without_the_certificate_that_is_demanded_is_refused() {
    for (version, alert) in [
        (ProtocolVersion::Tls12, Alert::HANDSHAKE_FAILURE),
        (ProtocolVersion::Tls13, Alert::CERTIFICATE_REQUIRED),
    ] {
        let authority = Authority::new();
        let server = serving(&authority).client_auth(ClientAuth::Required(authority.roots()));
        let client = trusting(&authority).max_version(version);
        let (client, server) = Pair::new(client, server).errors();
        assert_eq!(server, CertificateError::Missing.into());
        assert_eq!(client, Error::AlertReceived(alert));
    }
}

#[test]
fn a_client_without_the_certificate_that_is_asked_for_goes_on() {
    let authority = Authority::new();
    let server = serving(&authority).client_auth(ClientAuth::Optional(authority.roots()));
    let mut pair = Pair::new(trusting(&authority), server);
    pair.connect();
    let facts = pair.server.facts().unwrap();
    assert!(!facts.peer_verified);
    assert!(facts.peer_certificates.is_empty());
    assert_eq!(facts.peer_signature_scheme, None);
}

#[test]
fn the_name_is_not_sent_when_it_is_an_address_or_sni_is_off() {
    let authority = Authority::new();
    let mut by_address = Pair::to("192.0.2.1", trusting(&authority), serving(&authority));
    by_address.connect();
    let mut silent = Pair::new(trusting(&authority).sni(false), serving(&authority));
    silent.connect();
    for pair in [by_address, silent] {
        assert_eq!(pair.client.facts().unwrap().server_name, None);
        assert_eq!(pair.server.facts().unwrap().server_name, None);
        assert!(pair.client.facts().unwrap().peer_verified);
    }
}

#[test]
fn alpn_on_one_side_alone_negotiates_nothing() {
    let authority = Authority::new();
    for (client, server) in [
        (trusting(&authority).alpn(["h2"]), serving(&authority)),
        (trusting(&authority), serving(&authority).alpn(["h2"])),
    ] {
        let mut pair = Pair::new(client, server);
        pair.connect();
        assert_eq!(pair.client.facts().unwrap().alpn, None);
        assert_eq!(pair.server.facts().unwrap().alpn, None);
    }
}

#[test]
fn both_sides_export_the_same_keying_material() {
    for version in VERSIONS {
        let authority = Authority::new();
        let mut pair = Pair::new(
            trusting(&authority).max_version(version),
            serving(&authority),
        );
        let mut early = [0; 32];
        assert!(matches!(
            pair.client
                .export_keying_material(&mut early, "EXPERIMENTAL", None),
            Err(Error::Config(_))
        ));
        pair.connect();
        let export = |session: &BoringSession, context| {
            let mut out = [0; 32];
            session
                .export_keying_material(&mut out, "EXPERIMENTAL", context)
                .unwrap();
            assert_clean();
            out
        };
        let absent = export(&pair.client, None);
        assert_eq!(absent, export(&pair.server, None));
        let empty = export(&pair.client, Some(b""));
        assert_eq!(absent == empty, version == ProtocolVersion::Tls13);
        assert_ne!(absent, export(&pair.client, Some(b"context")));
    }
}

#[derive(Debug, Default)]
struct Lines(Mutex<Vec<String>>);

impl KeyLog for Lines {
    fn log(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
        panic!("a key log must not end the process");
    }
}

#[test]
fn secrets_are_logged_and_a_panic_there_is_contained() {
    for (version, label) in [
        (ProtocolVersion::Tls12, "CLIENT_RANDOM "),
        (ProtocolVersion::Tls13, "CLIENT_TRAFFIC_SECRET_0 "),
    ] {
        let authority = Authority::new();
        let log = Arc::new(Lines::default());
        let client = trusting(&authority)
            .max_version(version)
            .key_log(Arc::clone(&log) as Arc<dyn KeyLog>);
        let mut pair = Pair::new(client, serving(&authority));
        pair.connect();
        let lines = log
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        assert!(
            lines.iter().any(|line| line.starts_with(label)),
            "{lines:?}"
        );
        assert!(lines.iter().all(|line| !line.ends_with('\n')));
    }
}

#[test]
fn a_session_moves_to_another_thread() {
    let mut pair = Pair::connected();
    write(&mut pair.client, &mut pair.client_end, b"ping");
    let mut bytes = Vec::new();
    pair.server_end.tamper(|wire| bytes.extend(wire.drain(..)));
    let mut server = pair.server;
    let data = std::thread::spawn(move || {
        let (mut end, _other) = wire();
        end.tamper(|wire| wire.extend(bytes));
        read(&mut server, &mut end)
    });
    assert_eq!(data.join().unwrap(), b"ping");
}

#[test]
fn an_error_of_other_code_is_not_taken_for_ours() {
    let mut pair = Pair::connected();
    let litter = || {
        boring::x509::X509::from_der(b"no certificate")
            .unwrap_err()
            .put();
    };
    litter();
    assert_eq!(
        pair.client.read(&mut pair.client_end, &mut [0]),
        Ok(Step::Blocked(Interest::READ))
    );
    assert_clean();
    for _ in 0..3 {
        let renewed = pair.client.key_update(&mut pair.client_end);
        assert_eq!(renewed, Ok(Step::Ready(())));
    }
    write(&mut pair.client, &mut pair.client_end, b"data");
    litter();
    assert_eq!(read(&mut pair.server, &mut pair.server_end), b"data");
    write(&mut pair.client, &mut pair.client_end, b"more");
    pair.server_end
        .tamper(|bytes| *bytes.back_mut().unwrap() ^= 1);
    litter();
    assert_eq!(
        pair.server.read(&mut pair.server_end, &mut [0]),
        Err(PeerMisbehaved::BadCryptography.into())
    );
    assert_clean();
}

#[test]
fn every_setting_of_verification_that_accepts_all_still_checks_the_handshake() {
    let authority = Authority::new();
    let mut pair = Pair::new(
        ClientConfig::builder().danger().accept_any_certificate(),
        serving(&authority),
    );
    pair.connect();
    let facts = pair.client.facts().unwrap();
    assert!(!facts.peer_verified);
    assert_eq!(facts.peer_certificates.len(), 1);
    assert!(facts.peer_signature_scheme.is_some());
}

#[test]
fn a_server_that_picks_a_protocol_nobody_offered_is_refused() {
    let authority = Authority::new();
    let (mut end, mut server) = raw_server(&authority.leaf(), |builder| {
        builder.set_alpn_select_callback(|_, _| Ok(b"spdy/3"));
    });
    let client = trusting(&authority).alpn(["h2"]);
    let (_, outcome) = meet(client, &mut end, &mut server);
    assert!(
        matches!(outcome, Err(Error::PeerMisbehaved(_))),
        "{outcome:?}"
    );
}

#[test]
fn a_record_of_a_type_that_does_not_exist_is_refused_for_that() {
    for version in VERSIONS {
        let authority = Authority::new();
        let mut pair = Pair::new(
            trusting(&authority).max_version(version),
            serving(&authority),
        );
        pair.connect();
        write(&mut pair.client, &mut pair.client_end, b"good");
        pair.server_end
            .tamper(|wire| wire.extend([99, 3, 3, 0, 1, 0]));
        assert_eq!(read(&mut pair.server, &mut pair.server_end), b"good");
        assert_eq!(
            pair.server.read(&mut pair.server_end, &mut [0; 10]),
            Err(PeerMisbehaved::UnexpectedMessage.into())
        );
        assert_eq!(
            pair.client.read(&mut pair.client_end, &mut [0; 10]),
            Err(Error::AlertReceived(Alert::UNEXPECTED_MESSAGE))
        );
        assert_clean();
    }
}

#[test]
fn what_a_client_says_in_the_clear_before_it_has_keys_is_heard() {
    for (alert, expected) in [
        ([2, 49], Error::AlertReceived(Alert::ACCESS_DENIED)),
        ([1, 0], Error::Truncated),
    ] {
        let authority = Authority::new();
        let mut pair = Pair::new(trusting(&authority), serving(&authority));
        let _ = pair.client.handshake(&mut pair.client_end).unwrap();
        let _ = pair.server.handshake(&mut pair.server_end).unwrap();
        pair.server_end.tamper(|wire| {
            wire.extend([21, 3, 3, 0, 2]);
            wire.extend(alert);
        });
        assert_eq!(pair.server.handshake(&mut pair.server_end), Err(expected));
        assert_clean();
    }
}

/// Makes records of a server of TLS 1.3 that the library does not make.
struct Forge {
    key: [u8; 16],
    iv: [u8; 12],
    sequence: u64,
}

impl Forge {
    /// In the library's place, which has sent so many records, with the secret
    /// of its suite TLS_AES_128_GCM_SHA256.
    fn new(secret: &[u8], sequence: u64) -> Self {
        Self {
            key: expand(secret, "tls13 key"),
            iv: expand(secret, "tls13 iv"),
            sequence,
        }
    }

    /// A protected record (RFC 8446, section 5.2).
    fn record(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut nonce = self.iv;
        for (octet, sequence) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *octet ^= sequence;
        }
        self.sequence += 1;
        let [high, low] = (content.len() as u16 + 17).to_be_bytes();
        let header = [23, 3, 3, high, low];
        let inner = [content, &[kind]].concat();
        let mut tag = [0; 16];
        let cipher = Cipher::aes_128_gcm();
        let sealed = encrypt_aead(cipher, &self.key, Some(&nonce), &header, &inner, &mut tag);
        [&header[..], &sealed.unwrap(), &tag].concat()
    }
}

/// HKDF-Expand-Label without a context (RFC 8446, section 7.1).
fn expand<const OCTETS: usize>(secret: &[u8], label: &str) -> [u8; OCTETS] {
    let info = [
        &[0, OCTETS as u8, label.len() as u8][..],
        label.as_bytes(),
        &[0, 1],
    ];
    let block = boring::hash::hmac_sha256(secret, &info.concat()).unwrap();
    block[..OCTETS].try_into().unwrap()
}

#[test]
fn a_flood_of_tickets_does_not_hold_a_read() {
    let authority = Authority::new();
    let secret = Arc::new(Mutex::new(Vec::new()));
    let (mut end, mut server) = raw_server(&authority.leaf(), |builder| {
        let secret = Arc::clone(&secret);
        builder.set_keylog_callback(move |_, line| {
            let mut words = line.split(' ');
            if words.next() == Some("SERVER_TRAFFIC_SECRET_0") {
                let hex = words.nth(1).unwrap().as_bytes().chunks(2);
                let octet = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
                *secret.lock().unwrap() = hex.map(octet).collect();
            }
        });
    });
    let client = trusting(&authority)
        .min_version(ProtocolVersion::Tls13)
        .cipher_suites([CipherSuite::TLS_AES_128_GCM_SHA256]);
    let (mut client, _) = meet(client, &mut end, &mut server);
    let secret = secret.lock().unwrap().clone();
    let mut forge = Forge::new(&secret, ffi::write_sequence(server.ssl()));
    // The type, the length, the lifetime, the age's mask, a nonce, a ticket
    // and no extensions.
    let ticket = [4, 0, 0, 15, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 9, 0, 0];
    let mut wire = Vec::new();
    for _ in 0..10_000 {
        wire.extend(forge.record(22, &ticket));
    }
    wire.extend(forge.record(23, b"data"));
    end.tamper(|bytes| bytes.extend(wire));
    let mut buf = [0; 10];
    let mut calls = 0;
    let taken = loop {
        calls += 1;
        match client.read(&mut end, &mut buf).unwrap() {
            Step::Ready(taken) => break taken,
            Step::Blocked(interest) => assert_eq!(interest, Interest::READ),
        }
        assert_clean();
        assert!(client.pending(), "a loop has to know that there is more");
    };
    assert_eq!(&buf[..taken], b"data");
    assert!(calls > 1, "one call takes in only so much");
}

/// A key that signs with this scheme.
fn key_for(scheme: SignatureScheme) -> KeyPair {
    KeyPair::generate_for(match scheme {
        SignatureScheme::EcdsaSecp256r1Sha256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        SignatureScheme::EcdsaSecp384r1Sha384 => &rcgen::PKCS_ECDSA_P384_SHA384,
        SignatureScheme::EcdsaSecp521r1Sha512 => &rcgen::PKCS_ECDSA_P521_SHA512,
        SignatureScheme::Ed25519 => &rcgen::PKCS_ED25519,
        _ => &rcgen::PKCS_RSA_SHA256,
    })
    .unwrap()
}

#[test]
fn every_signature_scheme_that_is_promised_works_and_is_told() {
    for scheme in Boring::new().info().signature_schemes {
        let identity = crate::testing::identity_of(&key_for(scheme));
        for version in VERSIONS {
            let before_13 = scheme.name().starts_with("rsa_pkcs1");
            if before_13 && version == ProtocolVersion::Tls13 {
                continue;
            }
            // The curve of the certificate has to be there too in TLS 1.2.
            let groups = [
                NamedGroup::X25519,
                NamedGroup::Secp256r1,
                NamedGroup::Secp384r1,
                NamedGroup::Secp521r1,
            ];
            let client = ClientConfig::builder()
                .danger()
                .accept_any_certificate()
                .min_version(version)
                .max_version(version)
                .groups(groups)
                .signature_schemes([scheme]);
            let server = ServerConfig::builder()
                .identity(identity.clone())
                .groups(groups)
                .signature_schemes(Boring::new().info().signature_schemes);
            let mut pair = Pair::new(client, server);
            pair.connect();
            let facts = pair.client.facts().unwrap();
            assert_eq!(facts.peer_signature_scheme, Some(scheme), "{version}");
            assert_eq!(pair.server.facts().unwrap().peer_signature_scheme, None);
        }
    }
}

/// Where the peer's own certificate is, ours and the library's.
fn places(session: &BoringSession) -> (*const u8, *const u8) {
    let facts = session.facts().unwrap();
    let mut held = ffi::peer_certificates(session.library().stream.ssl());
    let (ours, held) = (&facts.peer_certificates[0], held.next().unwrap());
    assert_eq!(**ours, *held);
    (ours.as_ptr(), held.as_ptr())
}

#[test]
fn sessions_of_one_context_hold_a_peers_chain_once_and_beyond_them() {
    for version in VERSIONS {
        let authority = Authority::new();
        let backend = Boring::new();
        let client = trusting(&authority).max_version(version);
        let client = client.identity(authority.leaf()).build().unwrap();
        let client = backend.client(&client).unwrap();
        let server = serving(&authority).client_auth(ClientAuth::Required(authority.roots()));
        let server = backend.server(&server.build().unwrap()).unwrap();
        let name = parse_server_name(NAME).unwrap();
        let connect = || {
            let (client_end, server_end) = wire();
            let mut pair = Pair {
                client: backend.connect(&client, &name).unwrap(),
                server: backend.accept(&server).unwrap(),
                client_end,
                server_end,
            };
            pair.connect();
            pair
        };
        let places = |pair: &Pair| [places(&pair.client), places(&pair.server)];
        let (first, second) = (connect(), connect());
        let before = places(&first);
        assert_eq!(places(&second), before);
        drop((first, second));
        assert_eq!(places(&connect()), before);
    }
}
