use std::io::{ErrorKind, IoSlice};

use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream, SslVersion};
use tls_core::limits::MAX_HELD_PLAINTEXT;
use tls_core::{Interest, PeerMisbehaved, ProtocolVersion, Step, TlsBackend, TlsSession};
use tls_rustls::Rustls;

use super::assert_clean;
use super::pair::{Pair, connected, meet, raw_server, serving, trusting, wire};
use super::pki::Authority;
use crate::Native;
use crate::platform::ask_to_renegotiate;

#[test]
fn data_goes_both_ways_with_every_peer() {
    for mut pair in connected() {
        assert_eq!(pair.client.write(b"ping"), Ok(Step::Ready(4)));
        assert_eq!(pair.server.receive(), b"ping");
        assert_eq!(pair.server.write(b"pong"), Ok(Step::Ready(4)));
        assert_eq!(pair.client.receive(), b"pong");
        for side in [&mut pair.client, &mut pair.server] {
            assert_eq!(side.read(&mut [0]), Ok(Step::Blocked(Interest::READ)));
            assert!(!side.session.pending());
            assert_eq!(side.session.interest(), Interest::READ);
        }
    }
}

#[test]
fn one_byte_at_a_time_is_enough() {
    let authority = Authority::new();
    for backward in [false, true] {
        let (client, server) = (trusting(&authority), serving(&authority));
        let mut pair = if backward {
            Pair::of((Rustls::default(), Native::new()), client, server)
        } else {
            Pair::of((Native::new(), Rustls::default()), client, server)
        };
        pair.client.end.most = 1;
        pair.server.end.most = 1;
        pair.connect();
        let data = vec![7; 20_000];
        let mut sent = 0;
        let mut got = Vec::new();
        while got.len() < data.len() {
            if sent < data.len()
                && let Step::Ready(taken) = pair.client.write(&data[sent..]).unwrap()
            {
                sent += taken;
            }
            let mut buf = [0; 5000];
            if let Step::Ready(taken) = pair.server.read(&mut buf).unwrap() {
                got.extend_from_slice(&buf[..taken]);
            }
        }
        assert_eq!(got, data);
    }
}

#[test]
fn what_a_blocked_write_accepted_is_delivered_once() {
    for mut pair in connected() {
        pair.client.end.room = 100;
        let data = vec![7; 150_000];
        let taken = pair.client.write(&data).unwrap().ready().unwrap();
        assert!(taken <= MAX_HELD_PLAINTEXT);
        assert_eq!(
            pair.client.write(&data[taken..]),
            Ok(Step::Blocked(Interest::WRITE))
        );
        assert_eq!(pair.client.flush(), Ok(Step::Blocked(Interest::WRITE)));
        let both = Interest::READ | Interest::WRITE;
        assert_eq!(pair.client.session.interest(), both);
        pair.client.end.room = usize::MAX;
        assert_eq!(pair.client.flush(), Ok(Step::Ready(())));
        let mut got = Vec::new();
        while got.len() < taken {
            got.extend(pair.server.receive());
        }
        assert_eq!(got, data[..taken]);
    }
}

#[test]
fn several_small_pieces_become_one_record() {
    for mut pair in connected() {
        let _ = pair.server.read(&mut [0]).unwrap();
        let pieces = [b"some".as_slice(), b" small", b" pieces"].map(IoSlice::new);
        let side = &mut pair.client;
        let written = side.session.write(&mut side.end, &pieces);
        assert_eq!(written, Ok(Step::Ready(17)));
        assert_eq!(pair.server.receive(), b"some small pieces");
    }
}

#[test]
fn pending_tells_of_data_that_the_library_holds() {
    for mut pair in connected() {
        let _ = pair.client.read(&mut [0]).unwrap();
        let _ = pair.server.write(b"abc").unwrap();
        let mut buf = [0; 2];
        assert_eq!(pair.client.read(&mut buf), Ok(Step::Ready(2)));
        assert!(pair.client.session.pending());
        assert_eq!(pair.client.read(&mut buf), Ok(Step::Ready(1)));
        let blocked = Ok(Step::Blocked(Interest::READ));
        assert_eq!(pair.client.read(&mut buf), blocked);
        assert!(!pair.client.session.pending());
    }
}

#[test]
fn a_peers_key_updates_are_followed_and_answered_with_the_next_data() {
    let authority = Authority::new();
    let client = trusting(&authority).min_version(ProtocolVersion::Tls13);
    let mut pair = Pair::of(
        (Native::new(), Rustls::default()),
        client,
        serving(&authority),
    );
    pair.connect();
    for round in 0..20 {
        let side = &mut pair.server;
        let updated = side.session.key_update(&mut side.end);
        assert_eq!(updated, Ok(Step::Ready(())));
        let _ = pair.server.write(&[round; 100]).unwrap();
        assert_eq!(pair.client.receive(), [round; 100]);
        assert_eq!(pair.server.end.waiting(), 0, "the answer waits");
        let _ = pair.client.write(&[round; 50]).unwrap();
        assert_eq!(pair.server.receive(), [round; 50]);
    }
}

