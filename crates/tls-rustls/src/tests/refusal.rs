//! Handshakes that must fail: the error on one side, the alert on the other.

use tls_core::{
    Alert, CertificateError, CipherSuite, ClientAuth, ClientConfigBuilder, Error, Identity,
    Interest, NamedGroup, PeerIncompatible, PeerMisbehaved, ProtocolVersion, ServerConfigBuilder,
    SignatureScheme, Step, TlsSession,
};

use super::{DONE, Side, VERSIONS, client_config, pair, pki, server_config, shake};

/// The error of the side that refuses and that of the other, which may be told
/// by its first read only.
fn refused(
    version: ProtocolVersion,
    client: ClientConfigBuilder,
    server: ServerConfigBuilder,
) -> (Error, Error) {
    let client = client.max_version(version).build().unwrap();
    let server = server.build().unwrap();
    let (mut client, mut server) = pair(&client, &server);
    let ends = shake(&mut client, &mut server);
    let error = |end: Result<Step<()>, Error>, side: &mut Side| match end {
        Err(error) => error,
        Ok(_) => side.read(&mut [0]).unwrap_err(),
    };
    (error(ends.0, &mut client), error(ends.1, &mut server))
}

#[test]
fn a_bad_server_certificate_is_refused_with_the_alert_of_its_reason() {
    let cases: [(Identity, CertificateError); 6] = [
        (pki::server(pki::expired), CertificateError::Expired),
        (
            pki::server(pki::not_yet_valid),
            CertificateError::NotYetValid,
        ),
        (
            pki::server(pki::for_clients),
            CertificateError::InvalidPurpose,
        ),
        (pki::server(pki::ca), CertificateError::CaUsedAsEndEntity),
        (
            pki::server(|params| params.subject_alt_names.clear()),
            CertificateError::NameMismatch,
        ),
        (pki::stranger(), CertificateError::UnknownIssuer),
    ];
    for version in VERSIONS {
        for (identity, reason) in &cases {
            let server = server_config().identity(identity.clone());
            let ends = refused(version, client_config(), server);
            let alert = Error::AlertReceived(reason.alert());
            assert_eq!(
                ends,
                (Error::Certificate(reason.clone()), alert),
                "{version}"
            );
        }
    }
}

#[test]
fn a_name_does_not_matter_where_it_is_given_up() {
    for version in VERSIONS {
        let nameless = pki::server(|params| params.subject_alt_names.clear());
        let client = client_config()
            .danger()
            .accept_any_name()
            .max_version(version);
        let server = server_config().identity(nameless);
        let (mut client, mut server) = pair(&client.build().unwrap(), &server.build().unwrap());
        assert_eq!(shake(&mut client, &mut server), DONE);
        assert!(client.session.facts().unwrap().peer_verified);

        let client = client_config().danger().accept_any_name();
        let server = server_config().identity(pki::stranger());
        let reason = CertificateError::UnknownIssuer;
        let alert = Error::AlertReceived(reason.alert());
        assert_eq!(
            refused(version, client, server),
            (Error::Certificate(reason), alert)
        );
    }
}

#[test]
fn anybody_is_accepted_where_any_certificate_is_but_is_not_called_verified() {
    let client = tls_core::ClientConfig::builder()
        .danger()
        .accept_any_certificate();
    let server = server_config().identity(pki::server(pki::expired));
    let (mut client, mut server) = pair(&client.build().unwrap(), &server.build().unwrap());
    assert_eq!(shake(&mut client, &mut server), DONE);
    let facts = client.session.facts().unwrap();
    assert!(!facts.peer_verified && facts.peer_certificates.len() == 1);
}

#[test]
fn a_client_must_have_the_certificate_that_is_required() {
    for (version, alert) in [
        (ProtocolVersion::Tls12, Alert::HANDSHAKE_FAILURE),
        (ProtocolVersion::Tls13, Alert::CERTIFICATE_REQUIRED),
    ] {
        let required =
            || server_config().client_auth(ClientAuth::Required(pki::pki().roots.clone()));
        let ends = refused(version, client_config(), required());
        let missing = Error::Certificate(CertificateError::Missing);
        assert_eq!(ends, (Error::AlertReceived(alert), missing), "{version}");

        let reason = CertificateError::InvalidPurpose;
        let client = client_config().identity(pki::pki().server.clone());
        let ends = refused(version, client, required());
        let alert = Error::AlertReceived(reason.alert());
        assert_eq!(ends, (alert, Error::Certificate(reason)), "{version}");
    }
}

#[test]
fn a_client_without_a_scheme_for_its_key_goes_on_without_certificate() {
    for version in VERSIONS {
        let client = client_config()
            .max_version(version)
            .identity(pki::pki().client.clone())
            .build()
            .unwrap();
        let scheme = SignatureScheme::EcdsaSecp384r1Sha384;
        let server = |client_auth| {
            server_config()
                .identity(pki::server_with_key(&rcgen::PKCS_ECDSA_P384_SHA384))
                .signature_schemes([scheme])
                .client_auth(client_auth)
        };
        let roots = pki::pki().roots.clone();
        let optional = server(ClientAuth::Optional(roots.clone()));
        let (mut near, mut far) = pair(&client, &optional.build().unwrap());
        assert_eq!(shake(&mut near, &mut far), DONE);
        let facts = far.session.facts().unwrap();
        assert!(facts.peer_certificates.is_empty());
        assert_eq!(
            near.session.facts().unwrap().peer_signature_scheme,
            Some(scheme)
        );

        let client = client_config().identity(pki::pki().client.clone());
        let (_, error) = refused(version, client, server(ClientAuth::Required(roots)));
        assert_eq!(error, Error::Certificate(CertificateError::Missing));
    }
}

