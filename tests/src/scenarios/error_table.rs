//! One table: the fault, who finds it and what both sides report. It is the
//! same for every pair of backends and, but for the alerts that TLS 1.2 does
//! not have, for both versions.

use polytls::tls::{
    Alert, Capabilities, CertificateError, CipherSuite, ClientAuth, Error, Identity, NamedGroup,
    PeerIncompatible, PeerMisbehaved, ProtocolVersion, Role, SignatureScheme, TlsBackend,
};

use super::negotiation::two_suites;
use crate::pair::{Meeting, Pair};
use crate::pipe::other;
use crate::pki::Pki;
use crate::scenario::{Case, Scenario, Versions, role_name, scenario};
use crate::wire::{record, records};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    let mut table = Vec::new();
    for (fault, identity, error) in SERVER_CERTIFICATES {
        table.push(scenario(
            format!("{fault}_is_refused_by_the_client"),
            move |case| {
                let mut pair = case.pair(case.client_config(), case.server_as(identity(case.pki)));
                case.refuses_certificate(Role::Client, &mut pair, error.clone());
            },
        ));
    }
    for (fault, identity, error) in CLIENT_CERTIFICATES {
        table.push(
            scenario(
                format!("{fault}_is_refused_by_the_server"),
                move |case: &Case<C, S>| {
                    let identity = identity(case.pki).clone();
                    let auth = ClientAuth::Required(case.pki.roots.clone());
                    let mut pair = case.pair(
                        case.client_config().identity(identity),
                        case.server_config().client_auth(auth),
                    );
                    case.refuses_certificate(Role::Server, &mut pair, error.clone());
                },
            )
            .needs_client(Capabilities::IDENTITY)
            .needs_server(Capabilities::CLIENT_AUTH_REQUIRED)
            .proves_server(Capabilities::CERTIFICATE_RULES),
        );
    }
    for row in incompatible() {
        let (stage, error, alert) = (row.stage, row.error, row.alert);
        table.push(
            scenario(
                format!("{}_is_refused_by_the_server", row.fault),
                move |case| {
                    stage(case)
                        .meet()
                        .assert_refused(Role::Server, error.clone(), alert);
                },
            )
            .versions(row.versions)
            .needs(row.needs),
        );
    }
    for (fault, role, octets, error, alert) in first_octets() {
        table.push(scenario(fault, move |case| {
            let (found, sent) = first(case, role, &octets);
            assert_eq!(found, Error::from(error.clone()));
            if alert.is_some() {
                assert_eq!(last_alert(&sent), alert, "the alert on the wire");
            }
        }));
    }
    for row in LATER {
        for role in [Role::Client, Role::Server] {
            let name = format!("{}_is_found_by_the_{}", row.fault, role_name(role));
            table.push(
                scenario(name, move |case| found_later(case, role, row)).versions(row.versions),
            );
        }
    }
    table.extend([
        scenario(
            "a_flipped_bit_of_data_is_found_by_the_client",
            |case: &Case<C, S>| {
                flipped(case, Role::Client);
            },
        ),
        scenario(
            "a_flipped_bit_of_data_is_found_by_the_server",
            |case: &Case<C, S>| {
                flipped(case, Role::Server);
            },
        ),
        scenario(
            "a_client_that_meets_a_client_refuses_its_hello",
            client_meets_client,
        ),
        scenario(
            "a_server_that_is_sent_a_servers_flight_refuses_it",
            server_hears_server,
        ),
        scenario("an_endless_hello_is_refused", endless_hello),
        scenario("a_flood_of_warnings_is_refused", flood_of_warnings),
        scenario(
            "a_flood_of_cipher_changes_is_refused",
            flood_of_cipher_changes,
        )
        .versions(Versions::Only(ProtocolVersion::Tls13)),
        scenario(
            "an_end_amid_the_handshake_is_a_truncation",
            ends_amid_handshake,
        ),
        scenario(
            "an_end_before_the_handshake_is_a_truncation",
            ends_before_handshake,
        ),
    ]);
    table
}

type Choose = fn(&Pki) -> &Identity;

