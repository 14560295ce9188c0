//! hyper's client and server over TLS.

use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Uri, Version};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use polytls::tls::{Capabilities, ClientAuth};
use polytls::tokio::hyper::{HttpsConnector, Peer, Server};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use super::super::rig::{AsyncCase, AsyncScenario, Rig, SHORT, hear, play};
use super::site::{Slow, address_of, answer, ask, bare, beside, client, hear_until, listen, uri};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    let over = |protocol, version, name| {
        scenario(name, move |case| served(case, protocol, version))
            .versions(Versions::Unpinned)
            .needs(Capabilities::ALPN)
    };
    let without = |name, http2_only, version| {
        scenario(name, move |case| spoken(case, http2_only, version)).versions(Versions::Unpinned)
    };
    vec![
        over("h2", Version::HTTP_2, "speaks_http_2_where_alpn_agrees"),
        over(
            "http/1.1",
            Version::HTTP_11,
            "speaks_http_1_where_alpn_agrees",
        ),
        without(
            "the_preface_of_http_2_tells_without_alpn",
            true,
            Version::HTTP_2,
        ),
        without(
            "http_1_is_what_else_comes_without_alpn",
            false,
            Version::HTTP_11,
        ),
        scenario("a_service_is_told_whom_a_request_comes_from", introduced)
            .needs_client(Capabilities::IDENTITY)
            .needs_server(Capabilities::CLIENT_AUTH_REQUIRED | Capabilities::ROOTS),
        scenario("a_client_that_has_sent_all_is_answered", half_closed),
        scenario("plain_http_is_refused_unless_it_is_allowed", plain).versions(Versions::Unpinned),
    ]
}

fn served(case: &AsyncCase, protocol: &str, version: Version) {
    let client_config = case.client_config().alpn([protocol]);
    let server_config = case.server_config().alpn(["h2", "http/1.1"]);
    fetches(&Rig::of(case, client_config, server_config), false, version);
}

fn spoken(case: &AsyncCase, http2_only: bool, version: Version) {
    fetches(&Rig::new(case), http2_only, version);
}

/// Two requests over a connection that the client keeps: the server ends all
/// the same.
fn fetches(rig: &Rig, http2_only: bool, version: Version) {
    play(async {
        let listener = listen().await;
        let client = client(rig, address_of(&listener), http2_only);
        let server = Server::new(listener, rig.acceptor.clone(), service_fn(answer));
        beside(server, async |stop| {
            for _ in 0..2 {
                let response = client.get(uri("/path")).await.expect("an answer");
                assert_eq!(response.version(), version);
                let body = response.into_body().collect().await.expect("a body");
                assert_eq!(body.to_bytes(), "/path");
            }
            drop(stop);
        })
        .await;
    });
}

/// By address and by certificate, with each request of a connection.
/// It says that it sends no more, with `close_notify`, before there is an answer.
fn half_closed(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let slow = Slow::default();
        let service = {
            let slow = slow.clone();
            service_fn(move |request| slow.clone().answer(request))
        };
        let server = Server::new(listener, rig.acceptor.clone(), service);
        beside(server, async |_stop| {
            let mut stream = bare(&rig, address).await;
            ask(&mut stream, "/slow").await;
            stream.shutdown().await.expect("a shutdown");
            slow.begun.notified().await;
            // Time for the server to see that end.
            sleep(SHORT).await;
            slow.go_on.notify_one();
            let heard = hear_until(&mut stream, "/slow").await;
            assert!(heard.starts_with("HTTP/1.1 200 "), "{heard}");
            assert_eq!(hear(stream).await, b"");
        })
        .await;
    });
}

fn introduced(case: &AsyncCase) {
    let identity = case.pki.client.clone();
    let auth = ClientAuth::Required(case.pki.roots.clone());
    let client = case.client_config().identity(identity.clone());
    let rig = Rig::of(case, client, case.server_config().client_auth(auth));
    let peers = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&peers);
    let service = service_fn(move |request: Request<Incoming>| {
        let peer = request.extensions().get::<Peer>().cloned();
        noted.lock().expect("a list").push(peer.expect("a peer"));
        answer(request)
    });
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let server = Server::new(listener, rig.acceptor.clone(), service);
        let from = beside(server, async |_stop| {
            let mut stream = bare(&rig, address).await;
            for path in ["/one", "/two"] {
                ask(&mut stream, path).await;
                hear_until(&mut stream, path).await;
            }
            stream.get_ref().local_addr().expect("an address")
        })
        .await;
        let peers = peers.lock().expect("a list");
        assert_eq!(peers.len(), 2);
        for peer in &*peers {
            assert_eq!(peer.address(), from);
            assert!(peer.facts().peer_verified);
            let shown = peer.facts().peer_certificates.first();
            assert_eq!(shown, identity.chain().first());
        }
    });
}

fn plain(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let connector = HttpsConnector::new(rig.connector.clone());
        let client = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(connector);
        let uri = Uri::from_static("http://127.0.0.1:9/");
        let refused = client.get(uri).await.expect_err("a refusal");
        let source = std::error::Error::source(&refused).expect("a reason");
        assert!(
            source.to_string().contains("only https is allowed"),
            "{source}"
        );
    });
}
