//! How streams end.

use std::io;

use polytls::tls::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::rig::{AsyncCase, AsyncScenario, Rig, play};
use crate::scenario::scenario;

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario("a_shutdown_is_a_clean_end_and_reading_goes_on", half_close),
        scenario("an_end_without_close_notify_is_a_truncation", truncation),
    ]
}

fn half_close(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let (mut client, mut server) = rig.connected().await;
        client.write_all(b"last words").await.expect("a write");
        client.shutdown().await.expect("an end");
        assert!(client.write_all(b"more").await.is_err());
        let mut heard = Vec::new();
        server.read_to_end(&mut heard).await.expect("a clean end");
        assert_eq!(heard, b"last words");
        assert_eq!(server.read(&mut [0]).await.expect("the end again"), 0);
        server.write_all(b"farewell").await.expect("a write");
        server.shutdown().await.expect("an end");
        heard.clear();
        client.read_to_end(&mut heard).await.expect("a clean end");
        assert_eq!(heard, b"farewell");
    });
}

fn truncation(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let (mut client, mut server) = rig.connected().await;
        server.write_all(b"half of it").await.expect("a write");
        server.flush().await.expect("a flush");
        drop(server);
        let mut heard = Vec::new();
        let ended = client.read_to_end(&mut heard).await;
        assert_eq!(heard, b"half of it");
        assert_truncated(&ended.expect_err("no clean end"));
        let again = client.read(&mut [0]).await;
        assert_truncated(&again.expect_err("no clean end"));
    });
}

#[track_caller]
fn assert_truncated(error: &io::Error) {
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    assert_eq!(inner, Some(&Error::Truncated));
}