/// What a client refuses of a server's certificate; the alert is the error's.
const SERVER_CERTIFICATES: &[(&str, Choose, CertificateError)] = &[
    (
        "an_expired_certificate",
        |pki| &pki.expired,
        CertificateError::Expired,
    ),
    (
        "a_certificate_not_yet_valid",
        |pki| &pki.not_yet_valid,
        CertificateError::NotYetValid,
    ),
    (
        "a_certificate_for_another_name",
        |pki| &pki.other_name,
        CertificateError::NameMismatch,
    ),
    (
        "an_unknown_ca",
        |pki| &pki.unknown_ca,
        CertificateError::UnknownIssuer,
    ),
    (
        "a_missing_intermediate",
        |pki| &pki.intermediate_left_out,
        CertificateError::UnknownIssuer,
    ),
    (
        "a_self_signed_certificate",
        |pki| &pki.self_signed,
        CertificateError::UnknownIssuer,
    ),
    (
        "a_ca_with_a_roots_name",
        |pki| &pki.namesake,
        CertificateError::BadSignature,
    ),
    (
        "a_ca_with_a_roots_name_that_names_its_key",
        |pki| &pki.namesake_with_key_id,
        CertificateError::BadSignature,
    ),
    (
        "a_certificate_for_clients",
        |pki| &pki.client_named,
        CertificateError::InvalidPurpose,
    ),
    (
        "a_broken_signature",
        |pki| &pki.broken_signature,
        CertificateError::BadSignature,
    ),
    (
        "a_ca_as_end_entity",
        |pki| &pki.ca_as_leaf,
        CertificateError::CaUsedAsEndEntity,
    ),
    (
        "a_name_that_is_not_permitted",
        |pki| &pki.name_not_permitted,
        CertificateError::ConstraintViolated,
    ),
    (
        "a_path_that_is_too_long",
        |pki| &pki.path_too_long,
        CertificateError::ConstraintViolated,
    ),
    (
        "an_issuer_that_may_not_sign",
        |pki| &pki.issuer_may_not_sign,
        CertificateError::ConstraintViolated,
    ),
    (
        "an_issuer_for_clients",
        |pki| &pki.issuer_for_clients,
        CertificateError::InvalidPurpose,
    ),
    (
        "a_certificate_for_any_purpose",
        |pki| &pki.any_purpose,
        CertificateError::InvalidPurpose,
    ),
    (
        "a_key_that_may_not_sign",
        |pki| &pki.no_signing,
        CertificateError::InvalidPurpose,
    ),
    (
        "an_unknown_ca_with_its_root",
        |pki| &pki.unknown_ca_with_root,
        CertificateError::UnknownIssuer,
    ),
    (
        "an_issuer_that_is_no_ca",
        |pki| &pki.issued_by_no_ca,
        CertificateError::ConstraintViolated,
    ),
];

/// What a server refuses of a client's certificate.
const CLIENT_CERTIFICATES: &[(&str, Choose, CertificateError)] = &[
    (
        "an_expired_certificate",
        |pki| &pki.expired,
        CertificateError::Expired,
    ),
    (
        "a_certificate_not_yet_valid",
        |pki| &pki.not_yet_valid,
        CertificateError::NotYetValid,
    ),
    (
        "an_unknown_ca",
        |pki| &pki.unknown_ca,
        CertificateError::UnknownIssuer,
    ),
    (
        "a_self_signed_certificate",
        |pki| &pki.self_signed,
        CertificateError::UnknownIssuer,
    ),
    (
        "a_certificate_for_servers",
        |pki| &pki.server,
        CertificateError::InvalidPurpose,
    ),
    (
        "a_key_that_may_not_sign",
        |pki| &pki.no_signing,
        CertificateError::InvalidPurpose,
    ),
    (
        "a_broken_signature",
        |pki| &pki.broken_signature,
        CertificateError::BadSignature,
    ),
    (
        "a_ca_as_end_entity",
        |pki| &pki.ca_as_leaf,
        CertificateError::CaUsedAsEndEntity,
    ),
    (
        "a_path_that_is_too_long",
        |pki| &pki.path_too_long,
        CertificateError::ConstraintViolated,
    ),
];

/// What the two sides do not share, which the server finds.
struct Incompatible<C, S> {
    fault: &'static str,
    versions: Versions,
    needs: Capabilities,
    stage: fn(&Case<C, S>) -> Pair,
    error: PeerIncompatible,
    alert: Alert,
}

