//! Accepting in two steps.

use polytls::tls::Capabilities;
use polytls::tokio::{Error, LazyAcceptor};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::rig::{AsyncCase, AsyncScenario, PIPE, Rig, SHORT, greet, play};
use crate::pki::HOST;
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario("the_client_hello_is_shown_before_a_config_is_chosen", shown)
            .needs(Capabilities::ALPN)
            .needs_client(Capabilities::SNI),
        scenario(
            "what_is_no_client_hello_is_told_and_given_back",
            other_protocols,
        )
        .versions(Versions::Unpinned),
        scenario("a_client_hello_is_there_in_time", late).versions(Versions::Unpinned),
    ]
}

fn shown(case: &AsyncCase) {
    let client = case.client_config().alpn(["h2", "http/1.1"]);
    let chosen = case.server_config().alpn(["http/1.1"]);
    let rig = Rig::of(case, client, chosen);
    play(async {
        let (near, far) = duplex(PIPE);
        let server = async {
            let started = LazyAcceptor::new(far).await.expect("a hello");
            let hello = started.client_hello();
            assert_eq!(hello.server_name(), Some(HOST));
            assert_eq!(hello.alpn().collect::<Vec<_>>(), [&b"h2"[..], b"http/1.1"]);
            let versions: Vec<_> = hello.versions().collect();
            assert_eq!(versions.as_slice(), case.version.as_slice());
            started.accept(&rig.acceptor).await.expect("a handshake")
        };
        let client = rig.connector.connect(&rig.name, near);
        let (client, server) = tokio::join!(client, server);
        let client = client.expect("a handshake");
        assert_eq!(client.alpn(), Some(&b"http/1.1"[..]));
        assert_eq!(server.alpn(), client.alpn());
        greet(client, server).await;
    });
}

fn other_protocols(_: &AsyncCase) {
    play(async {
        for (said, http) in [
            (&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], true),
            (b"SSH-2.0-OpenSSH_9.2\r\n", false),
        ] {
            let (mut near, far) = duplex(PIPE);
            near.write_all(said).await.expect("a write");
            let failed = LazyAcceptor::new(far).into_fallible().await;
            let failed = failed.expect_err("a refusal");
            let Error::ClientHello(error) = failed.error else {
                panic!("{:?}", failed.error);
            };
            assert!(error.alert().is_none(), "nobody would understand it");
            assert_eq!(error.to_string().contains("HTTP"), http, "{error}");
            assert_eq!(failed.read, said, "all of it is given back");
            let mut io = failed.io;
            io.write_all(b"go away").await.expect("a write");
            let mut got = [0; 7];
            near.read_exact(&mut got).await.expect("an answer");
            assert_eq!(&got, b"go away");
        }
        // An alert where the client speaks TLS, but starts with something else.
        let (mut near, far) = duplex(PIPE);
        near.write_all(b"\x17\x03\x03\x00\x01x")
            .await
            .expect("a write");
        assert!(LazyAcceptor::new(far).await.is_err());
        let mut alert = Vec::new();
        near.read_to_end(&mut alert).await.expect("an end");
        assert_eq!(alert, b"\x15\x03\x03\x00\x02\x02\x0a", "unexpected_message");
    });
}

fn late(_: &AsyncCase) {
    play(async {
        let (_near, far) = duplex(PIPE);
        let result = LazyAcceptor::new(far).timeout(Some(SHORT)).await;
        assert_eq!(
            result.map(drop).err(),
            Some(Error::Timeout { after: SHORT })
        );
    });
}
