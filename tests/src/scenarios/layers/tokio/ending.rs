//! How streams end.

use std::io;

use polytls::tls::{Error, Role};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::faulty::{End, Faulty};
use super::rig::{AsyncCase, AsyncScenario, PIPE, Rig, pattern, play, tls_error};
use crate::scenario::scenario;

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario("a_shutdown_is_a_clean_end_and_reading_goes_on", half_close),
        scenario("an_end_without_close_notify_is_a_truncation", truncation),
        scenario("a_cut_amid_the_data_is_a_truncation_behind_them", |case| {
            ends_amid_data(
                case,
                End::Cut,
                io::ErrorKind::UnexpectedEof,
                &Error::Truncated,
            );
        }),
        scenario("a_reset_amid_the_data_is_told_behind_them", |case| {
            let kind = io::ErrorKind::ConnectionReset;
            ends_amid_data(case, End::Reset, kind, &io::Error::from(kind).into());
        }),
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
    assert_eq!(tls_error(error), Error::Truncated);
}

/// What one record holds here, and how many come whole.
const PIECE: usize = 300;
const WHOLE: usize = 3;

/// The fault is in the middle of a record.
fn ends_amid_data(case: &AsyncCase, end: End, kind: io::ErrorKind, error: &Error) {
    let rig = Rig::new(case);
    let data = pattern((WHOLE + 1) * PIECE);
    for near in [Role::Client, Role::Server] {
        play(async {
            let (client, server) = duplex(PIPE);
            let (client, server) = (Faulty::new(client), Faulty::new(server));
            let (client, server) = rig.over(client, server).await;
            let (mut near, mut far) = match near {
                Role::Client => (client, server),
                Role::Server => (server, client),
            };
            // The first brings the tickets along, if there are any.
            far.write_all(b"first").await.expect("a write");
            far.flush().await.expect("a flush");
            near.read_exact(&mut [0; 5]).await.expect("data");
            let fault = WHOLE * (PIECE + OVERHEAD) + PIECE / 2;
            near.get_mut().end_after(fault, end);
            for piece in data.chunks(PIECE) {
                far.write_all(piece).await.expect("a write");
                far.flush().await.expect("a flush");
            }
            let mut heard = Vec::new();
            for _ in 0..2 {
                let ended = near.read_to_end(&mut heard).await;
                let ended = ended.expect_err("no clean end");
                assert_eq!((ended.kind(), &tls_error(&ended)), (kind, error));
            }
            assert!(heard == data[..WHOLE * PIECE], "{} came", heard.len());
            let written = near.write_all(b"more").await.and(near.flush().await);
            assert_eq!(tls_error(&written.expect_err("it has ended")), *error);
            // The peer sees that there is nobody any more, and does not wait.
            drop(near);
            let left = far.read(&mut [0]).await.expect_err("no clean end");
            assert_truncated(&left);
        });
    }
}

/// At most what a record adds to its data: a header, a nonce or a type, a tag.
const OVERHEAD: usize = 29;