fn incompatible<C: TlsBackend, S: TlsBackend>() -> Vec<Incompatible<C, S>> {
    use ProtocolVersion::{Tls12, Tls13};

    let row = |fault, versions, needs, stage, error, alert| Incompatible {
        fault,
        versions,
        needs,
        stage,
        error,
        alert,
    };
    let failure = Alert::HANDSHAKE_FAILURE;
    let each = Versions::Each;
    let both = Capabilities::TLS12 | Capabilities::TLS13;
    vec![
        row(
            "a_client_of_tls13_at_a_server_of_tls12",
            Versions::Unpinned,
            both,
            |case| versions(case, Tls13, Tls12),
            PeerIncompatible::NoCommonVersion,
            Alert::PROTOCOL_VERSION,
        ),
        row(
            "a_client_of_tls12_at_a_server_of_tls13",
            Versions::Unpinned,
            both,
            |case| versions(case, Tls12, Tls13),
            PeerIncompatible::NoCommonVersion,
            Alert::PROTOCOL_VERSION,
        ),
        row(
            "no_common_suite",
            Versions::Only(Tls12),
            Capabilities::CIPHER_SUITES_TLS12,
            unlike_suites,
            PeerIncompatible::NoCommonCipherSuite,
            failure,
        ),
        row(
            "no_common_suite",
            Versions::Only(Tls13),
            Capabilities::CIPHER_SUITES_TLS13,
            unlike_suites,
            PeerIncompatible::NoCommonCipherSuite,
            failure,
        ),
        row(
            "no_suite_for_the_servers_key",
            Versions::Only(Tls12),
            Capabilities::CIPHER_SUITES_TLS12,
            |case| {
                let suite = CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
                case.pair(
                    case.client_config().cipher_suites([suite]),
                    case.server_config(),
                )
            },
            PeerIncompatible::NoCommonCipherSuite,
            failure,
        ),
        row(
            "no_common_group",
            each,
            Capabilities::GROUPS,
            |case| {
                case.pair(
                    case.client_config().groups([NamedGroup::Secp256r1]),
                    case.server_config().groups([NamedGroup::X25519]),
                )
            },
            PeerIncompatible::NoCommonGroup,
            failure,
        ),
        row(
            // In TLS 1.2 the suite names the kind of key as well, and it
            // depends on the client's offer which of the two is missing.
            "no_scheme_for_the_servers_kind_of_key",
            Versions::Only(Tls13),
            Capabilities::SIGNATURE_SCHEMES,
            |case| {
                let scheme = SignatureScheme::RsaPssRsaeSha256;
                case.pair(
                    case.client_config().signature_schemes([scheme]),
                    case.server_config(),
                )
            },
            PeerIncompatible::NoCommonSignatureScheme,
            failure,
        ),
        row(
            // The name of a scheme names the curve, in TLS 1.2 as well.
            "no_scheme_for_the_curve_of_the_servers_key",
            each,
            Capabilities::SIGNATURE_SCHEMES,
            |case| {
                let scheme = SignatureScheme::EcdsaSecp384r1Sha384;
                case.pair(
                    case.client_config().signature_schemes([scheme]),
                    case.server_config(),
                )
            },
            PeerIncompatible::NoCommonSignatureScheme,
            failure,
        ),
        row(
            // The certificate respects the client's groups (RFC 8422, section 2.2).
            "a_server_key_on_a_curve_outside_the_clients_groups",
            Versions::Only(Tls12),
            Capabilities::GROUPS,
            |case| {
                case.pair(
                    case.client_config().groups([NamedGroup::X25519]),
                    case.server_config(),
                )
            },
            PeerIncompatible::NoCommonCipherSuite,
            failure,
        ),
        row(
            "no_common_protocol",
            each,
            Capabilities::ALPN,
            |case| {
                case.pair(
                    case.client_config().alpn(["h2"]),
                    case.server_config().alpn(["h3"]),
                )
            },
            PeerIncompatible::NoCommonAlpn,
            Alert::NO_APPLICATION_PROTOCOL,
        ),
    ]
}

fn versions<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    client: ProtocolVersion,
    server: ProtocolVersion,
) -> Pair {
    case.pair(
        case.client_config().min_version(client).max_version(client),
        case.server_config().min_version(server).max_version(server),
    )
}

fn unlike_suites<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) -> Pair {
    let (one, two) = two_suites(case);
    case.pair(
        case.client_config().cipher_suites([one]),
        case.server_config().cipher_suites([two]),
    )
}

