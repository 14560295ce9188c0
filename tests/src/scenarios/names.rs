//! The name that is sent, and the name that is verified.

use polytls::tls::{Capabilities, CertificateError, Identity, Role, TlsBackend};

use crate::pair::Pair;
use crate::pki::{ADDRESSES, HOST};
use crate::scenario::{Case, Scenario, scenario};
use crate::wire::ClientHello;

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("the_host_name_is_sent_and_learned", name_sent).proves(Capabilities::SNI),
        scenario("the_host_name_is_not_sent_but_verified", name_not_sent).proves(Capabilities::SNI),
        scenario("a_trailing_dot_is_not_sent", trailing_dot).needs(Capabilities::SNI),
        scenario("an_address_is_verified_and_not_sent", address)
            .proves_client(Capabilities::VERIFY_IP),
        scenario("another_address_is_refused", other_address)
            .proves_client(Capabilities::VERIFY_IP),
        scenario("a_host_name_is_verified_in_any_case", any_case),
        scenario("a_host_name_is_told_in_lower_case", lower_case).needs(Capabilities::SNI),
        scenario("a_wildcard_stands_for_one_label", wildcard),
        scenario("the_common_name_does_not_count", common_name),
        scenario("another_host_name_is_refused", other_host),
    ]
}

fn meets<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, name: &str, identity: &Identity) -> Pair {
    let mut pair = case.pair_to(name, case.client_config(), case.server_as(identity));
    pair.connect();
    assert!(pair.client.facts().peer_verified);
    pair
}

#[track_caller]
fn mismatches<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, name: &str, identity: &Identity) {
    let mut pair = case.pair_to(name, case.client_config(), case.server_as(identity));
    let error = CertificateError::NameMismatch;
    case.refuses_certificate(Role::Client, &mut pair, error);
}

fn sent_name(pair: &Pair) -> Option<String> {
    ClientHello::read(&pair.wire.sent_by(Role::Client)).server_name()
}

#[track_caller]
fn assert_told(pair: &Pair, name: Option<&str>) {
    assert_eq!(sent_name(pair).as_deref(), name, "on the wire");
    assert_eq!(
        pair.client.facts().server_name.as_deref(),
        name,
        "the client's fact"
    );
    assert_eq!(
        pair.server.facts().server_name.as_deref(),
        name,
        "the server's fact"
    );
}

fn name_sent<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    assert_told(&meets(case, HOST, &case.pki.p256), Some(HOST));
}

fn name_not_sent<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.pair(case.client_config().sni(false), case.server_config());
    pair.connect();
    assert_told(&pair, None);
    let mut pair = case.pair_to(
        "elsewhere.example",
        case.client_config().sni(false),
        case.server_config(),
    );
    let error = CertificateError::NameMismatch;
    case.refuses_certificate(Role::Client, &mut pair, error);
}

fn trailing_dot<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let pair = meets(case, &format!("{HOST}."), &case.pki.p256);
    assert_told(&pair, Some(HOST));
}

fn address<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for address in ADDRESSES {
        let pair = meets(case, &address.to_string(), &case.pki.by_address);
        assert_told(&pair, None);
    }
}

fn other_address<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    mismatches(case, "192.0.2.2", &case.pki.by_address);
    mismatches(case, "2001:db8::2", &case.pki.by_address);
    mismatches(case, "192.0.2.1", &case.pki.p256);
    mismatches(case, HOST, &case.pki.by_address);
}

fn any_case<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    meets(case, "SERVER.Example", &case.pki.p256);
}

fn lower_case<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let pair = meets(case, "SERVER.Example", &case.pki.p256);
    for facts in [pair.client.facts(), pair.server.facts()] {
        assert_eq!(facts.server_name.as_deref(), Some(HOST));
    }
}

fn wildcard<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    meets(case, "a.wild.example", &case.pki.wildcard);
    mismatches(case, "wild.example", &case.pki.wildcard);
    mismatches(case, "a.b.wild.example", &case.pki.wildcard);
    mismatches(case, "awild.example", &case.pki.wildcard);
}

fn common_name<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    mismatches(case, HOST, &case.pki.common_name_only);
}

fn other_host<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for name in [
        "elsewhere.example",
        "a.server.example",
        "example",
        "server.example.org",
    ] {
        mismatches(case, name, &case.pki.p256);
    }
}
