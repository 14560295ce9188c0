//! Handshakes on other threads.

use std::time::Duration;

use polytls::tls::{CertificateError, Error as TlsError};
use polytls::tokio::{Error, Offload};
use tokio::io::duplex;

use super::rig::{AsyncCase, AsyncScenario, PIPE, Rig, greet, play};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario("offloaded_handshakes_share_one_place", one_place),
        scenario("an_offloaded_refusal_is_the_same", refused).versions(Versions::Unpinned),
        scenario("a_dropped_handshake_gives_its_place_back", dropped).versions(Versions::Unpinned),
    ]
}

fn one_place(case: &AsyncCase) {
    let mut rig = Rig::new(case);
    let offload = Offload::new(1);
    rig.connector = rig.connector.offload(offload.clone());
    rig.acceptor = rig.acceptor.offload(offload.clone());
    play(async {
        let three = tokio::join!(rig.connected(), rig.connected(), rig.connected());
        for (client, server) in [three.0, three.1, three.2] {
            greet(client, server).await;
        }
    });
    assert_eq!(offload.available(), 1);
}

fn refused(case: &AsyncCase) {
    let client = case
        .client_without_roots()
        .roots(case.pki.other_roots.clone());
    let mut rig = Rig::of(case, client, case.server_config());
    rig.connector = rig.connector.offload(Offload::new(1));
    play(async {
        let (near, far) = duplex(PIPE);
        let client = rig.connector.connect(&rig.name, near);
        let (client, _) = tokio::join!(client, rig.acceptor.accept(far));
        let unknown = TlsError::Certificate(CertificateError::UnknownIssuer);
        assert_eq!(client.err(), Some(Error::Tls(unknown)));
    });
}

fn dropped(case: &AsyncCase) {
    let mut rig = Rig::new(case);
    let offload = Offload::new(1);
    rig.connector = rig.connector.offload(offload.clone());
    play(async {
        for _ in 0..3 {
            let (near, _far) = duplex(PIPE);
            let handshake = rig.connector.connect(&rig.name, near);
            let cut = tokio::time::timeout(Duration::from_millis(1), handshake).await;
            assert!(cut.is_err(), "nobody answers");
        }
        let (client, server) = rig.connected().await;
        greet(client, server).await;
    });
    assert_eq!(offload.available(), 1);
}
