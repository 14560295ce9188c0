use openssl::ssl::SslVersion;
use tls_core::{
    Alert, ClientAuth, ClientConfig, Error, Interest, PeerIncompatible, PeerMisbehaved,
    ProtocolVersion, Role, ServerConfig, Step,
};
use tls_rustls::Rustls;

use super::VERSIONS;
use super::pair::{Pair, connected, meet, raw_server, serving, trusting};
use super::pki::{Authority, NAME};
use crate::Native;

#[test]
fn facts_are_what_the_library_tells_and_appear_with_the_end_of_the_handshake() {
    for version in VERSIONS {
        let authority = Authority::new();
        let identity = authority.leaf_below(|_| {});
        let mut pair = Pair::of(
            (Native::new(), Rustls::default()),
            trusting(&authority)
                .max_version(version)
                .alpn(["http/1.1", "h2"]),
            ServerConfig::builder()
                .identity(identity.clone())
                .alpn(["h2", "http/1.1"]),
        );
        assert_eq!(pair.client.session.facts(), None);
        pair.connect();
        let facts = pair.client.session.facts().unwrap();
        assert_eq!(facts.alpn.as_deref(), Some(&b"h2"[..]));
        assert_eq!(facts.server_name.as_deref(), Some(NAME));
        assert_eq!(facts.peer_certificates, identity.chain()[..1]);
        assert!(facts.peer_verified);
        assert_eq!(facts.version, None);
        assert_eq!(facts.cipher_suite, None);
        assert_eq!(facts.group, None);
        assert_eq!(facts.peer_signature_scheme, None);
        let seen = pair.server.session.facts().unwrap();
        assert_eq!(seen.version, Some(version));
        assert_eq!(seen.server_name.as_deref(), Some(NAME));
    }
}

#[test]
fn a_server_knows_nothing_of_its_client() {
    let authority = Authority::new();
    let client = trusting(&authority).identity(authority.leaf()).alpn(["h2"]);
    let mut pair = Pair::of(
        (Rustls::default(), Native::new()),
        client,
        serving(&authority),
    );
    pair.connect();
    let facts = pair.server.session.facts().unwrap();
    assert_eq!(*facts, tls_core::SessionFacts::default());
    let seen = pair.client.session.facts().unwrap();
    assert_eq!(seen.version, Some(ProtocolVersion::Tls12));
    assert_eq!(seen.alpn, None);
}

#[test]
fn a_client_shows_its_identity_where_it_is_asked() {
    for version in VERSIONS {
        let authority = Authority::new();
        let identity = authority.leaf_below(|_| {});
        let mut pair = Pair::of(
            (Native::new(), Rustls::default()),
            trusting(&authority)
                .max_version(version)
                .identity(identity.clone()),
            serving(&authority).client_auth(ClientAuth::Required(authority.roots())),
        );
        pair.connect();
        let seen = pair.server.session.facts().unwrap();
        assert_eq!(seen.peer_certificates, identity.chain());
        assert!(seen.peer_verified);
    }
}

/// The library looks for issuers among the roots where the chain has none.
#[test]
fn a_client_with_a_bare_certificate_adds_the_roots_that_issued_it() {
    let authority = Authority::new();
    let identity = authority.leaf();
    let mut pair = Pair::of(
        (Native::new(), Rustls::default()),
        trusting(&authority).identity(identity.clone()),
        serving(&authority).client_auth(ClientAuth::Required(authority.roots())),
    );
    pair.connect();
    let seen = pair.server.session.facts().unwrap();
    assert_eq!(
        seen.peer_certificates,
        [identity.chain()[0].clone(), authority.der()]
    );
}

#[test]
fn a_client_without_the_certificate_that_is_demanded_learns_of_it() {
    for (version, alert) in [
        (ProtocolVersion::Tls12, Alert::HANDSHAKE_FAILURE),
        (ProtocolVersion::Tls13, Alert::CERTIFICATE_REQUIRED),
    ] {
        let authority = Authority::new();
        let mut pair = Pair::of(
            (Native::new(), Rustls::default()),
            trusting(&authority).max_version(version),
            serving(&authority).client_auth(ClientAuth::Required(authority.roots())),
        );
        assert_eq!(pair.errors().0, Error::AlertReceived(alert));
    }
}

#[test]
fn the_name_is_not_sent_when_it_is_an_address_or_sni_is_off() {
    let authority = Authority::new();
    for (name, sni, sent) in [
        (NAME, true, Some(NAME)),
        ("Server.EXAMPLE.", true, Some(NAME)),
        (NAME, false, None),
        ("192.0.2.1", true, None),
        ("192.0.2.1", false, None),
    ] {
        let client = trusting(&authority).sni(sni);
        let server = serving(&authority);
        let mut pair = Pair::to(name, (Native::new(), Rustls::default()), client, server);
        pair.connect();
        for side in [&pair.client, &pair.server] {
            let facts = side.session.facts().unwrap();
            assert_eq!(facts.server_name.as_deref(), sent, "{name} {sni}");
        }
    }
}

