//! Application protocols (RFC 7301).

use polytls::tls::{Alert, Capabilities, PeerIncompatible, Role, TlsBackend};

use crate::pair::{Meeting, Pair};
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario(
            "the_server_chooses_the_protocol_by_its_order",
            servers_order,
        )
        .proves(Capabilities::ALPN)
        .needs_server(Capabilities::ALPN_STRICT),
        scenario("without_protocols_on_one_side_none_is_negotiated", one_side)
            .needs(Capabilities::ALPN)
            .needs_server(Capabilities::ALPN_STRICT),
        scenario("protocols_of_any_text_are_negotiated", any_text)
            .needs(Capabilities::ALPN)
            .needs_server(Capabilities::ALPN_STRICT),
        scenario("protocols_of_any_octets_are_negotiated", any_octets)
            .proves(Capabilities::ALPN_OCTETS)
            .needs(Capabilities::ALPN)
            .needs_server(Capabilities::ALPN_STRICT),
        scenario(
            "without_a_common_protocol_the_handshake_fails",
            none_in_common,
        )
        .needs(Capabilities::ALPN)
        .proves_server(Capabilities::ALPN_STRICT),
    ]
}

fn meet<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    client: &[&[u8]],
    server: &[&[u8]],
) -> (Meeting, Pair) {
    let mut pair = case.pair(
        case.client_config().alpn(client),
        case.server_config().alpn(server),
    );
    (pair.meet(), pair)
}

#[track_caller]
fn negotiates<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    client: &[&[u8]],
    server: &[&[u8]],
    expected: Option<&[u8]>,
) {
    let (meeting, pair) = meet(case, client, server);
    meeting.assert_met();
    assert_eq!(pair.client.facts().alpn.as_deref(), expected);
    assert_eq!(pair.server.facts().alpn.as_deref(), expected);
}

fn servers_order<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    negotiates(case, &[b"h2"], &[b"h2"], Some(b"h2"));
    negotiates(
        case,
        &[b"http/1.1", b"h2"],
        &[b"h2", b"http/1.1"],
        Some(b"h2"),
    );
    negotiates(
        case,
        &[b"h2", b"http/1.1"],
        &[b"http/1.1", b"h2"],
        Some(b"http/1.1"),
    );
    negotiates(
        case,
        &[b"a", b"b", b"http/1.1"],
        &[b"h2", b"http/1.1"],
        Some(b"http/1.1"),
    );
}

fn one_side<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    negotiates(case, &[], &[], None);
    negotiates(case, &[b"h2"], &[], None);
    negotiates(case, &[], &[b"h2"], None);
}

fn any_text<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let longest = [b'x'; 255];
    negotiates(case, &[b"\0", &longest], &[&longest], Some(&longest));
    negotiates(case, &[b"\0", &longest], &[b"\0"], Some(b"\0"));
    let beyond_ascii = "pröb\u{1f512}".as_bytes();
    negotiates(case, &[beyond_ascii], &[beyond_ascii], Some(beyond_ascii));
}

fn any_octets<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let longest = [0xff; 255];
    negotiates(case, &[b"\0", &longest], &[&longest], Some(&longest));
    negotiates(case, &[b"\0", &longest], &[b"\0"], Some(b"\0"));
}

fn none_in_common<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    // A prefix and another spelling are not the same protocol.
    for offered in [&b"spdy/3"[..], b"h", b"h22", b"H2"] {
        let (meeting, _) = meet(case, &[offered], &[b"h2"]);
        meeting.assert_refused(
            Role::Server,
            PeerIncompatible::NoCommonAlpn,
            Alert::NO_APPLICATION_PROTOCOL,
        );
    }
}
