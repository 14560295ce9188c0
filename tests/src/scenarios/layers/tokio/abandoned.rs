//! Futures that are dropped before they are done, and what the peer sees.

use polytls::tls::{Capabilities, Error as TlsError, ProtocolVersion, Role};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::dropping::once;
use super::rig::{
    AsyncCase, AsyncScenario, Rig, Stream, greet, hear, pattern, play, refusal, tls_error,
};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario("a_dropped_handshake_is_a_truncation_to_the_peer", handshake),
        scenario("a_dropped_shutdown_is_a_truncation_to_the_peer", shutdown),
        scenario("a_dropped_shutdown_is_finished_by_the_next", shutdown_again),
        scenario("a_dropped_renewal_is_finished_by_the_next", renewal)
            .versions(Versions::Only(ProtocolVersion::Tls13))
            .needs(Capabilities::KEY_UPDATE),
    ]
}

/// The client is dropped when the server's flight is under way, the server
/// before it has answered.
fn handshake(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let (near, far) = duplex(64 * 1024);
        let mut client = rig.connector.connect(&rig.name, near);
        let mut server = Box::pin(refusal(rig.acceptor.accept(far)));
        assert!(once(&mut client).is_none(), "the server has said nothing");
        assert!(once(&mut server).is_none(), "the client has not finished");
        drop(client);
        assert_eq!(server.await.0, TlsError::Truncated.into());
        let (near, far) = duplex(64 * 1024);
        let mut client = Box::pin(refusal(rig.connector.connect(&rig.name, near)));
        let server = rig.acceptor.accept(far);
        assert!(once(&mut client).is_none(), "the server has said nothing");
        drop(server);
        assert_eq!(client.await.0, TlsError::Truncated.into());
    });
}

/// Two ends, the first of which has sent until there was no room; and what it
/// has sent.
async fn stuck(rig: &Rig, near: Role) -> (Stream, Stream, Vec<u8>) {
    let (client, server) = rig.connected().await;
    let (mut near, far) = match near {
        Role::Client => (client, server),
        Role::Server => (server, client),
    };
    let mut sent = Vec::new();
    for piece in pattern(200_000).chunks(1000) {
        match once(near.write(piece)) {
            Some(taken) => sent.extend_from_slice(&piece[..taken.expect("a write")]),
            None => return (near, far, sent),
        }
    }
    panic!("there is room for all of it");
}

fn shutdown(case: &AsyncCase) {
    let rig = Rig::new(case);
    for role in [Role::Client, Role::Server] {
        play(async {
            let (mut near, mut far, sent) = stuck(&rig, role).await;
            assert!(once(near.shutdown()).is_none(), "there is no room");
            drop(near);
            let mut heard = Vec::new();
            let ended = far.read_to_end(&mut heard).await;
            assert_eq!(
                tls_error(&ended.expect_err("no clean end")),
                TlsError::Truncated
            );
            assert!(heard.len() < sent.len() && sent.starts_with(&heard));
        });
    }
}

fn shutdown_again(case: &AsyncCase) {
    let rig = Rig::new(case);
    for role in [Role::Client, Role::Server] {
        play(async {
            let (mut near, far, sent) = stuck(&rig, role).await;
            for _ in 0..2 {
                assert!(once(near.shutdown()).is_none(), "there is no room");
            }
            let (heard, ended) = tokio::join!(hear(far), near.shutdown());
            ended.expect("an end");
            assert!(heard == sent, "lost, doubled or mixed up");
        });
    }
}

fn renewal(case: &AsyncCase) {
    let rig = Rig::new(case);
    for role in [Role::Client, Role::Server] {
        play(async {
            let (mut near, mut far, sent) = stuck(&rig, role).await;
            for _ in 0..2 {
                assert!(once(near.key_update()).is_none(), "there is no room");
            }
            let mut heard = vec![0; sent.len()];
            let (read, renewed) = tokio::join!(far.read_exact(&mut heard), near.key_update());
            read.expect("all of it");
            renewed.expect("new keys");
            assert!(heard == sent, "lost, doubled or mixed up");
            greet(near, far).await;
        });
    }
}
