//! Handshakes in which one side refuses the other: both have the exact error,
//! also over a stream that takes an octet at a time.

use polytls::tls::{
    Alert, Capabilities, CertificateError, ClientAuth, Error as TlsError, PeerIncompatible,
};
use polytls::tokio::{Error, Offload};
use tokio::io::duplex;

use super::rig::{AsyncCase, AsyncScenario, PIPE, Rig, play};
use super::slow::OneOctetAtATime;
use crate::scenario::scenario;

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario("a_client_that_refuses_is_heard", by_client)
            .needs_client(Capabilities::CERTIFICATE_RULES),
        scenario("a_server_that_refuses_a_certificate_is_heard", certificate)
            .needs_client(Capabilities::IDENTITY)
            .needs_server(Capabilities::CLIENT_AUTH_REQUIRED),
        scenario("a_server_that_misses_a_certificate_is_heard", missing)
            .needs_server(Capabilities::CLIENT_AUTH_REQUIRED),
        scenario("a_server_without_a_common_protocol_is_heard", protocol)
            .needs(Capabilities::ALPN)
            .needs_server(Capabilities::ALPN_STRICT),
    ]
}

/// What the client's and the server's handshake come to: over a pipe, and over
/// one that is slow.
#[track_caller]
fn refused(rig: &Rig, client: impl Into<TlsError>, server: impl Into<TlsError>) {
    let expected = [client.into(), server.into()].map(Error::from);
    let heard = play(async {
        let (near, far) = duplex(PIPE);
        rig.refused_over(near, far).await
    });
    assert_eq!(heard, expected);
    assert_eq!(refused_slowly(rig), expected, "octet by octet");
}

fn refused_slowly(rig: &Rig) -> [Error; 2] {
    play(async {
        let (near, far) = duplex(64);
        let (near, far) = (OneOctetAtATime::new(near), OneOctetAtATime::new(far));
        rig.refused_over(near, far).await
    })
}

/// Computed elsewhere, too.
fn by_client(case: &AsyncCase) {
    let roots = case.pki.other_roots.clone();
    let client = case.client_without_roots().roots(roots);
    let mut rig = Rig::of(case, client, case.server_config());
    let error = CertificateError::UnknownIssuer;
    let told = || TlsError::AlertReceived(error.alert());
    refused(&rig, error.clone(), told());
    rig.connector = rig.connector.offload(Offload::new(1));
    rig.acceptor = rig.acceptor.offload(Offload::new(1));
    let heard = refused_slowly(&rig);
    assert_eq!(heard, [error.clone().into(), told()].map(Error::Tls));
}

fn certificate(case: &AsyncCase) {
    let auth = ClientAuth::Required(case.pki.roots.clone());
    let client = case.client_config().identity(case.pki.unknown_ca.clone());
    let rig = Rig::of(case, client, case.server_config().client_auth(auth));
    let error = CertificateError::UnknownIssuer;
    refused(&rig, TlsError::AlertReceived(error.alert()), error);
}

fn missing(case: &AsyncCase) {
    let auth = ClientAuth::Required(case.pki.roots.clone());
    let server = case.server_config().client_auth(auth);
    let rig = Rig::of(case, case.client_config(), server);
    let alert = match case.is_tls12() {
        true => Alert::HANDSHAKE_FAILURE,
        false => Alert::CERTIFICATE_REQUIRED,
    };
    let error = CertificateError::Missing;
    refused(&rig, TlsError::AlertReceived(alert), error);
}

fn protocol(case: &AsyncCase) {
    let client = case.client_config().alpn(["h2"]);
    let rig = Rig::of(case, client, case.server_config().alpn(["http/1.1"]));
    let alert = Alert::NO_APPLICATION_PROTOCOL;
    let error = PeerIncompatible::NoCommonAlpn;
    refused(&rig, TlsError::AlertReceived(alert), error);
}
