//! Handshakes that fail.

use polytls::tls::{CertificateError, Error as TlsError};
use polytls::tokio::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::rig::{AsyncCase, AsyncScenario, PIPE, Rig, SHORT, play};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario("a_refused_certificate_is_told_to_both_sides", refused),
        scenario("a_handshake_is_over_in_time", late).versions(Versions::Unpinned),
        scenario("a_handshake_that_trickles_in_is_over_in_time", trickle)
            .versions(Versions::Unpinned),
        scenario("a_peer_that_leaves_is_a_truncation", leaves).versions(Versions::Unpinned),
    ]
}

fn refused(case: &AsyncCase) {
    let client = case
        .client_without_roots()
        .roots(case.pki.other_roots.clone());
    let rig = Rig::of(case, client, case.server_config());
    play(async {
        let (near, far) = duplex(PIPE);
        let client = rig.connector.connect(&rig.name, near).into_fallible();
        let server = async {
            let mut stream = rig.acceptor.accept(far).await?;
            // In TLS 1.3 the server is done before it hears of it.
            let read = stream.read(&mut [0]).await;
            read.expect_err("an alert");
            Ok::<_, Error>(())
        };
        let (client, server) = tokio::join!(client, server);
        let failed = client.expect_err("a refusal");
        let unknown = TlsError::Certificate(CertificateError::UnknownIssuer);
        assert_eq!(failed.error, Error::Tls(unknown));
        if let Err(error) = server {
            assert!(matches!(error, Error::Tls(_)), "{error:?}");
        }
        // The stream is there, and plain.
        let mut io = failed.io;
        assert!(io.write_all(b"plain").await.is_err(), "the server has gone");
    });
}

fn late(case: &AsyncCase) {
    let rig = Rig::new(case);
    let timed_out = Error::Timeout { after: SHORT };
    play(async {
        let (near, _far) = duplex(PIPE);
        let connector = rig.connector.clone().handshake_timeout(Some(SHORT));
        let result = connector.connect(&rig.name, near).await;
        assert_eq!(result.err(), Some(timed_out.clone()));
        let (_near, far) = duplex(PIPE);
        let acceptor = rig.acceptor.clone().handshake_timeout(Some(SHORT));
        assert_eq!(acceptor.accept(far).await.err(), Some(timed_out));
    });
}

/// The client's hello comes an octet at a time, and never to its end.
fn trickle(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let (mut near, far) = duplex(PIPE);
        let acceptor = rig.acceptor.clone().handshake_timeout(Some(2 * SHORT));
        let client = async {
            let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
            for octet in hello.iter().chain(&[0; 500]) {
                if near.write_all(&[*octet]).await.is_err() {
                    return;
                }
                tokio::time::sleep(SHORT / 10).await;
            }
        };
        let (_, result) = tokio::join!(client, async {
            let result = acceptor.accept(far).await;
            result.map(drop)
        });
        let after = 2 * SHORT;
        assert_eq!(result, Err(Error::Timeout { after }));
    });
}

fn leaves(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let (near, far) = duplex(PIPE);
        drop(far);
        let result = rig.connector.connect(&rig.name, near).await;
        assert!(result.is_err());
        let (near, far) = duplex(PIPE);
        drop(near);
        let result = rig.acceptor.accept(far).await.map(drop);
        assert_eq!(result, Err(Error::Tls(TlsError::Truncated)));
    });
}
