//! What a client does first, or does not, behind its handshake.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use hyper::service::service_fn;
use polytls::tls::Capabilities;
use polytls::tokio::hyper::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use super::super::rig::{AsyncCase, AsyncScenario, Rig, SHORT, hear, play};
use super::frames::PREFACE;
use super::site::{address_of, answer, bare, beside, listen};
use crate::pki::HOST;
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    let agreed = |name, protocol, said| {
        scenario(name, move |case| other_than_agreed(case, protocol, said))
            .versions(Versions::Unpinned)
            .needs(Capabilities::ALPN)
    };
    vec![
        scenario("a_client_that_never_begins_is_let_go", |case| {
            late(case, &[]);
        }),
        scenario("a_client_that_begins_half_a_preface_is_let_go", |case| {
            late(case, &PREFACE[..12]);
        })
        .versions(Versions::Unpinned),
        scenario("a_client_that_has_begun_has_more_time", begun).versions(Versions::Unpinned),
        agreed(
            "http_1_is_refused_where_alpn_agreed_on_http_2",
            "h2",
            b"GET / HTTP/1.1\r\nHost: server.example\r\n\r\n",
        ),
        agreed(
            "http_2_is_refused_where_alpn_agreed_on_http_1",
            "http/1.1",
            PREFACE,
        ),
    ]
}

/// It is sent `close_notify` when its time is over.
fn late(case: &AsyncCase, said: &[u8]) {
    let rig = Rig::new(case);
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let server = Server::new(listener, rig.acceptor.clone(), service_fn(answer))
            .opening_timeout(Some(SHORT));
        beside(server, async |_stop| {
            let start = Instant::now();
            let mut stream = bare(&rig, address).await;
            stream.write_all(said).await.expect("a write");
            stream.flush().await.expect("a flush");
            assert_eq!(hear(stream).await, b"");
            assert!(start.elapsed() >= SHORT, "{:?}", start.elapsed());
        })
        .await;
    });
}

fn begun(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let server = Server::new(listener, rig.acceptor.clone(), service_fn(answer))
            .opening_timeout(Some(SHORT));
        beside(server, async |_stop| {
            // On a busy machine it may be late even so.
            loop {
                let mut stream = bare(&rig, address).await;
                let mut heard = Vec::new();
                let _ = stream.write_all(b"G").await;
                let _ = stream.flush().await;
                sleep(3 * SHORT).await;
                let rest = format!("ET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
                let _ = stream.write_all(rest.as_bytes()).await;
                let _ = stream.flush().await;
                let _ = stream.read_to_end(&mut heard).await;
                if heard.starts_with(b"HTTP/1.1 200 ") {
                    return;
                }
            }
        })
        .await;
    });
}

fn other_than_agreed(case: &AsyncCase, protocol: &str, said: &[u8]) {
    let client = case.client_config().alpn([protocol]);
    let server = case.server_config().alpn([protocol]);
    let rig = Rig::of(case, client, server);
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let service = service_fn(move |request| {
            counted.fetch_add(1, Relaxed);
            answer(request)
        });
        let server = Server::new(listener, rig.acceptor.clone(), service);
        beside(server, async |_stop| {
            let mut stream = bare(&rig, address).await;
            stream.write_all(said).await.expect("a write");
            stream.flush().await.expect("a flush");
            // It ends, although the client does not.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await;
        assert_eq!(calls.load(Relaxed), 0, "it was answered");
    });
}
