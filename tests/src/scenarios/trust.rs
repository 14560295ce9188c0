//! Whom a client trusts, and what the relaxed verifications still verify.

use polytls::tls::{
    Alert, Capabilities, CertificateError, ClientConfigBuilder, Identity, PeerMisbehaved,
    ProtocolVersion, Role, Roots, TlsBackend,
};

use crate::pair::Pair;
use crate::pki::{HOST, Pki};
use crate::scenario::{Case, Scenario, Versions, scenario};
use crate::wire::{record, records};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    let mut table = vec![
        scenario("only_the_configs_roots_are_trusted", own_roots)
            .proves_client(Capabilities::ROOTS)
            .proves_server(Capabilities::IDENTITY),
        scenario("an_intermediate_is_trusted_as_a_root", intermediate_as_root)
            .proves_client(Capabilities::CERTIFICATE_RULES),
        scenario(
            "a_self_signed_certificate_is_trusted_as_its_own_root",
            self_signed,
        ),
        scenario("a_root_is_trusted_although_it_has_expired", expired_root)
            .proves_client(Capabilities::CERTIFICATE_RULES),
        scenario("a_self_signed_ca_is_no_end_entity", self_signed_ca),
        scenario("a_key_in_each_form_is_taken", key_forms),
        scenario("a_chain_of_seven_is_accepted", long_chain),
        scenario(
            "a_path_of_more_than_six_intermediates_is_refused",
            too_many_intermediates,
        )
        .proves_client(Capabilities::CERTIFICATE_RULES),
        scenario("certificates_that_are_not_needed_do_no_harm", longest_chain),
        scenario("a_large_certificate_is_accepted", large),
        scenario("a_chain_is_verified_for_any_name", any_name)
            .proves_client(Capabilities::VERIFY_CHAIN_ONLY),
        scenario("any_name_relaxes_nothing_else", any_name_only)
            .proves_client(Capabilities::VERIFY_CHAIN_ONLY),
        scenario("any_certificate_is_accepted", any_certificate)
            .proves_client(Capabilities::VERIFY_NOTHING),
        scenario("any_certificate_still_needs_its_key", without_the_key)
            .versions(Versions::Only(ProtocolVersion::Tls12))
            .proves_client(Capabilities::VERIFY_NOTHING),
        scenario(
            "a_verified_certificate_still_needs_its_key",
            without_the_key_verified,
        )
        .versions(Versions::Only(ProtocolVersion::Tls12)),
    ];
    for (what, identity, error) in DISLIKED {
        table.push(
            scenario(format!("{what}_is_served_and_refused"), move |case| {
                let roots = case.pki.roots.and(&case.pki.weak_roots);
                let client = case.client_without_roots().roots(roots);
                refuses(case, client, identity(case.pki), error.clone());
            })
            .needs_server(Capabilities::CERTIFICATE_RULES),
        );
        table.push(
            scenario(format!("{what}_is_accepted_as_any"), move |case| {
                accepts_any(case, identity(case.pki));
            })
            .proves_client(Capabilities::VERIFY_NOTHING)
            .needs_server(Capabilities::CERTIFICATE_RULES),
        );
    }
    table
}

type Choose = fn(&Pki) -> &Identity;

/// Identities that a library could be unwilling to serve or to parse. To serve
/// one is its owner's choice, as with one that has expired; to refuse it is
/// the peer's.
const DISLIKED: &[(&str, Choose, CertificateError)] = &[
    (
        "an_unknown_critical_extension",
        |pki| &pki.unknown_critical_extension,
        CertificateError::UnhandledCriticalExtension,
    ),
    (
        "a_chain_with_a_weak_key",
        |pki| &pki.below_weak_key,
        CertificateError::UnacceptableAlgorithm,
    ),
    (
        "a_certificate_with_a_weak_signature",
        |pki| &pki.weakly_signed,
        CertificateError::UnacceptableAlgorithm,
    ),
];

#[track_caller]
fn refuses<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    client: ClientConfigBuilder,
    identity: &Identity,
    error: CertificateError,
) {
    let mut pair = case.pair(client, case.server_as(identity));
    case.refuses_certificate(Role::Client, &mut pair, error);
}

#[track_caller]
fn accepts<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    client: ClientConfigBuilder,
    identity: &Identity,
) {
    let mut pair = case.pair(client, case.server_as(identity));
    pair.connect();
    assert!(pair.client.facts().peer_verified);
}

fn own_roots<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let pki = case.pki;
    let trusting = |roots: &Roots| case.client_without_roots().roots(roots.clone());
    let union = pki.roots.and(&pki.other_roots);
    accepts(case, trusting(&pki.roots), &pki.p256);
    accepts(case, trusting(&pki.other_roots), &pki.unknown_ca);
    accepts(case, trusting(&union), &pki.p256);
    accepts(case, trusting(&union), &pki.unknown_ca);
    let unknown = CertificateError::UnknownIssuer;
    refuses(case, trusting(&pki.roots), &pki.unknown_ca, unknown.clone());
    refuses(case, trusting(&pki.other_roots), &pki.p256, unknown.clone());
    refuses(case, trusting(&Roots::bundled()), &pki.p256, unknown);
}

fn intermediate_as_root<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let intermediate = case.pki.p256.chain()[1].clone();
    let roots = Roots::from_der([intermediate]).expect("roots");
    let client = case.client_without_roots().roots(roots);
    accepts(case, client.clone(), &case.pki.p256);
    accepts(case, client.clone(), &case.pki.intermediate_left_out);
    let unknown = CertificateError::UnknownIssuer;
    refuses(case, client, &case.pki.short, unknown);
}

