//! Kernel TLS, which a stream of tokio cannot have: preferred, it is not
//! active; required, it is refused.

use polytls::tls::{Capabilities, Error as TlsError, KernelTls, TlsBackend};
use polytls::tokio::{Error, TlsAcceptor, TlsConnector};
use tokio::io::duplex;

use super::rig::{AsyncCase, AsyncScenario, PIPE, Rig, greet, play};
use crate::scenario::{Versions, scenario};

const KERNEL: Capabilities = Capabilities::KTLS_TX.union(Capabilities::KTLS_RX);

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario("kernel_tls_that_is_preferred_is_not_active", preferred)
            .versions(Versions::Unpinned),
        scenario("kernel_tls_that_is_required_is_refused", required).versions(Versions::Unpinned),
        scenario("kernel_tls_of_a_context_is_refused_as_well", of_context)
            .versions(Versions::Unpinned)
            .needs(KERNEL),
    ]
}

fn preferred(case: &AsyncCase) {
    let client = case.client_config().prefer_kernel_tls(true);
    let server = case.server_config().prefer_kernel_tls(true);
    let rig = Rig::of(case, client, server);
    play(async {
        let (client, server) = rig.connected().await;
        for status in [client.kernel_tls(), server.kernel_tls()] {
            assert_eq!(status, KernelTls::inactive(true));
        }
        greet(client, server).await;
    });
}

#[track_caller]
fn assert_refused(refused: Option<TlsError>, backend: &impl TlsBackend, asked: Capabilities) {
    let Some(TlsError::Unsupported(refusal)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refusal.backend, backend.info().name);
    assert_eq!(refusal.capability, asked);
    assert!(refusal.because.contains("descriptor"), "{refusal}");
}

fn required(case: &AsyncCase) {
    for asked in [Capabilities::KTLS_TX, Capabilities::KTLS_RX, KERNEL] {
        // What else is required is the backend's matter.
        let all = asked | Capabilities::IDENTITY;
        for prefers in [false, true] {
            let client = case.client_config().require(all).prefer_kernel_tls(prefers);
            let client = client.build().expect("a config");
            let connector = TlsConnector::from_config(case.client.clone(), &client);
            assert_refused(connector.err(), &case.client, asked);
            let server = case.server_config().require(all).prefer_kernel_tls(prefers);
            let server = server.build().expect("a config");
            let acceptor = TlsAcceptor::from_config(case.server.clone(), &server);
            assert_refused(acceptor.err(), &case.server, asked);
        }
    }
}

/// A context that was compiled for sockets too.
fn of_context(case: &AsyncCase) {
    let asked = Capabilities::KTLS_TX;
    let mut rig = Rig::new(case);
    let client = case.client_config().require(asked).build();
    let client = case.client.client(&client.expect("a config"));
    rig.connector = TlsConnector::new(case.client.clone(), client.expect("a context"));
    let server = case.server_config().require(asked).build();
    let server = case.server.server(&server.expect("a config"));
    rig.acceptor = TlsAcceptor::new(case.server.clone(), server.expect("a context"));
    play(async {
        let (near, far) = duplex(PIPE);
        let refused = rig.connector.connect(&rig.name, near).await;
        assert_refused(tls(refused.map(drop)), &case.client, asked);
        let refused = rig.acceptor.accept(far).await;
        assert_refused(tls(refused.map(drop)), &case.server, asked);
    });
}

fn tls(refused: Result<(), Error>) -> Option<TlsError> {
    match refused {
        Err(Error::Tls(error)) => Some(error),
        other => panic!("{other:?}"),
    }
}
