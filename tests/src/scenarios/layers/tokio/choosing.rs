//! Accepting in two steps.

use polytls::Backend;
use polytls::tls::{AnyBackend, Capabilities, TlsBackend, parse_server_name};
use polytls::tokio::{Error, LazyAcceptor, TlsAcceptor};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream};

use super::rig::{AsyncCase, AsyncScenario, PIPE, Rig, SHORT, greet, play};
use crate::checked::Checked;
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
        scenario("a_backend_is_chosen_by_the_server_name", by_name)
            .versions(Versions::Unpinned)
            .needs_client(Capabilities::SNI),
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

/// One listener, and a backend for each name, with a certificate for it alone.
fn by_name(case: &AsyncCase) {
    const OTHER: &str = "other.example";
    let is_another = |backend: &AnyBackend| backend.info().name != case.server.info().name;
    let another = Backend::available().into_iter().find(is_another);
    let another = another.unwrap_or_else(|| case.server.0.clone());
    let rig = Rig::new(case);
    let other = case.server_as(&case.pki.other_name).build();
    let other = TlsAcceptor::from_config(Checked(another), &other.expect("a config"));
    let other = other.expect("an acceptor");
    play(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        for (name, acceptor, identity) in [
            (HOST, &rig.acceptor, &case.pki.p256),
            (OTHER, &other, &case.pki.other_name),
            (HOST, &rig.acceptor, &case.pki.p256),
        ] {
            let server = async {
                let (tcp, _) = listener.accept().await.expect("a client");
                let started = LazyAcceptor::new(tcp).await.expect("a hello");
                let chosen = match started.client_hello().server_name() {
                    Some(HOST) => &rig.acceptor,
                    Some(OTHER) => &other,
                    unknown => panic!("{unknown:?}"),
                };
                assert_eq!(chosen.backend().info().name, acceptor.backend().info().name);
                started.accept(chosen).await.expect("a handshake")
            };
            let client = async {
                let tcp = TcpStream::connect(address).await.expect("a connection");
                let name = parse_server_name(name).expect("a name");
                let handshake = rig.connector.connect(&name, tcp);
                handshake.await.expect("a handshake")
            };
            let (client, server) = tokio::join!(client, server);
            let facts = client.facts().expect("facts");
            assert_eq!(facts.peer_certificates.first(), identity.chain().first());
            greet(client, server).await;
        }
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
