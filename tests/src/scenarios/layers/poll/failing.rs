//! Handshakes that fail on the loop.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use polytls::Error;
use polytls::poll::{Event, Options};
use polytls::tls::{Capabilities, CertificateError, Error as TlsError, PeerMisbehaved};

use super::rig::{End, LONG, LoopCase, LoopScenario, Near, Rig, SHORT};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<LoopScenario> {
    vec![
        scenario(
            "a_certificate_that_is_not_trusted_fails_both_ends",
            untrusted,
        ),
        scenario("an_alert_waits_for_room", without_room)
            .needs_client(Capabilities::CERTIFICATE_RULES),
        scenario("a_plain_peer_fails_the_handshake", plain).versions(Versions::Unpinned),
        scenario("a_peer_that_leaves_fails_the_handshake", gone).versions(Versions::Unpinned),
    ]
}

fn untrusted(case: &LoopCase) {
    let config = case
        .client_without_roots()
        .roots(case.pki.other_roots.clone());
    let mut rig = Rig::of(case, config);
    let [client, server] = rig.ends(Near::Client);
    let client = rig.add(client, &Options::new());
    let server = rig.add(server, &Options::new());
    let mut failures = Vec::new();
    // In TLS 1.3 the server learns of it after its own handshake.
    while failures.len() < 2 {
        failures.extend(rig.next());
        failures.retain(|event| !matches!(event, Event::HandshakeDone(token) if *token == server));
    }
    failures.sort_by_key(Event::token);
    let unknown = TlsError::Certificate(CertificateError::UnknownIssuer);
    assert_eq!(failures[0], Event::Failed(client, Error::Tls(unknown)));
    assert_eq!(failures[1].token(), Some(server));
    assert!(failures[1].is_final(), "{failures:?}");
    rig.assert_nothing_is_left();
}

/// What fills the descriptor has nothing to do with TLS, and is taken away
/// before TLS would read it.
fn without_room(case: &LoopCase) {
    let config = case
        .client_without_roots()
        .roots(case.pki.other_roots.clone());
    let mut rig = Rig::of(case, config);
    let (client, server) = UnixStream::pair().expect("a pair");
    let mut beside_client = client.try_clone().expect("a descriptor");
    let mut beside_server = server.try_clone().expect("a descriptor");
    let (mut client, mut server): (End, End) = (client.into(), server.into());
    rig.turn_on(&mut client, Near::Client);
    rig.turn_on(&mut server, Near::Server);
    let client = rig.add(client, &Options::new());
    assert_eq!(rig.turn(SHORT), []);
    let step = server.handshake_step().expect("a hello is answered");
    assert!(!step.is_ready());

    beside_client.set_nonblocking(true).expect("a mode");
    let piece = [7; 10_000];
    let mut filled = 0;
    let full = loop {
        match beside_client.write(&piece) {
            Ok(octets) => filled += octets,
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    drop(beside_client);
    assert_eq!(rig.turn(SHORT), [], "the alert waits");

    let mut filling = vec![0; filled];
    beside_server.set_nonblocking(false).expect("a mode");
    beside_server.read_exact(&mut filling).expect("all of it");
    let unknown = CertificateError::UnknownIssuer;
    let told = TlsError::AlertReceived(unknown.alert());
    let refused = Event::Failed(client, Error::Tls(unknown.into()));
    assert_eq!(rig.next(), [refused]);
    assert_eq!(server.handshake(LONG), Err(told.into()));
    rig.assert_nothing_is_left();
}

fn plain(case: &LoopCase) {
    let mut rig = Rig::new(case);
    let [mut peer, mut server] = rig.plain();
    rig.turn_on(&mut server, Near::Server);
    let server = rig.add(server, &Options::new());
    peer.send_all(b"GET / HTTP/1.1\r\nHost: server.example\r\n\r\n")
        .expect("a send");
    let not_tls = TlsError::PeerMisbehaved(PeerMisbehaved::NotTls);
    assert_eq!(rig.next(), [Event::Failed(server, Error::Tls(not_tls))]);
    rig.assert_nothing_is_left();
}

fn gone(case: &LoopCase) {
    let mut rig = Rig::new(case);
    for near in Near::BOTH {
        let [mut end, mut peer] = rig.plain();
        rig.turn_on(&mut end, near);
        let token = rig.add(end, &Options::new());
        if near == Near::Client {
            assert_eq!(rig.turn(std::time::Duration::from_millis(1)), []);
            assert!(peer.recv(&mut [0; 16 * 1024]).expect("a hello") > 0);
        }
        peer.shutdown_write(LONG).expect("an end");
        let truncated = Error::Tls(TlsError::Truncated);
        assert_eq!(rig.next(), [Event::Failed(token, truncated)]);
        rig.assert_nothing_is_left();
    }
}
