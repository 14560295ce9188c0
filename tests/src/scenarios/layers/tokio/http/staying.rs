//! Clients that stay and do not go on.

use hyper::service::service_fn;
use polytls::tokio::hyper::Server;
use tokio::io::{AsyncWriteExt, split};
use tokio::time::sleep;

use super::super::rig::{AsyncCase, AsyncScenario, Rig, SHORT, hear, play};
use super::frames::{ACK, Frame, PING, begin};
use super::site::{address_of, answer, ask, bare, beside, hear_until, listen};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario("headers_that_trickle_in_are_over_in_time", trickle).versions(Versions::Unpinned),
        scenario("a_kept_connection_that_is_idle_for_long_is_closed", idle),
        scenario("an_http_2_client_that_answers_no_ping_is_let_go", gone)
            .versions(Versions::Unpinned),
        scenario("an_http_2_client_that_answers_pings_may_stay", there)
            .versions(Versions::Unpinned),
    ]
}

fn trickle(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let mut server = Server::new(listener, rig.acceptor.clone(), service_fn(answer));
        server.http1().header_read_timeout(2 * SHORT);
        beside(server, async |_stop| {
            let (receiver, mut sender) = split(bare(&rig, address).await);
            let trickling = async {
                let head = b"GET / HTTP/1.1\r\nX-Long: ".iter().chain(&[b'x'; 10_000]);
                for octet in head {
                    sender.write_all(&[*octet]).await.expect("a write");
                    sender.flush().await.expect("a flush");
                    sleep(SHORT / 10).await;
                }
            };
            tokio::select! {
                // A write behind the end may fail.
                biased;
                heard = hear(receiver) => assert_eq!(heard, b""),
                () = trickling => panic!("all of it was waited for"),
            }
        })
        .await;
    });
}

/// It is sent `close_notify`.
fn idle(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let mut server = Server::new(listener, rig.acceptor.clone(), service_fn(answer));
        server.http1().header_read_timeout(SHORT);
        beside(server, async |_stop| {
            let mut stream = bare(&rig, address).await;
            ask(&mut stream, "/path").await;
            let heard = hear_until(&mut stream, "/path").await;
            assert!(heard.starts_with("HTTP/1.1 200 "), "{heard}");
            assert_eq!(hear(stream).await, b"");
        })
        .await;
    });
}

fn gone(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let mut server = Server::new(listener, rig.acceptor.clone(), service_fn(answer));
        server
            .http2()
            .keep_alive_interval(SHORT)
            .keep_alive_timeout(SHORT);
        beside(server, async |_stop| {
            let mut stream = bare(&rig, address).await;
            begin(&mut stream).await;
            let mut pings = 0;
            while let Some(frame) = Frame::receive(&mut stream).await {
                pings += usize::from(frame.kind == PING);
            }
            assert_eq!(pings, 1);
        })
        .await;
    });
}

fn there(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let mut server = Server::new(listener, rig.acceptor.clone(), service_fn(answer));
        server.http2().keep_alive_interval(SHORT);
        beside(server, async |_stop| {
            let mut stream = bare(&rig, address).await;
            begin(&mut stream).await;
            let mut answered = 0;
            while answered < 3 {
                let mut frame = Frame::receive(&mut stream).await.expect("a frame");
                if frame.kind == PING {
                    frame.flags = ACK;
                    frame.send(&mut stream).await;
                    answered += 1;
                }
            }
        })
        .await;
    });
}
