//! Handshakes that fail, and clients that hold them up.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hyper::service::service_fn;
use polytls::tls::{CertificateError, Error as TlsError, PeerMisbehaved};
use polytls::tokio::Error;
use polytls::tokio::hyper::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::TcpStream;

use super::super::rig::{AsyncCase, AsyncScenario, Rig, SHORT, play};
use super::site::{address_of, answer, ask, bare, beside, client, hear_until, listen, uri};
use crate::scenario::{Versions, scenario};

/// How many clients hold their handshakes up at once.
const FLOOD: usize = 20;

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario("a_server_tells_of_handshakes_that_fail_and_of_whom", told)
            .versions(Versions::Unpinned),
        scenario("clients_that_stop_after_their_hello_are_let_go", flood),
        scenario(
            "clients_that_stop_after_their_hello_hold_up_nobody",
            beside_flood,
        )
        .versions(Versions::Unpinned),
        scenario("a_service_that_panics_loses_its_connection_alone", panics)
            .versions(Versions::Unpinned),
        scenario(
            "a_client_that_distrusts_the_server_gets_no_answer",
            distrusts,
        )
        .versions(Versions::Unpinned),
    ]
}

/// What a server tells of handshakes.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<(SocketAddr, Error)>>>);

impl Told {
    fn note(&self) -> impl Fn(SocketAddr, &Error) + Send + Sync + 'static {
        let told = Arc::clone(&self.0);
        move |from, error| told.lock().expect("a list").push((from, error.clone()))
    }

    fn all(&self) -> Vec<(SocketAddr, Error)> {
        self.0.lock().expect("a list").clone()
    }
}

fn told(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let told = Told::default();
        let server = Server::new(listener, rig.acceptor.clone(), service_fn(answer))
            .on_handshake_failure(told.note());
        let from = beside(server, async |_stop| {
            let mut tcp = TcpStream::connect(address).await.expect("a connection");
            let from = tcp.local_addr().expect("an address");
            tcp.write_all(b"GET / HTTP/1.1\r\n\r\n")
                .await
                .expect("a write");
            // An alert, and the end.
            let _ = tcp.read_to_end(&mut Vec::new()).await;
            // One that succeeds is not told of.
            let mut good = bare(&rig, address).await;
            ask(&mut good, "/path").await;
            hear_until(&mut good, "/path").await;
            from
        })
        .await;
        let not_tls = TlsError::PeerMisbehaved(PeerMisbehaved::NotTls);
        assert_eq!(told.all(), [(from, Error::Tls(not_tls))]);
    });
}

/// What this rig's clients say first.
async fn hello(rig: &Rig) -> Vec<u8> {
    let (near, mut far) = duplex(16 * 1024);
    let connecting = rig.connector.connect(&rig.name, near);
    let receiving = async {
        let mut head = [0; 5];
        far.read_exact(&mut head).await.expect("a record");
        let [.., a, b] = head;
        let mut body = vec![0; usize::from(u16::from_be_bytes([a, b]))];
        far.read_exact(&mut body).await.expect("a record");
        [&head[..], &body].concat()
    };
    tokio::select! {
        hello = receiving => hello,
        done = connecting => panic!("nobody answers: {done:?}"),
    }
}

/// Clients that said no more than that.
async fn flooding(rig: &Rig, address: SocketAddr) -> Vec<TcpStream> {
    let hello = hello(rig).await;
    let mut clients = Vec::new();
    for _ in 0..FLOOD {
        let mut tcp = TcpStream::connect(address).await.expect("a connection");
        tcp.write_all(&hello).await.expect("a write");
        clients.push(tcp);
    }
    clients
}

fn flood(case: &AsyncCase) {
    let rig = Rig::new(case);
    let acceptor = rig.acceptor.clone().handshake_timeout(Some(SHORT));
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let told = Told::default();
        let server =
            Server::new(listener, acceptor, service_fn(answer)).on_handshake_failure(told.note());
        let mut addresses = beside(server, async |_stop| {
            let mut addresses = Vec::new();
            for mut tcp in flooding(&rig, address).await {
                addresses.push(tcp.local_addr().expect("an address"));
                // The server's flight, and the end.
                let _ = tcp.read_to_end(&mut Vec::new()).await;
            }
            addresses
        })
        .await;
        let (mut from, errors): (Vec<_>, Vec<_>) = told.all().into_iter().unzip();
        from.sort();
        addresses.sort();
        assert_eq!(from, addresses);
        let late = Error::Timeout { after: SHORT };
        assert!(errors.iter().all(|error| *error == late), "{errors:?}");
    });
}

/// Nor do they hold up the server's end.
fn beside_flood(case: &AsyncCase) {
    let rig = Rig::new(case);
    let acceptor = rig.acceptor.clone().handshake_timeout(None);
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let told = Told::default();
        let server =
            Server::new(listener, acceptor, service_fn(answer)).on_handshake_failure(told.note());
        let held_up = beside(server, async |_stop| {
            let held_up = flooding(&rig, address).await;
            let mut good = bare(&rig, address).await;
            ask(&mut good, "/path").await;
            hear_until(&mut good, "/path").await;
            held_up
        })
        .await;
        assert_eq!(held_up.len(), FLOOD);
        // That was the server's wish.
        assert_eq!(told.all(), []);
    });
}

fn panics(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
            assert_ne!(request.uri().path(), "/panic", "a service's own");
            answer(request)
        });
        let server = Server::new(listener, rig.acceptor.clone(), service);
        beside(server, async |_stop| {
            let mut kept = bare(&rig, address).await;
            ask(&mut kept, "/one").await;
            hear_until(&mut kept, "/one").await;
            let mut lost = bare(&rig, address).await;
            ask(&mut lost, "/panic").await;
            let mut heard = Vec::new();
            assert!(lost.read_to_end(&mut heard).await.is_err());
            assert_eq!(heard, b"");
            ask(&mut kept, "/two").await;
            hear_until(&mut kept, "/two").await;
        })
        .await;
    });
}

/// hyper's client shows why.
fn distrusts(case: &AsyncCase) {
    let distrusting = case
        .client_without_roots()
        .roots(case.pki.other_roots.clone());
    let rig = Rig::of(case, distrusting, case.server_config());
    play(async {
        let listener = listen().await;
        let client = client(&rig, address_of(&listener), false);
        let server = Server::new(listener, rig.acceptor.clone(), service_fn(answer));
        let error = beside(server, async |_stop| {
            client.get(uri("/")).await.expect_err("a refusal")
        })
        .await;
        let mut source = std::error::Error::source(&error);
        let mut reason = None;
        while let Some(error) = source {
            reason = reason.or_else(|| error.downcast_ref::<Error>().cloned());
            source = error.source();
        }
        let unknown = TlsError::Certificate(CertificateError::UnknownIssuer);
        assert_eq!(reason, Some(Error::Tls(unknown)));
    });
}