fn self_signed<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let roots = case.pki.self_signed_roots.clone();
    let client = case.client_without_roots().roots(roots);
    accepts(case, client, &case.pki.self_signed);
}

/// A trust anchor is a name and a key (RFC 5280, section 6.1.1); who gives it
/// as a root vouches for it.
fn expired_root<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let roots = case.pki.expired_roots.clone();
    let client = case.client_without_roots().roots(roots);
    accepts(case, client, &case.pki.below_expired_root);
}

fn self_signed_ca<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let roots = case.pki.self_signed_ca_roots.clone();
    let client = case.client_without_roots().roots(roots);
    let error = CertificateError::CaUsedAsEndEntity;
    refuses(case, client, &case.pki.self_signed_ca, error);
}

fn key_forms<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let pki = case.pki;
    for identity in [
        &pki.p256_sec1,
        &pki.rsa_pkcs1,
        &pki.ed25519,
        &pki.ed25519_version_two,
    ] {
        accepts(case, case.client_config(), identity);
    }
}

fn long_chain<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    accepts(case, case.client_config(), &case.pki.long_chain);
}

/// One library has this bound built in, so all have it.
fn too_many_intermediates<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let error = CertificateError::ConstraintViolated;
    refuses(case, case.client_config(), &case.pki.too_long_chain, error);
}

/// As many as an identity may have.
fn longest_chain<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    accepts(case, case.client_config(), &case.pki.longest_chain);
}

fn large<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    accepts(case, case.client_config(), &case.pki.large);
}

fn any_name<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let pki = case.pki;
    for identity in [
        &pki.p256,
        &pki.other_name,
        &pki.common_name_only,
        &pki.by_address,
    ] {
        for name in [HOST, "192.0.2.99"] {
            let client = case.client_config().danger().accept_any_name();
            let mut pair = case.pair_to(name, client, case.server_as(identity));
            pair.connect();
            assert!(pair.client.facts().peer_verified);
        }
    }
}

fn any_name_only<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let pki = case.pki;
    for (identity, error) in [
        (&pki.expired, CertificateError::Expired),
        (&pki.not_yet_valid, CertificateError::NotYetValid),
        (&pki.unknown_ca, CertificateError::UnknownIssuer),
        (&pki.client_named, CertificateError::InvalidPurpose),
        (&pki.broken_signature, CertificateError::BadSignature),
        (&pki.ca_as_leaf, CertificateError::CaUsedAsEndEntity),
    ] {
        let client = case.client_config().danger().accept_any_name();
        refuses(case, client, identity, error);
    }
}

fn any_certificate<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let pki = case.pki;
    for identity in [
        &pki.p256,
        &pki.other_name,
        &pki.expired,
        &pki.not_yet_valid,
        &pki.unknown_ca,
        &pki.self_signed,
        &pki.client,
        &pki.broken_signature,
        &pki.ca_as_leaf,
    ] {
        accepts_any(case, identity);
    }
}

#[track_caller]
fn accepts_any<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, identity: &Identity) {
    let client = case.client_without_roots();
    let client = client.danger().accept_any_certificate();
    let mut pair = case.pair(client, case.server_as(identity));
    pair.connect();
    let facts = pair.client.facts();
    assert!(!facts.peer_verified, "nothing was verified");
    assert_eq!(facts.peer_certificates.first(), identity.chain().first());
}

fn without_the_key<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let client = case
        .client_without_roots()
        .danger()
        .accept_any_certificate();
    breaks_the_handshake_signature(case, client);
}

fn without_the_key_verified<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    breaks_the_handshake_signature(case, case.client_config());
}

/// In TLS 1.2 the server's signature passes in the clear, at the end of its
/// ServerKeyExchange: it is damaged on the way, as if it came from another key.
#[track_caller]
fn breaks_the_handshake_signature<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    client: ClientConfigBuilder,
) {
    let damage = |messages: &mut Vec<Vec<u8>>| {
        let exchange = messages.iter_mut().find(|message| message[0] == 12);
        *exchange
            .expect("a ServerKeyExchange")
            .last_mut()
            .expect("a signature") ^= 1;
    };
    let mut pair = case.pair(client, case.server_config());
    changes_the_servers_flight(&mut pair, damage);
    pair.meet().assert_refused(
        Role::Client,
        PeerMisbehaved::BadCryptography,
        Alert::DECRYPT_ERROR,
    );
}

/// Drives the handshake up to the server's first flight, and changes its
/// messages on the way.
fn changes_the_servers_flight(pair: &mut Pair, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let _ = pair.client.handshake().expect("the ClientHello leaves");
    let _ = pair.server.handshake().expect("the server's flight leaves");
    let flight = pair.wire.intercept(Role::Server);
    let stream: Vec<u8> = records(&flight)
        .iter()
        .flat_map(|record| record.payload.iter().copied())
        .collect();
    let mut messages = Vec::new();
    let mut rest = &stream[..];
    while let [_, a, b, c, ..] = *rest {
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let (message, behind) = rest.split_at(4 + length);
        messages.push(message.to_vec());
        rest = behind;
    }
    change(&mut messages);
    for message in messages {
        pair.wire.inject(Role::Server, &record(22, &message));
    }
}