type FirstOctets = (&'static str, Role, Vec<u8>, PeerMisbehaved, Option<Alert>);

/// What a side refuses as the first octets that it receives, and the alert
/// that it answers with in the clear. What is sent to a peer that does not
/// speak TLS is nobody's business, so there it is `None`.
fn first_octets() -> Vec<FirstOctets> {
    use PeerMisbehaved::{NotTls, UnexpectedMessage};

    let http = b"GET / HTTP/1.1\r\nHost: server.example\r\n\r\n".to_vec();
    let answer = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".to_vec();
    let ssh = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".to_vec();
    let noise: Vec<u8> = (0..200_u8)
        .map(|octet| octet.wrapping_mul(167) | 0x80)
        .collect();
    let unexpected = Some(Alert::UNEXPECTED_MESSAGE);
    vec![
        (
            "plain_http_at_a_server_is_no_tls",
            Role::Server,
            http,
            NotTls,
            None,
        ),
        (
            "plain_http_at_a_client_is_no_tls",
            Role::Client,
            answer,
            NotTls,
            None,
        ),
        (
            "another_protocol_at_a_server_is_no_tls",
            Role::Server,
            ssh.clone(),
            NotTls,
            None,
        ),
        (
            "another_protocol_at_a_client_is_no_tls",
            Role::Client,
            ssh,
            NotTls,
            None,
        ),
        (
            "noise_at_a_server_is_no_tls",
            Role::Server,
            noise.clone(),
            NotTls,
            None,
        ),
        (
            "noise_at_a_client_is_no_tls",
            Role::Client,
            noise,
            NotTls,
            None,
        ),
        (
            "zeros_at_a_server_are_no_tls",
            Role::Server,
            vec![0; 64],
            NotTls,
            None,
        ),
        (
            "zeros_at_a_client_are_no_tls",
            Role::Client,
            vec![0; 64],
            NotTls,
            None,
        ),
        (
            "data_at_a_server_before_the_handshake_is_unexpected",
            Role::Server,
            record(23, b"too early"),
            UnexpectedMessage,
            unexpected,
        ),
        (
            "data_at_a_client_before_the_handshake_is_unexpected",
            Role::Client,
            record(23, b"too early"),
            UnexpectedMessage,
            unexpected,
        ),
        (
            "a_finished_at_a_server_is_unexpected",
            Role::Server,
            record(22, &[20, 0, 0, 12, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
            UnexpectedMessage,
            unexpected,
        ),
        (
            "a_finished_at_a_client_is_unexpected",
            Role::Client,
            record(22, &[20, 0, 0, 12, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
            UnexpectedMessage,
            unexpected,
        ),
        (
            "a_hello_without_content_is_malformed",
            Role::Server,
            record(22, &[1, 0, 0, 4, 3, 3, 0, 0]),
            PeerMisbehaved::Malformed,
            Some(Alert::DECODE_ERROR),
        ),
    ]
}

/// What a side refuses once it is connected.
struct Later {
    fault: &'static str,
    versions: Versions,
    octets: fn() -> Vec<u8>,
    error: PeerMisbehaved,
    alert: Told,
}

/// What the other side is told.
#[derive(Clone, Copy)]
enum Told {
    /// By this alert.
    By(Alert),
    /// By the right alert or by `decode_error`: rustls has that for all that
    /// it cannot parse, and no way to send another.
    Roughly(Alert),
}

const LATER: &[Later] = &[
    Later {
        fault: "a_forged_record",
        versions: Versions::Each,
        octets: || record(23, &[7; 64]),
        error: PeerMisbehaved::BadCryptography,
        alert: Told::By(Alert::BAD_RECORD_MAC),
    },
    Later {
        // 2^14 + 2,048 octets are the most of TLS 1.2 (RFC 5246, section 6.2.3).
        fault: "an_oversized_record",
        versions: Versions::Each,
        octets: || record(23, &[0; (1 << 14) + 2_049]),
        error: PeerMisbehaved::RecordOverflow,
        alert: Told::Roughly(Alert::RECORD_OVERFLOW),
    },
    Later {
        // RFC 8446, section 5.1. In TLS 1.2 a library may as well find first
        // that the record is forged.
        fault: "a_record_of_an_unknown_type",
        versions: Versions::Only(ProtocolVersion::Tls13),
        octets: || record(99, &[0; 64]),
        error: PeerMisbehaved::UnexpectedMessage,
        alert: Told::Roughly(Alert::UNEXPECTED_MESSAGE),
    },
];

/// Lets one side alone receive these octets: its error and what it sent.
fn first<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    role: Role,
    octets: &[u8],
) -> (Error, Vec<u8>) {
    let mut pair = case.standard();
    if role == Role::Client {
        let _ = pair.client.handshake().expect("the ClientHello leaves");
    }
    pair.wire.inject(other(role), octets);
    pair.wire.end(other(role));
    let error = pair
        .side(role)
        .handshake()
        .expect_err("nothing to go on with");
    (error, pair.wire.sent_by(role))
}

/// The alert in the last record, if that is an alert in the clear.
fn last_alert(sent: &[u8]) -> Option<Alert> {
    let last = *records(sent).last()?;
    match (last.content_type, last.payload) {
        (21, [2, alert]) => Some(Alert(*alert)),
        _ => None,
    }
}

/// Lets a connected side receive octets as the other's.
fn found_later<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, role: Role, row: &Later) {
    let mut pair = case.standard();
    pair.connect();
    let _ = pair.side(role).drain();
    pair.wire.inject(other(role), &(row.octets)());
    let meeting = ends(&mut pair, role);
    let told = match role {
        Role::Client => &meeting.server,
        Role::Server => &meeting.client,
    };
    let alert = match row.alert {
        Told::Roughly(_) if *told == Err(Error::AlertReceived(Alert::DECODE_ERROR)) => {
            Alert::DECODE_ERROR
        }
        Told::By(alert) | Told::Roughly(alert) => alert,
    };
    meeting.assert_refused(role, row.error.clone(), alert);
}

fn flipped<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, role: Role) {
    let mut pair = case.standard();
    pair.connect();
    let _ = pair.side(role).drain();
    let _ = pair.side(other(role)).write(b"data").expect("a write");
    let mut sent = pair.wire.intercept(other(role));
    if let Some(last) = sent.last_mut() {
        *last ^= 0x40;
    }
    pair.wire.inject(other(role), &sent);
    let error = PeerMisbehaved::BadCryptography;
    ends(&mut pair, role).assert_refused(role, error, Alert::BAD_RECORD_MAC);
}

/// What both sides report by reading, the one that finds a fault first.
fn ends(pair: &mut Pair, finder: Role) -> Meeting {
    let mut read = |role: Role| pair.side(role).drain().1.map(|_| ());
    let found = read(finder);
    let told = read(other(finder));
    match finder {
        Role::Client => Meeting {
            client: found,
            server: told,
        },
        Role::Server => Meeting {
            client: told,
            server: found,
        },
    }
}

fn client_meets_client<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut stranger = case.standard();
    let _ = stranger.client.handshake().expect("the ClientHello leaves");
    let hello = stranger.wire.sent_by(Role::Client);
    let (error, sent) = first(case, Role::Client, &hello);
    assert_eq!(error, PeerMisbehaved::UnexpectedMessage.into());
    assert_eq!(last_alert(&sent), Some(Alert::UNEXPECTED_MESSAGE));
}

fn server_hears_server<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut stranger = case.standard();
    let _ = stranger.client.handshake().expect("the ClientHello leaves");
    let _ = stranger
        .server
        .handshake()
        .expect("the server's flight leaves");
    let flight = stranger.wire.sent_by(Role::Server);
    let (error, sent) = first(case, Role::Server, &flight);
    assert_eq!(error, PeerMisbehaved::UnexpectedMessage.into());
    assert_eq!(last_alert(&sent), Some(Alert::UNEXPECTED_MESSAGE));
}

