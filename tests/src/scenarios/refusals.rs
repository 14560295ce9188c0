//! Handshakes that are refused over a transport that takes little: the alert
//! leaves all the same, before the refusing side has its error.

use polytls::tls::{
    Alert, Capabilities, CertificateError, ClientAuth, ClientConfigBuilder, Error, Interest,
    PeerIncompatible, Role, ServerConfigBuilder, Step, TlsBackend, Transport, parse_server_name,
};

use crate::faults::{BlockedBeforeEveryCall, OneByteAtATime};
use crate::pair::Pair;
use crate::pipe::End;
use crate::pki::HOST;
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("an_alert_of_the_client_leaves_octet_by_octet", by_client),
        scenario("an_alert_of_the_server_leaves_octet_by_octet", by_server)
            .needs(Capabilities::ALPN)
            .needs_server(Capabilities::ALPN_STRICT),
        scenario(
            "an_alert_behind_the_servers_flight_leaves_octet_by_octet",
            without_certificate,
        )
        .needs_server(Capabilities::CLIENT_AUTH_REQUIRED),
        scenario("an_alert_that_finds_no_room_is_waited_for", without_room),
        scenario(
            "a_peer_that_has_gone_gets_no_alert_and_the_fault_is_told",
            gone,
        ),
    ]
}

/// A pair both of whose transports pass an octet at a time, and none in
/// between.
fn slow<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    client: ClientConfigBuilder,
    server: ServerConfigBuilder,
) -> Pair {
    let slow = |end: End| -> Box<dyn Transport> {
        Box::new(OneByteAtATime(BlockedBeforeEveryCall::new(end)))
    };
    let name = parse_server_name(HOST).expect("a server name");
    let contexts = case.contexts(client, server);
    let contexts = contexts.expect("both backends take the configs");
    contexts.pair(&name, slow, slow)
}

fn by_client<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let roots = case.pki.other_roots.clone();
    let client = case.client_without_roots().roots(roots);
    let mut pair = slow(case, client, case.server_config());
    case.refuses_certificate(Role::Client, &mut pair, CertificateError::UnknownIssuer);
}

fn by_server<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let client = case.client_config().alpn(["h2"]);
    let server = case.server_config().alpn(["http/1.1"]);
    slow(case, client, server).meet().assert_refused(
        Role::Server,
        PeerIncompatible::NoCommonAlpn,
        Alert::NO_APPLICATION_PROTOCOL,
    );
}

fn without_certificate<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let auth = ClientAuth::Required(case.pki.roots.clone());
    let server = case.server_config().client_auth(auth);
    let alert = match case.is_tls12() {
        true => Alert::HANDSHAKE_FAILURE,
        false => Alert::CERTIFICATE_REQUIRED,
    };
    slow(case, case.client_config(), server)
        .meet()
        .assert_refused(Role::Server, CertificateError::Missing, alert);
}

/// A pair whose client is about to refuse, and has no room to say so.
fn about_to_refuse<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) -> Pair {
    let roots = case.pki.other_roots.clone();
    let client = case.client_without_roots().roots(roots);
    let mut pair = case.pair(client, case.server_config());
    for side in [Role::Client, Role::Server] {
        let step = pair.side(side).handshake().expect("a flight");
        assert!(!step.is_ready());
    }
    pair.wire.set_room(Role::Client, 0);
    pair
}

fn without_room<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = about_to_refuse(case);
    for _ in 0..3 {
        let step = pair.client.handshake();
        assert_eq!(step, Ok(Step::Blocked(Interest::WRITE)));
        let refusal = pair.client.session.refusal();
        let unknown = CertificateError::UnknownIssuer.into();
        assert_eq!(refusal, Some(&unknown), "it is known already");
    }
    pair.wire.set_room(Role::Client, 1 << 16);
    case.refuses_certificate(Role::Client, &mut pair, CertificateError::UnknownIssuer);
}

fn gone<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = about_to_refuse(case);
    assert!(!pair.client.handshake().expect("it waits").is_ready());
    pair.wire.leave(Role::Server);
    let unknown = Error::Certificate(CertificateError::UnknownIssuer);
    for _ in 0..2 {
        assert_eq!(pair.client.handshake(), Err(unknown.clone()));
        assert_eq!(pair.client.session.refusal(), None);
    }
}