#[test]
fn a_handshake_is_ready_only_when_its_last_flight_has_left() {
    let authority = Authority::new();
    for version in VERSIONS {
        let client = trusting(&authority).max_version(version);
        let mut pair = Pair::of(
            (Native::new(), Rustls::default()),
            client,
            serving(&authority),
        );
        let wants_read = Ok(Step::Blocked(Interest::READ));
        assert_eq!(pair.client.session.interest(), Interest::WRITE);
        assert_eq!(pair.client.handshake(), wants_read);
        assert_eq!(pair.client.session.interest(), Interest::READ);
        let _ = pair.server.handshake().unwrap();
        pair.client.end.room = 10;
        let wants_write = Ok(Step::Blocked(Interest::WRITE));
        for _ in 0..2 {
            assert_eq!(pair.client.handshake(), wants_write);
            assert_eq!(pair.client.session.facts(), None);
        }
        pair.client.end.room = usize::MAX;
        pair.connect();
    }
}

#[test]
fn another_protocol_is_told_from_tls_in_both_roles() {
    let authority = Authority::new();
    let noise: Vec<u8> = (0..200_u8).map(|n| n.wrapping_mul(167) | 0x80).collect();
    for octets in [
        &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        &noise,
        &[0; 64],
    ] {
        for role in [Role::Client, Role::Server] {
            let (client, server) = (trusting(&authority), serving(&authority));
            let mut pair = Pair::of((Native::new(), Native::new()), client, server);
            let side = match role {
                Role::Client => &mut pair.client,
                Role::Server => &mut pair.server,
            };
            if role == Role::Client {
                let _ = side.handshake().unwrap();
            }
            side.end.tamper(|bytes| bytes.extend(octets));
            let error = Error::from(PeerMisbehaved::NotTls);
            assert_eq!(side.handshake(), Err(error), "{role:?} {octets:?}");
        }
    }
}

#[test]
fn what_the_two_sides_do_not_share_is_named() {
    let authority = Authority::new();
    let newer = || trusting(&authority).min_version(ProtocolVersion::Tls13);
    let mut pair = Pair::of(
        (Rustls::default(), Native::new()),
        newer(),
        serving(&authority),
    );
    let no_version = Error::from(PeerIncompatible::NoCommonVersion);
    assert_eq!(
        pair.errors(),
        (Error::AlertReceived(Alert::PROTOCOL_VERSION), no_version)
    );
    let mut pair = Pair::of((Native::new(), Native::new()), newer(), serving(&authority));
    assert_eq!(
        pair.errors().0,
        Error::AlertReceived(Alert::PROTOCOL_VERSION)
    );
    let mut pair = Pair::of(
        (Native::new(), Rustls::default()),
        trusting(&authority).alpn(["h2"]),
        serving(&authority).alpn(["h3"]),
    );
    assert_eq!(
        pair.errors().0,
        Error::AlertReceived(Alert::NO_APPLICATION_PROTOCOL)
    );
}

#[test]
fn a_server_that_picks_a_protocol_nobody_offered_is_refused() {
    let authority = Authority::new();
    let (mut end, mut server) = raw_server(&authority.leaf(), |builder| {
        builder.set_alpn_select_callback(|_, _| Ok(b"spdy/3"));
    });
    let client = trusting(&authority).alpn(["h2"]);
    let (_, outcome) = meet(client, &mut end, &mut server);
    assert!(
        matches!(outcome, Err(Error::PeerMisbehaved(_))),
        "{outcome:?}"
    );
}

#[test]
fn an_old_version_is_not_negotiated() {
    let authority = Authority::new();
    let (mut end, mut server) = raw_server(&authority.leaf(), |builder| {
        builder.set_security_level(0);
        builder
            .set_max_proto_version(Some(SslVersion::TLS1_1))
            .unwrap();
    });
    let client = trusting(&authority);
    let (_, outcome) = meet(client, &mut end, &mut server);
    assert_eq!(outcome, Err(Error::AlertReceived(Alert::PROTOCOL_VERSION)));
}

#[test]
fn any_certificate_is_accepted_where_that_is_asked_and_nothing_is_called_verified() {
    let authority = Authority::new();
    for version in VERSIONS {
        let client = ClientConfig::builder().max_version(version);
        let client = client.danger().accept_any_certificate();
        let server = serving(&authority);
        let name = "elsewhere.example";
        let mut pair = Pair::to(name, (Native::new(), Rustls::default()), client, server);
        pair.connect();
        let facts = pair.client.session.facts().unwrap();
        assert!(!facts.peer_verified);
        assert_eq!(facts.peer_certificates.len(), 1);
    }
}

#[test]
fn the_librarys_own_stream_is_reached_once_there_is_one() {
    let authority = Authority::new();
    let (mut end, mut server) = raw_server(&authority.leaf(), |_| {});
    let (client, outcome) = meet(trusting(&authority), &mut end, &mut server);
    assert_eq!(outcome, Ok(Step::Ready(())));
    let stream = client.library().tls_stream().unwrap();
    let binding = stream.tls_server_end_point().unwrap().unwrap();
    assert_eq!(binding.len(), 32);
    assert!(format!("{client:?}").contains("established"));
}

#[test]
fn sessions_are_connected_with_every_peer() {
    assert_eq!(connected().len(), 4);
}
