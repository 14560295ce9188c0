//! Client certificates.

use polytls::tls::{Alert, Capabilities, CertificateError, ClientAuth, Identity, Role, TlsBackend};

use crate::pair::{Meeting, Pair};
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    let optional = Capabilities::CLIENT_AUTH_OPTIONAL | Capabilities::ROOTS;
    let required = Capabilities::CLIENT_AUTH_REQUIRED | Capabilities::ROOTS;
    vec![
        scenario("a_client_is_not_asked_for_its_certificate", not_asked)
            .needs_client(Capabilities::IDENTITY),
        scenario(
            "an_optional_client_certificate_may_be_missing",
            optional_missing,
        )
        .proves_server(optional),
        scenario("an_optional_client_certificate_is_verified", optional_shown)
            .proves_client(Capabilities::IDENTITY)
            .proves_server(optional),
        scenario("a_bad_optional_client_certificate_is_refused", optional_bad)
            .needs_client(Capabilities::IDENTITY)
            .proves_server(optional),
        scenario("a_required_client_certificate_is_verified", required_shown)
            .proves_client(Capabilities::IDENTITY)
            .proves_server(required),
        scenario(
            "a_required_client_certificate_that_is_missing_is_refused",
            required_missing,
        )
        .proves_server(required),
        scenario("a_bad_required_client_certificate_is_refused", required_bad)
            .needs_client(Capabilities::IDENTITY)
            .proves_server(required),
    ]
}

fn meet<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    identity: Option<&Identity>,
    auth: ClientAuth,
) -> (Meeting, Pair) {
    let mut client = case.client_config();
    if let Some(identity) = identity {
        client = client.identity(identity.clone());
    }
    let mut pair = case.pair(client, case.server_config().client_auth(auth));
    (pair.meet(), pair)
}

fn not_asked<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (meeting, pair) = meet(case, Some(&case.pki.client), ClientAuth::None);
    meeting.assert_met();
    assert!(pair.server.facts().peer_certificates.is_empty());
    assert!(!pair.server.facts().peer_verified);
}

fn optional_missing<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let auth = ClientAuth::Optional(case.pki.roots.clone());
    let (meeting, mut pair) = meet(case, None, auth);
    meeting.assert_met();
    assert!(pair.server.facts().peer_certificates.is_empty());
    assert!(!pair.server.facts().peer_verified);
    assert_eq!(pair.server.facts().peer_signature_scheme, None);
    assert_eq!(pair.send(Role::Server, b"welcome"), b"welcome");
}

fn optional_shown<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    shown(case, &ClientAuth::Optional(case.pki.roots.clone()));
}

fn required_shown<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    shown(case, &ClientAuth::Required(case.pki.roots.clone()));
}

#[track_caller]
fn shown<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, auth: &ClientAuth) {
    let pki = case.pki;
    for identity in [&pki.client, &pki.rsa, &pki.ed25519, &pki.large] {
        let (meeting, mut pair) = meet(case, Some(identity), auth.clone());
        meeting.assert_met();
        let facts = pair.server.facts();
        assert!(facts.peer_verified);
        assert_eq!(facts.peer_certificates.first(), identity.chain().first());
        assert_eq!(pair.send(Role::Server, b"welcome"), b"welcome");
    }
}

fn optional_bad<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    bad(case, &ClientAuth::Optional(case.pki.roots.clone()));
}

fn required_bad<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    bad(case, &ClientAuth::Required(case.pki.roots.clone()));
}

#[track_caller]
fn bad<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, auth: &ClientAuth) {
    let pki = case.pki;
    for (identity, error) in [
        (&pki.unknown_ca, CertificateError::UnknownIssuer),
        (&pki.server, CertificateError::InvalidPurpose),
        (&pki.expired, CertificateError::Expired),
    ] {
        let (meeting, _) = meet(case, Some(identity), auth.clone());
        let alert = error.alert();
        meeting.assert_refused(Role::Server, error, alert);
    }
}

fn required_missing<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let auth = ClientAuth::Required(case.pki.roots.clone());
    let (meeting, _) = meet(case, None, auth);
    let alert = if case.is_tls12() {
        Alert::HANDSHAKE_FAILURE
    } else {
        Alert::CERTIFICATE_REQUIRED
    };
    meeting.assert_refused(Role::Server, CertificateError::Missing, alert);
}
