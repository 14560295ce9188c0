//! What a handshake agrees on.

use std::sync::{Arc, Mutex};

use tls_core::{
    CipherSuite, ClientAuth, Error, Interest, KeyLog, NamedGroup, ProtocolVersion, SignatureScheme,
    Step, TlsBackend, TlsSession, parse_server_name,
};

use super::pipe::pipe;
use super::{DONE, Side, VERSIONS, client_config, connected, pair, pki, server_config, shake};
use crate::Rustls;

#[test]
fn both_sides_know_the_same_facts() {
    for version in VERSIONS {
        let client_config = client_config()
            .max_version(version)
            .groups([NamedGroup::Secp384r1, NamedGroup::Secp256r1])
            .alpn(["http/1.1", "h2"])
            .identity(pki::pki().client.clone())
            .build()
            .unwrap();
        let server_config = server_config()
            .alpn(["h2"])
            .client_auth(ClientAuth::Required(pki::pki().roots.clone()))
            .build()
            .unwrap();
        let (mut client, mut server) = pair(&client_config, &server_config);
        assert_eq!(client.session.facts(), None);
        assert_eq!(shake(&mut client, &mut server), DONE);
        let suite = match version {
            ProtocolVersion::Tls13 => CipherSuite::TLS_AES_128_GCM_SHA256,
            _ => CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        };
        let sides = [(&client, &pki::pki().server), (&server, &pki::pki().client)];
        for (side, peer) in sides {
            let facts = side.session.facts().unwrap();
            assert_eq!(facts.version, Some(version));
            assert_eq!(facts.cipher_suite, Some(suite));
            assert_eq!(facts.group, Some(NamedGroup::Secp384r1));
            assert_eq!(
                facts.peer_signature_scheme,
                Some(SignatureScheme::EcdsaSecp256r1Sha256)
            );
            assert_eq!(facts.alpn.as_deref(), Some(&b"h2"[..]));
            assert_eq!(facts.server_name.as_deref(), Some("localhost"));
            assert_eq!(facts.peer_certificates, peer.chain());
            assert!(facts.peer_verified);
        }
    }
}

#[test]
fn a_client_without_certificate_leaves_no_facts_of_one() {
    for version in VERSIONS {
        let client_config = client_config()
            .max_version(version)
            .sni(false)
            .build()
            .unwrap();
        let server_config = server_config()
            .client_auth(ClientAuth::Optional(pki::pki().roots.clone()))
            .build()
            .unwrap();
        let (mut client, mut server) = pair(&client_config, &server_config);
        assert_eq!(shake(&mut client, &mut server), DONE);
        let facts = server.session.facts().unwrap();
        assert_eq!(facts.peer_signature_scheme, None);
        assert_eq!(facts.server_name, None);
        assert!(facts.peer_certificates.is_empty() && !facts.peer_verified);
        assert_eq!(client.session.facts().unwrap().server_name, None);
    }
}

#[test]
fn a_fitful_transport_of_single_octets_only_takes_longer() {
    for version in VERSIONS {
        let client_config = client_config().max_version(version).build().unwrap();
        let (mut client, mut server) = pair(&client_config, &server_config().build().unwrap());
        for side in [&mut client, &mut server] {
            side.io.most = 1;
            side.io.fitful = true;
        }
        for _ in 0..100_000 {
            let ends = (client.handshake().unwrap(), server.handshake().unwrap());
            if ends == (Step::Ready(()), Step::Ready(())) {
                break;
            }
        }
        assert!(client.session.facts().is_some() && server.session.facts().is_some());
    }
}

#[test]
fn a_handshake_waits_for_the_direction_that_blocked_it() {
    let (mut client, mut server) = pair(
        &client_config().build().unwrap(),
        &server_config().build().unwrap(),
    );
    client.io.room = 10;
    assert_eq!(client.handshake(), Ok(Step::Blocked(Interest::WRITE)));
    assert_eq!(client.session.interest(), Interest::WRITE);
    assert_eq!(server.handshake(), Ok(Step::Blocked(Interest::READ)));
    assert_eq!(server.session.interest(), Interest::READ);
    client.io.room = usize::MAX;
    assert_eq!(client.handshake(), Ok(Step::Blocked(Interest::READ)));
    assert_eq!(client.session.interest(), Interest::READ);
}

#[test]
fn a_handshake_is_not_ready_before_the_transport_has_flushed() {
    let (mut client, mut server) = pair(
        &client_config().build().unwrap(),
        &server_config().build().unwrap(),
    );
    let _ = client.handshake().unwrap();
    let _ = server.handshake().unwrap();
    client.io.flush_blocks = true;
    assert_eq!(client.handshake(), Ok(Step::Blocked(Interest::WRITE)));
    assert_eq!(client.session.facts(), None);
    assert_eq!(client.session.interest(), Interest::WRITE);
    client.io.flush_blocks = false;
    assert_eq!(client.handshake(), Ok(Step::Ready(())));
    assert_eq!(client.session.interest(), Interest::READ);
    let flushes = client.io.flushes;
    assert_eq!(client.handshake(), Ok(Step::Ready(())));
    assert_eq!(client.io.flushes, flushes, "nothing is left to flush");
}

