//! Cipher suites, groups and signature schemes.

use polytls::tls::{
    Capabilities, CipherSuite, ClientAuth, Identity, NamedGroup, ProtocolVersion, Role,
    SignatureScheme, TlsBackend,
};

use crate::pair::Pair;
use crate::pki::pki;
use crate::scenario::{Case, Scenario, Versions, scenario, suite_flag};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    let mut table = Vec::new();
    for &suite in CipherSuite::ALL {
        table.push(
            scenario(format!("the_suite_{suite}_is_used"), move |case| {
                one_suite(case, suite);
            })
            .versions(Versions::Only(suite.version()))
            .proves(suite_flag(suite))
            .proves(Capabilities::FACT_CIPHER_SUITE)
            .suite(suite),
        );
    }
    for &group in NamedGroup::ALL {
        let versions = if group.is_post_quantum() {
            Versions::Only(ProtocolVersion::Tls13)
        } else {
            Versions::Each
        };
        let proved = if group.is_post_quantum() {
            Capabilities::GROUPS | Capabilities::POST_QUANTUM_GROUPS
        } else {
            Capabilities::GROUPS
        };
        table.push(
            scenario(format!("the_group_{group}_is_used"), move |case| {
                one_group(case, group);
            })
            .versions(versions)
            .proves(proved)
            .group(group),
        );
    }
    for &scheme in SignatureScheme::ALL {
        // A scheme without a key of its kind in the PKI has no scenario.
        if pki().for_scheme(scheme).is_none() {
            continue;
        }
        let versions = match scheme {
            // In TLS 1.2 a certificate's curve must be among the groups too,
            // and not every library has this one as a group.
            SignatureScheme::EcdsaSecp521r1Sha512 => Versions::Only(ProtocolVersion::Tls13),
            SignatureScheme::RsaPkcs1Sha256
            | SignatureScheme::RsaPkcs1Sha384
            | SignatureScheme::RsaPkcs1Sha512 => Versions::Only(ProtocolVersion::Tls12),
            _ => Versions::Each,
        };
        table.push(
            scenario(format!("the_server_signs_with_{scheme}"), move |case| {
                server_signs(case, scheme);
            })
            .versions(versions)
            .proves(Capabilities::SIGNATURE_SCHEMES)
            .scheme(scheme),
        );
        table.push(
            scenario(format!("the_client_signs_with_{scheme}"), move |case| {
                client_signs(case, scheme);
            })
            .versions(versions)
            .proves_client(Capabilities::IDENTITY)
            .needs_server(Capabilities::CLIENT_AUTH_REQUIRED)
            .scheme(scheme),
        );
    }
    // Who can set no groups does not know which ones it has.
    let told = Capabilities::FACT_VERSION | Capabilities::FACT_CIPHER_SUITE | Capabilities::GROUPS;
    table.extend([
        scenario("defaults_negotiate_the_first_that_both_have", defaults)
            .versions(Versions::Unpinned)
            .needs(told | Capabilities::TLS13),
        scenario("defaults_negotiate_the_first_that_both_have", defaults)
            .versions(Versions::Only(ProtocolVersion::Tls12))
            .needs(told),
        scenario("the_clients_order_of_suites_decides", clients_suite_order)
            .versions(Versions::Only(ProtocolVersion::Tls12))
            .needs(Capabilities::CIPHER_SUITES_TLS12 | Capabilities::FACT_CIPHER_SUITE),
        scenario("the_clients_order_of_suites_decides", clients_suite_order)
            .versions(Versions::Only(ProtocolVersion::Tls13))
            .needs(Capabilities::CIPHER_SUITES_TLS13 | Capabilities::FACT_CIPHER_SUITE),
        scenario("a_second_hello_leads_to_the_common_group", second_hello)
            .needs(Capabilities::GROUPS),
        scenario("the_clients_order_of_groups_decides", clients_group_order)
            .needs(Capabilities::GROUPS),
    ]);
    table
}

/// An identity whose key this suite can be used with.
fn identity_for<C, S>(case: &Case<C, S>, suite: CipherSuite) -> &'static Identity {
    if suite.name().contains("_RSA_") {
        &case.pki.rsa
    } else {
        &case.pki.p256
    }
}

fn one_suite<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, suite: CipherSuite) {
    let mut pair = case.pair(
        case.client_config().cipher_suites([suite]),
        case.server_as(identity_for(case, suite))
            .cipher_suites([suite]),
    );
    pair.connect();
    assert_eq!(pair.client.facts().cipher_suite, Some(suite));
    assert_eq!(pair.server.facts().cipher_suite, Some(suite));
    assert_eq!(pair.send(Role::Client, b"request"), b"request");
    assert_eq!(pair.send(Role::Server, b"response"), b"response");
}

fn one_group<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, group: NamedGroup) {
    // With RSA the certificate has no curve that must be among the groups.
    let mut pair = case.pair(
        case.client_config().groups([group]),
        case.server_as(&case.pki.rsa).groups([group]),
    );
    pair.connect();
    assert_group(case, &pair, group);
}

