//! Which version is negotiated.

use polytls::tls::{Capabilities, ProtocolVersion, Role, TlsBackend};

use crate::pair::Pair;
use crate::scenario::{Case, Scenario, Versions, scenario};
use crate::wire::records;

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    use ProtocolVersion::{Tls12, Tls13};

    let both = Capabilities::TLS12 | Capabilities::TLS13;
    vec![
        scenario("one_version_alone_is_negotiated", one_alone)
            .versions(Versions::Only(Tls12))
            .proves(Capabilities::TLS12),
        scenario("one_version_alone_is_negotiated", one_alone)
            .versions(Versions::Only(Tls13))
            .proves(Capabilities::TLS13),
        scenario("the_highest_common_version_is_negotiated", highest_common)
            .versions(Versions::Unpinned)
            .needs(both),
    ]
}

fn one_alone<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    assert_version(case, &pair, case.version.expect("the scenario is pinned"));
}

fn highest_common<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    use ProtocolVersion::{Tls12, Tls13};

    let of_client = |max| case.client_config().max_version(max);
    let of_server = |max| case.server_config().max_version(max);
    for (client, server) in [
        (Tls13, Tls13),
        (Tls13, Tls12),
        (Tls12, Tls13),
        (Tls12, Tls12),
    ] {
        let mut pair = case.pair(of_client(client), of_server(server));
        pair.connect();
        assert_version(case, &pair, client.min(server));
    }
}

/// Asserts the version on the wire and, as far as each side can tell it, in
/// the facts. Nothing but the handshake has passed.
#[track_caller]
fn assert_version<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    pair: &Pair,
    version: ProtocolVersion,
) {
    // What TLS 1.3 encrypts of a handshake, it calls data.
    let sent = pair.wire.sent_by(Role::Server);
    let encrypts = records(&sent)
        .iter()
        .any(|record| record.content_type == 23);
    assert_eq!(encrypts, version == ProtocolVersion::Tls13, "on the wire");
    let told = |capabilities: Capabilities| {
        capabilities
            .contains(Capabilities::FACT_VERSION)
            .then_some(version)
    };
    let (client, server) = (case.client.info().client, case.server.info().server);
    assert_eq!(pair.client.facts().version, told(client), "the client's");
    assert_eq!(pair.server.facts().version, told(server), "the server's");
}