#[test]
fn exported_keys_agree_and_absurd_labels_are_refused() {
    for version in VERSIONS {
        let (client, server) = connected(version);
        let export = |label: &str, context: Option<&[u8]>| {
            let mut keys = ([0; 32], [0; 32]);
            client
                .session
                .export_keying_material(&mut keys.0, label, context)?;
            server
                .session
                .export_keying_material(&mut keys.1, label, context)?;
            assert_eq!(keys.0, keys.1);
            Ok::<_, Error>(keys.0)
        };
        let absent = export("EXPORTER-test", None).unwrap();
        let empty = export("EXPORTER-test", Some(b"")).unwrap();
        assert_eq!(absent == empty, version == ProtocolVersion::Tls13);
        assert_ne!(export("EXPORTER-other", None).unwrap(), absent);
        assert!(export(&"l".repeat(249), None).is_ok());
        let refused = |result: Result<[u8; 32], Error>| matches!(result, Err(Error::Config(_)));
        assert!(refused(export(&"l".repeat(250), None)));
        let large = vec![0; 65_536];
        assert_eq!(
            refused(export("l", Some(&large))),
            version == ProtocolVersion::Tls12
        );
        assert_eq!(
            refused(export("key expansion", None)),
            version == ProtocolVersion::Tls12
        );
        let mut huge = vec![0; 20_000];
        let result = client.session.export_keying_material(&mut huge, "l", None);
        assert_eq!(
            result.is_err(),
            version == ProtocolVersion::Tls13,
            "{result:?}"
        );
        assert_eq!(
            client.session.export_keying_material(&mut [], "l", None),
            Ok(())
        );
    }
}

#[test]
fn the_key_log_gets_a_line_for_each_secret() {
    #[derive(Debug, Default)]
    struct Log(Mutex<Vec<String>>);

    impl KeyLog for Log {
        fn log(&self, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }
    }

    for (version, labels) in [
        (ProtocolVersion::Tls12, &["CLIENT_RANDOM"][..]),
        (
            ProtocolVersion::Tls13,
            &[
                "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                "SERVER_TRAFFIC_SECRET_0",
                "EXPORTER_SECRET",
            ][..],
        ),
    ] {
        let logs = [Arc::new(Log::default()), Arc::new(Log::default())];
        let log = |index: usize| Arc::clone(&logs[index]) as Arc<dyn KeyLog>;
        let client_config = client_config()
            .max_version(version)
            .key_log(log(0))
            .build()
            .unwrap();
        let server_config = server_config().key_log(log(1)).build().unwrap();
        let (mut client, mut server) = pair(&client_config, &server_config);
        let _ = shake(&mut client, &mut server);
        let [client, server] = logs.map(|log| {
            let mut lines = log.0.lock().unwrap().clone();
            lines.sort();
            lines
        });
        assert_eq!(client, server);
        for label in labels {
            assert!(
                client.iter().any(|line| line.starts_with(label)),
                "{label}: {client:?}"
            );
        }
    }
}

#[test]
fn the_config_s_order_of_schemes_decides_what_is_signed_with() {
    let identity = pki::server_with_key(&rcgen::PKCS_RSA_SHA256);
    for version in VERSIONS {
        for scheme in [
            SignatureScheme::RsaPssRsaeSha512,
            SignatureScheme::RsaPssRsaeSha256,
        ] {
            let schemes = [scheme, SignatureScheme::RsaPssRsaeSha384];
            let server_config = server_config()
                .max_version(version)
                .identity(identity.clone())
                .signature_schemes(schemes);
            let (mut client, mut server) = pair(
                &client_config().build().unwrap(),
                &server_config.build().unwrap(),
            );
            assert_eq!(shake(&mut client, &mut server), DONE);
            let facts = client.session.facts().unwrap();
            assert_eq!(facts.peer_signature_scheme, Some(scheme));
        }
    }
}

#[test]
fn sessions_of_one_context_hold_a_peers_chain_once() {
    let backend = Rustls::default();
    let client = client_config().identity(pki::pki().client.clone());
    let client = backend.client(&client.build().unwrap()).unwrap();
    let roots = pki::pki().roots.clone();
    let server = server_config().client_auth(ClientAuth::Required(roots));
    let server = backend.server(&server.build().unwrap()).unwrap();
    let name = parse_server_name("localhost").unwrap();
    let [first, second] = [(); 2].map(|()| {
        let (near, far) = pipe();
        let mut client = Side {
            session: backend.connect(&client, &name).unwrap(),
            io: near,
        };
        let mut server = Side {
            session: backend.accept(&server).unwrap(),
            io: far,
        };
        assert_eq!(shake(&mut client, &mut server), DONE);
        [client, server].map(|side| side.session.facts().unwrap().peer_certificates.clone())
    });
    for (first, second) in first.iter().zip(&second) {
        assert!(std::ptr::eq(&first[0], &second[0]));
    }
}