#[test]
fn a_flood_of_key_updates_does_not_hold_a_read() {
    let authority = Authority::new();
    let client = trusting(&authority).min_version(ProtocolVersion::Tls13);
    let mut pair = Pair::of(
        (Native::new(), Rustls::default()),
        client,
        serving(&authority),
    );
    pair.connect();
    let _ = pair.client.read(&mut [0]).unwrap();
    for _ in 0..2000 {
        let side = &mut pair.server;
        let _ = side.session.key_update(&mut side.end).unwrap();
    }
    let _ = pair.server.write(b"data").unwrap();
    let mut buf = [0; 10];
    let mut calls = 0;
    let taken = loop {
        calls += 1;
        match pair.client.read(&mut buf).unwrap() {
            Step::Ready(taken) => break taken,
            Step::Blocked(interest) => assert_eq!(interest, Interest::READ),
        }
        let knows = pair.client.session.pending();
        assert!(knows, "a loop has to know that there is more");
    };
    assert_eq!(&buf[..taken], b"data");
    assert!(calls > 10, "one call takes in only so many: {calls}");
}

#[test]
fn a_server_that_wants_to_renegotiate_is_refused_for_good() {
    let authority = Authority::new();
    let (mut end, mut server) = raw_server(&authority.leaf(), |builder| {
        builder
            .set_max_proto_version(Some(SslVersion::TLS1_2))
            .unwrap();
    });
    let (mut client, outcome) = meet(trusting(&authority), &mut end, &mut server);
    assert_eq!(outcome, Ok(Step::Ready(())));
    server.ssl_write(b"before").unwrap();
    ask_to_renegotiate(server.ssl());
    server.do_handshake().unwrap();
    let mut buf = [0; 10];
    assert_eq!(client.read(&mut end, &mut buf), Ok(Step::Ready(6)));
    let refused = Err(PeerMisbehaved::UnexpectedMessage.into());
    for _ in 0..2 {
        assert_eq!(client.read(&mut end, &mut buf), refused);
        assert_clean();
    }
}

/// The library refuses by itself: it warns, and goes on with the old session.
#[test]
fn a_client_that_wants_to_renegotiate_is_not_heard() {
    let authority = Authority::new();
    let context = Native::new()
        .server(&serving(&authority).build().unwrap())
        .unwrap();
    let mut server = Native::new().accept(&context).unwrap();
    let builder = SslContext::builder(SslMethod::tls()).unwrap();
    let mut ssl = Ssl::new(&builder.build()).unwrap();
    ssl.set_connect_state();
    let (client_end, mut end) = wire();
    let mut client = SslStream::new(ssl, client_end).unwrap();
    while server.handshake(&mut end) != Ok(Step::Ready(())) || client.do_handshake().is_err() {
        crate::platform::clear_errors();
        let _ = client.do_handshake();
        crate::platform::clear_errors();
    }
    client.ssl_write(b"before").unwrap();
    ask_to_renegotiate(client.ssl());
    client.do_handshake().unwrap_err();
    crate::platform::clear_errors();
    let mut buf = [0; 10];
    assert_eq!(server.read(&mut end, &mut buf), Ok(Step::Ready(6)));
    let blocked = Ok(Step::Blocked(Interest::READ));
    assert_eq!(server.read(&mut end, &mut buf), blocked);
    assert_clean();
    let told = client.do_handshake().unwrap_err();
    assert!(told.to_string().contains("no renegotiation"), "{told}");
    crate::platform::clear_errors();
    let more = server.write(&mut end, &[IoSlice::new(b"more")]);
    assert_eq!(more, Ok(Step::Ready(4)));
}

#[test]
fn the_transports_own_error_is_returned_wherever_it_comes() {
    let reset = ErrorKind::ConnectionReset;
    let error = tls_core::Error::from(std::io::Error::from(reset));
    for mut pair in connected() {
        pair.client.end.read_fault = Some(reset);
        pair.server.end.write_fault = Some(reset);
        assert_eq!(pair.client.read(&mut [0]), Err(error.clone()));
        assert_eq!(pair.client.write(b"x"), Err(error.clone()), "it stays");
        assert_eq!(pair.server.write(b"x"), Err(error.clone()));
    }
    let authority = Authority::new();
    for at_client in [true, false] {
        let (client, server) = (trusting(&authority), serving(&authority));
        let mut pair = Pair::of((Native::new(), Native::new()), client, server);
        if !at_client {
            let _ = pair.client.handshake().unwrap();
        }
        let side = if at_client {
            &mut pair.client
        } else {
            &mut pair.server
        };
        side.end.write_fault = Some(reset);
        for _ in 0..2 {
            assert_eq!(side.handshake(), Err(error.clone()), "{at_client}");
        }
    }
}

#[test]
fn a_session_moves_to_another_thread() {
    let authority = Authority::new();
    let config = trusting(&authority).build().unwrap();
    let context = Native::new().client(&config).unwrap();
    let name = tls_core::parse_server_name("server.example").unwrap();
    let mut session = Native::new().connect(&context, &name).unwrap();
    let (mut end, _other) = wire();
    let _ = session.handshake(&mut end).unwrap();
    let moved = std::thread::spawn(move || {
        let (mut end, _other) = wire();
        session.handshake(&mut end)
    });
    assert_eq!(moved.join().unwrap(), Ok(Step::Blocked(Interest::READ)));
}