/// The longest message that its header can announce; little of it is read.
fn endless_hello<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for (role, message) in [(Role::Server, 1), (Role::Client, 2)] {
        let mut octets = record(22, &[message, 0xff, 0xff, 0xff]);
        for _ in 0..32 {
            octets.extend(record(22, &[3; 16_000]));
        }
        let (error, _) = first(case, role, &octets);
        assert!(
            matches!(error, Error::PeerMisbehaved(_)),
            "{role:?}: {error:?}"
        );
    }
}

fn flood_of_warnings<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let warning = record(21, &[1, Alert::NO_RENEGOTIATION.0]);
    let (error, _) = first(case, Role::Client, &warning.repeat(1_000));
    assert!(matches!(error, Error::PeerMisbehaved(_)), "{error:?}");
}

/// One is ignored, for the sake of middleboxes (RFC 8446, appendix D.4).
fn flood_of_cipher_changes<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (error, _) = first(case, Role::Client, &record(20, &[1]).repeat(1_000));
    assert!(matches!(error, Error::PeerMisbehaved(_)), "{error:?}");
}

fn ends_amid_handshake<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    let _ = pair.client.handshake().expect("the ClientHello leaves");
    let _ = pair.server.handshake().expect("the server's flight leaves");
    pair.wire.intercept(Role::Server);
    pair.wire.end(Role::Server);
    assert_eq!(pair.client.handshake(), Err(Error::Truncated));
    pair.wire.end(Role::Client);
    assert_eq!(pair.server.handshake(), Err(Error::Truncated));
}

fn ends_before_handshake<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.wire.end(Role::Client);
    pair.wire.end(Role::Server);
    assert_eq!(pair.client.handshake(), Err(Error::Truncated));
    assert_eq!(pair.server.handshake(), Err(Error::Truncated));
}