/// Asserts the group as far as each side can tell it.
fn assert_group<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, pair: &Pair, group: NamedGroup) {
    let told = |capabilities: Capabilities| {
        capabilities
            .contains(Capabilities::FACT_GROUP)
            .then_some(group)
    };
    assert_eq!(
        pair.client.facts().group,
        told(case.client.info().client),
        "the client's"
    );
    assert_eq!(
        pair.server.facts().group,
        told(case.server.info().server),
        "the server's"
    );
}

fn server_signs<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, scheme: SignatureScheme) {
    let identity = case.pki.for_scheme(scheme).expect("a key for the scheme");
    // The chain itself is signed with ECDSA on P-256; the scheme is the handshake's.
    let mut pair = case.pair(
        case.client_config().signature_schemes(with_chain(scheme)),
        case.server_as(identity).signature_schemes([scheme]),
    );
    pair.connect();
    let can_tell = case
        .client
        .info()
        .client
        .contains(Capabilities::FACT_SIGNATURE_SCHEME);
    let told = pair.client.facts().peer_signature_scheme;
    assert_eq!(told, can_tell.then_some(scheme));
    assert_eq!(pair.send(Role::Server, b"signed"), b"signed");
}

fn client_signs<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, scheme: SignatureScheme) {
    let identity = case.pki.for_scheme(scheme).expect("a key for the scheme");
    let roots = ClientAuth::Required(case.pki.roots.clone());
    let mut pair = case.pair(
        case.client_config()
            .identity(identity.clone())
            .signature_schemes(with_chain(scheme)),
        case.server_config()
            .client_auth(roots)
            .signature_schemes(with_chain(scheme)),
    );
    pair.connect();
    let can_tell = case
        .server
        .info()
        .server
        .contains(Capabilities::FACT_SIGNATURE_SCHEME);
    let told = pair.server.facts().peer_signature_scheme;
    assert_eq!(told, can_tell.then_some(scheme));
    assert!(pair.server.facts().peer_verified);
}

fn with_chain(scheme: SignatureScheme) -> Vec<SignatureScheme> {
    let mut schemes = vec![scheme];
    if scheme != SignatureScheme::EcdsaSecp256r1Sha256 {
        schemes.push(SignatureScheme::EcdsaSecp256r1Sha256);
    }
    schemes
}

/// The same on every pair: the expectation is computed from the lists alone.
fn defaults<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (client, server) = (case.client.info(), case.server.info());
    let version = case.version.unwrap_or(ProtocolVersion::Tls13);
    let mut pair = case.standard();
    pair.connect();
    let suite = CipherSuite::DEFAULT.iter().copied().find(|suite| {
        suite.version() == version
            && !suite.name().contains("_RSA_")
            && client.cipher_suites.contains(suite)
            && server.cipher_suites.contains(suite)
    });
    let group = NamedGroup::DEFAULT.iter().copied().find(|group| {
        (version == ProtocolVersion::Tls13 || !group.is_post_quantum())
            && client.groups.contains(group)
            && server.groups.contains(group)
    });
    for facts in [pair.client.facts(), pair.server.facts()] {
        assert_eq!(facts.version, Some(version));
        assert_eq!(facts.cipher_suite, suite);
    }
    assert_group(case, &pair, group.expect("a group in common"));
}

fn clients_suite_order<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (one, two) = two_suites(case);
    for (first, second) in [(one, two), (two, one)] {
        let mut pair = case.pair(
            case.client_config().cipher_suites([first, second]),
            case.server_config().cipher_suites([one, two]),
        );
        pair.connect();
        assert_eq!(pair.client.facts().cipher_suite, Some(first));
        assert_eq!(pair.server.facts().cipher_suite, Some(first));
    }
}

/// Two suites that every library has and that fit the usual server's key.
pub(super) fn two_suites<C, S>(case: &Case<C, S>) -> (CipherSuite, CipherSuite) {
    if case.version == Some(ProtocolVersion::Tls12) {
        (
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        )
    } else {
        (
            CipherSuite::TLS_AES_128_GCM_SHA256,
            CipherSuite::TLS_AES_256_GCM_SHA384,
        )
    }
}

fn clients_group_order<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (one, two) = (NamedGroup::Secp256r1, NamedGroup::Secp384r1);
    for (first, second) in [(one, two), (two, one)] {
        let mut pair = case.pair(
            case.client_config().groups([first, second]),
            case.server_config().groups([one, two]),
        );
        pair.connect();
        assert_group(case, &pair, first);
    }
}

/// In TLS 1.3 the client's key share is for its first group, which the server
/// does not have (HelloRetryRequest; RFC 8446, section 4.1.4).
fn second_hello<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.pair(
        case.client_config().groups([
            NamedGroup::X25519,
            NamedGroup::Secp256r1,
            NamedGroup::Secp384r1,
        ]),
        case.server_config().groups([NamedGroup::Secp384r1]),
    );
    pair.connect();
    assert_group(case, &pair, NamedGroup::Secp384r1);
    assert_eq!(pair.send(Role::Client, b"request"), b"request");
}
