//! Which version is negotiated.

use polytls::tls::{Capabilities, ProtocolVersion, TlsBackend};

use crate::scenario::{Case, Scenario, Versions, scenario};

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
    assert_eq!(pair.client.facts().version, case.version);
    assert_eq!(pair.server.facts().version, case.version);
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
        for facts in [pair.client.facts(), pair.server.facts()] {
            assert_eq!(facts.version, Some(client.min(server)));
        }
    }
}
