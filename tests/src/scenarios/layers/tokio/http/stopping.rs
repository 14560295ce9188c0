//! Servers that stop.

use std::time::Instant;

use http_body_util::BodyExt;
use hyper::service::service_fn;
use polytls::tokio::hyper::Server;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::super::rig::{AsyncCase, AsyncScenario, Rig, SHORT, hear, play};
use super::frames::{ACK, Frame, GOAWAY, PING, begin};
use super::site::{Slow, address_of, answer, ask, bare, beside, client, hear_until, listen, uri};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario("a_server_that_stops_answers_what_has_begun", finishes),
        scenario(
            "a_server_that_stops_answers_what_has_begun_in_http_2",
            finishes_http_2,
        )
        .versions(Versions::Unpinned),
        scenario("a_server_that_stops_says_so_in_http_2", goes_away).versions(Versions::Unpinned),
        scenario("a_drain_timeout_cuts_off_who_is_late", cut_off).versions(Versions::Unpinned),
    ]
}

/// Who has asked for nothing is sent `close_notify` at once.
fn finishes(case: &AsyncCase) {
    let rig = Rig::new(case);
    let slow = Slow::default();
    let (begun, go_on) = (slow.begun.clone(), slow.go_on.clone());
    let service = service_fn(move |request| slow.clone().answer(request));
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let server = Server::new(listener, rig.acceptor.clone(), service);
        beside(server, async |stop| {
            let silent = bare(&rig, address).await;
            let mut idle = bare(&rig, address).await;
            ask(&mut idle, "/idle").await;
            hear_until(&mut idle, "/idle").await;
            let mut busy = bare(&rig, address).await;
            ask(&mut busy, "/slow").await;
            begun.notified().await;
            drop(stop);
            assert_eq!(hear(idle).await, b"");
            assert_eq!(hear(silent).await, b"");
            let another = TcpStream::connect(address).await;
            another.expect_err("nobody listens any more");
            go_on.notify_one();
            let heard = String::from_utf8(hear(busy).await).expect("a text");
            assert!(heard.starts_with("HTTP/1.1 200 "), "{heard}");
            assert!(heard.contains("connection: close"), "{heard}");
            assert!(heard.ends_with("/slow"), "{heard}");
        })
        .await;
    });
}

fn finishes_http_2(case: &AsyncCase) {
    let rig = Rig::new(case);
    let slow = Slow::default();
    let (begun, go_on) = (slow.begun.clone(), slow.go_on.clone());
    let service = service_fn(move |request| slow.clone().answer(request));
    play(async {
        let listener = listen().await;
        let client = client(&rig, address_of(&listener), true);
        let server = Server::new(listener, rig.acceptor.clone(), service);
        beside(server, async |stop| {
            let stopping = async {
                begun.notified().await;
                drop(stop);
                go_on.notify_one();
            };
            let ((), response) = tokio::join!(stopping, client.get(uri("/slow")));
            let response = response.expect("an answer");
            let body = response.into_body().collect().await.expect("a body");
            assert_eq!(body.to_bytes(), "/slow");
        })
        .await;
    });
}

fn goes_away(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let server = Server::new(listener, rig.acceptor.clone(), service_fn(answer));
        beside(server, async |stop| {
            let mut stream = bare(&rig, address).await;
            begin(&mut stream).await;
            drop(stop);
            let mut last = None;
            while let Some(mut frame) = Frame::receive(&mut stream).await {
                // It asks whether requests were under way.
                if (frame.kind, frame.flags) == (PING, 0) {
                    frame.flags = ACK;
                    frame.send(&mut stream).await;
                }
                last = Some(frame);
            }
            let last = last.expect("a frame");
            // No stream was begun, and no error.
            assert_eq!((last.kind, &last.payload[..8]), (GOAWAY, &[0; 8][..]));
            assert_eq!(stream.read(&mut [0]).await.expect("a clean end"), 0);
        })
        .await;
    });
}

fn cut_off(case: &AsyncCase) {
    let rig = Rig::new(case);
    let slow = Slow::default();
    let begun = slow.begun.clone();
    let service = service_fn(move |request| slow.clone().answer(request));
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let server =
            Server::new(listener, rig.acceptor.clone(), service).drain_timeout(Some(SHORT));
        beside(server, async |stop| {
            let mut stream = bare(&rig, address).await;
            ask(&mut stream, "/slow").await;
            begun.notified().await;
            let start = Instant::now();
            drop(stop);
            let mut heard = Vec::new();
            let ended = stream.read_to_end(&mut heard).await;
            ended.expect_err("it was cut off");
            assert_eq!(heard, b"");
            assert!(start.elapsed() >= SHORT, "{:?}", start.elapsed());
        })
        .await;
    });
}
