//! Connections that become something else than HTTP.

use std::convert::Infallible;

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, UPGRADE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use polytls::tokio::hyper::Server;
use tokio::io::{AsyncWriteExt, copy, split};

use super::super::rig::{AsyncCase, AsyncScenario, LONG, Rig, hear, pattern, play, say};
use super::site::{address_of, bare, beside, hear_until, listen};
use crate::pki::HOST;
use crate::scenario::scenario;

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![scenario("an_http_1_upgrade_has_the_stream_to_itself", echo)]
}

/// Agrees, and then sends back what comes.
async fn upgrade(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async {
        let stream = TokioIo::new(upgraded.await.expect("an upgrade"));
        let (mut receiver, mut sender) = split(stream);
        copy(&mut receiver, &mut sender).await.expect("an echo");
        sender.shutdown().await.expect("an end");
    });
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    for (name, value) in [(CONNECTION, "upgrade"), (UPGRADE, "echo")] {
        response
            .headers_mut()
            .insert(name, value.parse().expect("a value"));
    }
    Ok(response)
}

/// The server has stopped before the echo is over: it does not wait for it.
fn echo(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let server = Server::new(listener, rig.acceptor.clone(), service_fn(upgrade))
            .opening_timeout(Some(LONG));
        let stream = beside(server, async |_stop| {
            let mut stream = bare(&rig, address).await;
            let head = format!(
                "GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
            );
            // What comes together with the head is part of it already.
            let begun = [head.as_bytes(), b"early"].concat();
            stream.write_all(&begun).await.expect("a write");
            stream.flush().await.expect("a flush");
            let heard = hear_until(&mut stream, "early").await;
            assert!(heard.starts_with("HTTP/1.1 101 "), "{heard}");
            stream
        })
        .await;
        let (receiver, sender) = split(stream);
        let sent = pattern(100_000);
        let ((), heard) = tokio::join!(say(sender, &sent), hear(receiver));
        assert!(heard == sent, "other octets came");
    });
}
