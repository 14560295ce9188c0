//! What a session tells of itself.

use polytls::tls::{
    Capabilities, CertificateDer, ClientAuth, ProtocolVersion, Role, SessionFacts, SignatureScheme,
    TlsBackend,
};

use crate::pki::HOST;
use crate::scenario::{Case, Scenario, Versions, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    let mutual = |name: &str, flag| {
        scenario(name, facts)
            .proves(flag)
            .needs_client(Capabilities::IDENTITY)
            .needs_server(Capabilities::CLIENT_AUTH_REQUIRED)
    };
    vec![
        mutual(
            "the_facts_are_complete_and_the_same_on_both_sides",
            Capabilities::empty(),
        ),
        mutual("the_facts_tell_the_version", Capabilities::FACT_VERSION),
        mutual("the_facts_tell_the_suite", Capabilities::FACT_CIPHER_SUITE),
        mutual("the_facts_tell_the_group", Capabilities::FACT_GROUP),
        mutual(
            "the_facts_tell_the_peers_chain",
            Capabilities::FACT_PEER_CHAIN,
        ),
        scenario("the_facts_tell_the_clients_signature_scheme", facts)
            .needs_client(Capabilities::IDENTITY)
            .needs_server(Capabilities::CLIENT_AUTH_REQUIRED)
            .proves_server(Capabilities::FACT_SIGNATURE_SCHEME),
        scenario("the_facts_tell_the_servers_signature_scheme", facts)
            .needs_client(Capabilities::IDENTITY)
            .needs_server(Capabilities::CLIENT_AUTH_REQUIRED)
            .proves_client(Capabilities::FACT_SIGNATURE_SCHEME),
        scenario("no_tickets_are_sent", no_tickets)
            .versions(Versions::Only(ProtocolVersion::Tls13)),
        scenario("facts_appear_with_the_end_of_the_handshake", appear),
    ]
}

/// Each side has what it advertises and `None` for the rest, and what both
/// have is equal.
fn facts<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let pki = case.pki;
    let mut pair = case.pair(
        case.client_config().identity(pki.client.clone()),
        case.server_config()
            .client_auth(ClientAuth::Required(pki.roots.clone())),
    );
    pair.connect();
    let (client, server) = (pair.client.facts(), pair.server.facts());
    check(client, case.client.info().client, pki.p256.chain());
    check(server, case.server.info().server, pki.client.chain());
    for (flag, same) in [
        (Capabilities::FACT_VERSION, client.version == server.version),
        (
            Capabilities::FACT_CIPHER_SUITE,
            client.cipher_suite == server.cipher_suite,
        ),
        (Capabilities::FACT_GROUP, client.group == server.group),
    ] {
        assert!(
            !case.both_advertise(flag) || same,
            "{flag}: {client:?} {server:?}"
        );
    }
    for (facts, flags) in [
        (client, case.client.info().client),
        (server, case.server.info().server),
    ] {
        assert_eq!(facts.alpn, None);
        assert!(facts.peer_verified);
        if flags.contains(Capabilities::SNI) {
            assert_eq!(facts.server_name.as_deref(), Some(HOST));
        }
    }
}

#[track_caller]
fn check(facts: &SessionFacts, flags: Capabilities, chain: &[CertificateDer<'static>]) {
    for (flag, told) in [
        (Capabilities::FACT_VERSION, facts.version.is_some()),
        (
            Capabilities::FACT_CIPHER_SUITE,
            facts.cipher_suite.is_some(),
        ),
        (Capabilities::FACT_GROUP, facts.group.is_some()),
        (
            Capabilities::FACT_SIGNATURE_SCHEME,
            facts.peer_signature_scheme.is_some(),
        ),
    ] {
        assert_eq!(flags.contains(flag), told, "{flag} of {facts:?}");
    }
    if let Some(scheme) = facts.peer_signature_scheme {
        assert_eq!(scheme, SignatureScheme::EcdsaSecp256r1Sha256);
    }
    if flags.contains(Capabilities::FACT_PEER_CHAIN) {
        assert_eq!(facts.peer_certificates, chain);
    } else {
        assert_eq!(facts.peer_certificates, chain[..1]);
    }
}

/// Not before: the checks of every call watch over that as well.
fn appear<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    for role in [Role::Client, Role::Server] {
        let step = pair.side(role).handshake().expect("the first flight");
        assert!(!step.is_ready());
        assert!(pair.side(role).session.facts().is_none());
    }
    pair.connect();
    let before = pair.client.facts().clone();
    assert_eq!(pair.send(Role::Client, b"data"), b"data");
    assert_eq!(*pair.client.facts(), before);
}

/// Resumption is off: a server has said everything before the client's
/// Finished comes.
fn no_tickets<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    let _ = pair.client.handshake().expect("the ClientHello leaves");
    let _ = pair.server.handshake().expect("the server's flight leaves");
    let sent = pair.wire.octets_sent_by(Role::Server);
    pair.connect();
    assert_eq!(pair.send(Role::Client, b"data"), b"data");
    assert_eq!(pair.wire.octets_sent_by(Role::Server), sent);
}
