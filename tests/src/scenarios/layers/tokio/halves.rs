//! Streams in two halves, each in a task of its own.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use polytls::tls::{Capabilities, ProtocolVersion, Role};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::rig::{AsyncCase, AsyncScenario, Rig, Stream, pattern, play};
use crate::scenario::{Versions, scenario};

/// Many times what the pipe holds.
const OCTETS: usize = 100_000;

/// More renewals than a session lets pile up whose answers find no room.
const RENEWALS: usize = 12;

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario(
            "a_writer_goes_on_after_a_reader_had_to_answer",
            |case: &AsyncCase| {
                for near in [Role::Client, Role::Server] {
                    play(answered(case, near));
                }
            },
        )
        .versions(Versions::Only(ProtocolVersion::Tls13))
        .needs(Capabilities::KEY_UPDATE),
    ]
}

/// The writer waits for room. Then the peer asks for new keys, again and again,
/// and the reader that wants to answer waits for room too: the pipe remembers
/// one task alone.
async fn answered(case: &AsyncCase, near: Role) {
    let rig = Rig::new(case);
    let (client, server) = rig.connected().await;
    let (near, mut far) = match near {
        Role::Client => (client, server),
        Role::Server => (server, client),
    };
    let data = pattern(OCTETS);
    let (mut near_in, mut near_out) = tokio::io::split(near);
    let writer = tokio::spawn({
        let data = data.clone();
        async move {
            near_out.write_all(&data).await.expect("a write");
            near_out.shutdown().await.expect("an end");
        }
    });
    stands_still().await;
    assert!(!writer.is_finished(), "there is room for all of it");
    let reader = tokio::spawn(async move {
        let mut heard = Vec::new();
        near_in.read_to_end(&mut heard).await.expect("a clean end");
        heard
    });
    for _ in 0..RENEWALS {
        renew(&mut far).await;
        stands_still().await;
    }
    let mut heard = Vec::new();
    far.read_to_end(&mut heard).await.expect("a clean end");
    assert!(heard == data, "lost, doubled or mixed up");
    far.write_all(b"behind").await.expect("a write");
    far.shutdown().await.expect("an end");
    writer.await.expect("no panic");
    assert_eq!(reader.await.expect("no panic"), b"behind");
}

/// Lets the other tasks come as far as they can.
async fn stands_still() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Sends a KeyUpdate as far as there is room for it.
async fn renew(far: &mut Stream) {
    poll_fn(|cx| {
        if far.poll_key_update(cx).is_ready() {
            let _ = Pin::new(&mut *far).poll_flush(cx);
        }
        Poll::Ready(())
    })
    .await;
}