#[test]
fn sides_that_share_nothing_say_what_they_do_not_share() {
    use PeerIncompatible as No;
    let tls13 = ProtocolVersion::Tls13;
    for version in VERSIONS {
        let suites = |first: bool| match (version, first) {
            (ProtocolVersion::Tls13, true) => CipherSuite::TLS_AES_128_GCM_SHA256,
            (ProtocolVersion::Tls13, false) => CipherSuite::TLS_AES_256_GCM_SHA384,
            (_, true) => CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            (_, false) => CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        };
        let of_version = || client_config().min_version(version);
        let server = || server_config().min_version(version).max_version(version);
        let cases = [
            (
                of_version().cipher_suites([suites(true)]),
                server().cipher_suites([suites(false)]),
                No::NoCommonCipherSuite,
            ),
            (
                of_version().groups([NamedGroup::X25519]),
                server().groups([NamedGroup::Secp256r1]),
                No::NoCommonGroup,
            ),
            (
                of_version().signature_schemes([SignatureScheme::EcdsaSecp384r1Sha384]),
                server(),
                No::NoCommonSignatureScheme,
            ),
            (
                of_version().alpn(["a"]),
                server().alpn(["b"]),
                No::NoCommonAlpn,
            ),
        ];
        for (client, server, reason) in cases {
            let alert = match reason {
                No::NoCommonAlpn => Alert::NO_APPLICATION_PROTOCOL,
                _ => Alert::HANDSHAKE_FAILURE,
            };
            let ends = refused(version, client, server);
            let expected = (Error::AlertReceived(alert), Error::PeerIncompatible(reason));
            assert_eq!(ends, expected, "{version}");
        }
    }
    let server = server_config().min_version(tls13);
    let ends = refused(ProtocolVersion::Tls12, client_config(), server);
    let alert = Error::AlertReceived(Alert::PROTOCOL_VERSION);
    assert_eq!(ends, (alert, No::NoCommonVersion.into()));
}

#[test]
fn a_client_of_tls12_must_have_the_curve_of_the_server_s_key() {
    let groups = || client_config().groups([NamedGroup::X25519]);
    let ends = refused(ProtocolVersion::Tls12, groups(), server_config());
    let reason = PeerIncompatible::NoCommonCipherSuite.into();
    assert_eq!(
        ends,
        (Error::AlertReceived(Alert::HANDSHAKE_FAILURE), reason)
    );

    let (mut client, mut server) = pair(
        &groups().build().unwrap(),
        &server_config().build().unwrap(),
    );
    assert_eq!(
        shake(&mut client, &mut server),
        DONE,
        "TLS 1.3 has no such rule"
    );
}

#[test]
fn a_server_signs_with_the_config_s_schemes_alone() {
    for version in VERSIONS {
        let server = server_config()
            .min_version(version)
            .signature_schemes([SignatureScheme::EcdsaSecp384r1Sha384]);
        let ends = refused(version, client_config(), server);
        let reason = PeerIncompatible::NoCommonSignatureScheme.into();
        assert_eq!(
            ends,
            (Error::AlertReceived(Alert::HANDSHAKE_FAILURE), reason),
            "{version}"
        );
    }
}

#[test]
fn what_is_not_tls_is_called_so_in_both_roles() {
    for noise in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"H",
        b"\x16\x02\x01\x00\x05hello",
    ] {
        let (mut client, mut server) = pair(
            &client_config().build().unwrap(),
            &server_config().build().unwrap(),
        );
        client.io.inject(noise);
        server.io.inject(noise);
        for side in [&mut client, &mut server] {
            for _ in 0..2 {
                let error = Error::PeerMisbehaved(PeerMisbehaved::NotTls);
                assert_eq!(side.handshake(), Err(error), "{noise:02x?}");
            }
        }
    }
}

#[test]
fn a_handshake_message_beyond_all_bounds_is_refused() {
    let (mut client, mut server) = pair(
        &client_config().build().unwrap(),
        &server_config().build().unwrap(),
    );
    // A ClientHello of 16 MiB, in records of 16 KiB.
    let mut record = vec![22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff];
    record.resize(5 + 16_384, 0);
    for _ in 0..8 {
        client.io.inject(&record);
    }
    let error = server.handshake().unwrap_err();
    assert!(matches!(error, Error::PeerMisbehaved(_)), "{error:?}");
}

#[test]
fn an_alert_that_the_transport_does_not_take_hides_no_error() {
    let server_config = server_config().identity(pki::stranger()).build().unwrap();
    let (mut client, mut server) = pair(&client_config().build().unwrap(), &server_config);
    let _ = client.handshake().unwrap();
    let _ = server.handshake().unwrap();
    client.io.room = 0;
    let error = Error::Certificate(CertificateError::UnknownIssuer);
    for _ in 0..2 {
        assert_eq!(client.handshake(), Ok(Step::Blocked(Interest::WRITE)));
        assert_eq!(client.session.refusal(), Some(&error));
    }
    client.io.room = 1 << 16;
    for _ in 0..2 {
        assert_eq!(client.handshake(), Err(error.clone()));
        assert_eq!(client.session.refusal(), None, "it is told");
    }
}
