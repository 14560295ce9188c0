//! What a socket tells of its session.

use polytls::tls::{Capabilities, Error as TlsError, TlsBackend, TlsSession};

use super::ends::{Link, Setup, greet, shake, tls_error};
use crate::pki::HOST;
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("a_socket_tells_the_facts_of_its_session", facts),
        scenario("a_socket_exports_what_both_sides_share", exporter).needs(Capabilities::EXPORTER),
    ]
}

fn facts<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (mut client, mut server) = Setup::new(case).turned_on(Link::Tcp4);
    assert!(client.facts().is_none() && server.facts().is_none());
    assert!(client.session().is_some());
    shake(&mut client, &mut server);
    let facts = client.facts().expect("facts");
    assert!(facts.peer_verified);
    assert_eq!(facts.peer_certificates[0], case.pki.p256.chain()[0]);
    if case.both_advertise(Capabilities::FACT_VERSION) {
        assert_eq!(facts.version, case.version);
        assert_eq!(server.facts().and_then(|facts| facts.version), case.version);
    }
    if case.client.info().client.contains(Capabilities::SNI) {
        assert_eq!(facts.server_name.as_deref(), Some(HOST));
    }
    let of_session = client.session().and_then(TlsSession::facts);
    assert_eq!(of_session, Some(facts));
    greet(&mut client, &mut server);
}

fn exporter<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    const LABEL: &str = "EXPORTER-polytls";
    let (mut client, mut server) = Setup::new(case).turned_on(Link::Pair);
    let early = client.export_keying_material(&mut [0; 32], LABEL, None);
    let early = tls_error(early);
    assert!(matches!(early, TlsError::Config(_)), "{early:?}");
    shake(&mut client, &mut server);
    let mut seen = vec![[0; 32]];
    for (label, context) in [
        (LABEL, None),
        (LABEL, Some(&b"context"[..])),
        ("EXPORTER-another", None),
    ] {
        let (mut near, mut far) = ([0; 32], [0; 32]);
        let exported = client.export_keying_material(&mut near, label, context);
        assert_eq!(exported, Ok(()));
        let exported = server.export_keying_material(&mut far, label, context);
        assert_eq!(exported, Ok(()));
        assert_eq!(near, far);
        assert!(!seen.contains(&near), "each input has its own output");
        seen.push(near);
    }
    greet(&mut client, &mut server);
}
