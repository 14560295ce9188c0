//! Turning TLS on.

use polytls::tls::{
    Alert, CertificateError, Error as TlsError, PeerMisbehaved, TlsBackend, parse_server_name,
};
use polytls::{Error, Operation, PlainSocket, Refusal, Socket, Step};

use super::ends::{
    End, LONG, Link, SHORT, Setup, greet, listener, over, shake, timed, tls_error, together,
};
use super::tapped::take;
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("a_connection_with_tls_is_made_in_one_call", one_call),
        scenario(
            "one_call_tells_what_is_wrong_on_both_sides",
            one_call_refused,
        ),
        scenario("one_call_ends_in_time_with_a_silent_peer", one_call_silent),
        scenario("tls_is_turned_on_in_place", in_place),
        scenario("a_client_hello_that_was_read_already_is_used", hello_read),
        scenario("a_server_that_has_read_nothing_may_say_so", nothing_read),
        scenario(
            "plaintext_behind_the_upgrade_is_refused_by_a_server",
            server_refuses,
        ),
        scenario("plaintext_behind_the_client_hello_is_fatal", behind_hello),
        scenario(
            "octets_behind_the_upgrade_are_refused_by_a_client",
            client_refuses,
        ),
        scenario("tls_is_turned_on_once", once),
        scenario("what_needs_tls_is_refused_without_it", off),
        scenario("nothing_passes_in_the_clear_once_tls_is_on", not_clear),
    ]
}

fn one_call<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let listener = listener(address);
        let address = listener.local_addr().expect("an address");
        let address = address.ip().expect("an IP address");
        let (mut client, (mut server, from)) = together(
            || {
                Socket::connect_tls(address, &case.client, &setup.client, &setup.name, LONG)
                    .expect("a connection with TLS")
            },
            || {
                listener
                    .accept_tls(&case.server, &setup.server, LONG)
                    .expect("a client with TLS")
            },
        );
        assert_eq!(client.local_addr(), Ok(from));
        assert!(client.facts().is_some() && server.facts().is_some());
        greet(&mut client, &mut server);
    }
}

fn one_call_refused<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let listener = listener("127.0.0.1:0");
    let address = listener.local_addr().expect("an address");
    let address = address.ip().expect("an IP address");
    let name = parse_server_name("another.example").expect("a name");
    let (client, server) = together(
        || Socket::connect_tls(address, &case.client, &setup.client, &name, LONG),
        || {
            // A TLS 1.3 client refuses before its Finished, so the server
            // learns of it in the handshake, in both versions.
            listener.accept_tls(&case.server, &setup.server, LONG)
        },
    );
    assert_eq!(
        tls_error(client),
        TlsError::Certificate(CertificateError::NameMismatch)
    );
    assert_eq!(
        tls_error(server),
        TlsError::AlertReceived(Alert::BAD_CERTIFICATE)
    );
    // The next client is served.
    let (mut client, (mut server, _)) = together(
        || {
            Socket::connect_tls(address, &case.client, &setup.client, &setup.name, LONG)
                .expect("a connection with TLS")
        },
        || {
            listener
                .accept_tls(&case.server, &setup.server, LONG)
                .expect("a client with TLS")
        },
    );
    greet(&mut client, &mut server);
}

/// The system accepts connections that nobody has asked for yet.
fn one_call_silent<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let listener = listener("127.0.0.1:0");
    let address = listener.local_addr().expect("an address");
    let address = address.ip().expect("an IP address");
    let client = timed(SHORT, || {
        Socket::connect_tls(address, &case.client, &setup.client, &setup.name, SHORT)
    });
    assert_eq!(client.unwrap_err(), over(Operation::Handshake));
    // Its ClientHello is still there, but nobody goes on.
    let server = listener.accept_tls(&case.server, &setup.server, LONG);
    assert_eq!(tls_error(server), TlsError::Truncated);
    let _silent = PlainSocket::connect_tcp(address, LONG).expect("a connection");
    let server = timed(SHORT, || {
        listener.accept_tls(&case.server, &setup.server, SHORT)
    });
    assert_eq!(server.unwrap_err(), over(Operation::Handshake));
}

fn in_place<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    for link in Link::ALL {
        let (mut client, mut server) = link.connect();
        assert!(!client.is_tls() && !server.is_tls());
        greet(&mut client, &mut server);
        assert_eq!(client.statistics().sent, client.statistics().wire_sent);
        setup.turn_client_on(&mut client);
        setup.turn_server_on(&mut server);
        assert!(client.is_tls() && server.is_tls());
        shake(&mut client, &mut server);
        greet(&mut client, &mut server);
        greet(&mut server, &mut client);
        assert_eq!(client.statistics().sent.octets, 15);
        assert!(client.statistics().wire_sent.octets > 15);
    }
}

/// Two plain sockets on which the client was told to go on.
fn agreed<C: TlsBackend, S: TlsBackend>(link: Link) -> (End<C>, End<S>) {
    let (mut client, mut server) = link.connect();
    let mut command = [0; 10];
    client.send_all(b"STARTTLS\r\n").expect("a command");
    server.recv_exact(&mut command).expect("a command");
    assert_eq!(&command, b"STARTTLS\r\n");
    server.send_all(b"OK\r\n").expect("an answer");
    let mut answer = [0; 4];
    client.recv_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"OK\r\n");
    (client, server)
}

/// A server that reads ahead has one octet, some or all of the ClientHello.
fn hello_read<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    for link in [Link::Tcp4, Link::Pair] {
        for octets in [1, 2, 5, 6, 100, 10_000] {
            let (mut client, mut server) = agreed(link);
            setup.turn_client_on(&mut client);
            assert!(!client.handshake_step().expect("a ClientHello").is_ready());
            let mut read = vec![0; octets];
            let octets = server.recv(&mut read).expect("a ClientHello");
            read.truncate(octets);
            server
                .enable_tls_server_after(&read, &case.server, &setup.server)
                .expect("it is a ClientHello");
            assert!(server.has_pending());
            shake(&mut client, &mut server);
            assert!(!server.has_pending());
            greet(&mut client, &mut server);
        }
    }
}

fn nothing_read<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let (mut client, mut server) = agreed(Link::Tcp4);
    server
        .enable_tls_server_after(&[], &case.server, &setup.server)
        .expect("nothing was read");
    client
        .enable_tls_client_after(&[], &case.client, &setup.client, &setup.name)
        .expect("nothing was read");
    shake(&mut client, &mut server);
    greet(&mut client, &mut server);
}

fn server_refuses<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let read: [&[u8]; 8] = [
        b"MAIL FROM:<someone@example.org>\r\n",
        b"\n",
        &[0],
        &[0x16, 0x02],
        &[0x16, b'a', b'b'],
        // An alert, application data and a hello of SSL 2.
        &[0x15, 0x03, 0x03, 0, 2, 1, 0],
        &[0x17, 0x03, 0x03, 0, 1, 0],
        &[0x80, 0x2e, 0x01, 0x03, 0x01],
    ];
    for read in read {
        let (mut client, mut server) = agreed::<C, S>(Link::Pair);
        let refused = server.enable_tls_server_after(read, &case.server, &setup.server);
        assert_eq!(refused, Err(Refusal::PlaintextBehindUpgrade.into()));
        assert!(!server.is_tls());
        greet(&mut server, &mut client);
        // What the server thinks better of can be repeated.
        setup.turn_server_on(&mut server);
        setup.turn_client_on(&mut client);
        shake(&mut client, &mut server);
        greet(&mut client, &mut server);
    }
}

/// The handshake must not succeed either when the plaintext hides behind the
/// ClientHello that was handed over.
fn behind_hello<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let mut tapped = setup.tapped();
    assert!(!tapped.near.handshake_step().expect("a hello").is_ready());
    let mut read = take(&mut tapped.near_wire);
    read.extend_from_slice(b"MAIL FROM:<someone@example.org>\r\n");
    let (mut client, mut server) = agreed::<C, S>(Link::Pair);
    server
        .enable_tls_server_after(&read, &case.server, &setup.server)
        .expect("it begins like TLS");
    let result = tls_error(server.handshake(LONG));
    assert!(
        matches!(result, TlsError::PeerMisbehaved(_)),
        "the handshake ends with {result:?}"
    );
    assert_eq!(tls_error(server.recv(&mut [0; 64])), result);
    drop(server);
    let mut buf = [0; 16 * 1024];
    assert!(client.recv(&mut buf).expect("the server's flight or alert") > 0);
}

fn client_refuses<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let read: [&[u8]; 3] = [b"250 OK\r\n", &[0], &[0x16, 0x03, 0x03, 0, 1, 0]];
    for read in read {
        let (mut client, mut server) = agreed::<C, S>(Link::Pair);
        let refused =
            client.enable_tls_client_after(read, &case.client, &setup.client, &setup.name);
        assert_eq!(refused, Err(Refusal::PlaintextBehindUpgrade.into()));
        assert!(!client.is_tls());
        greet(&mut server, &mut client);
    }
    // Plaintext that nobody has read yet is fatal to the handshake.
    let (mut client, mut server) = agreed::<C, S>(Link::Pair);
    server.send_all(b"250 OK, and more\r\n").expect("a send");
    setup.turn_client_on(&mut client);
    assert_eq!(
        tls_error(client.handshake(LONG)),
        TlsError::PeerMisbehaved(PeerMisbehaved::NotTls)
    );
}

fn once<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let (mut client, mut server) = setup.turned_on(Link::Pair);
    let twice = |client: &mut End<C>, server: &mut End<S>| {
        let refused = Err(Error::from(Refusal::TlsOn));
        let (c, s) = (&setup.client, &setup.server);
        assert_eq!(
            client.enable_tls_client(&case.client, c, &setup.name),
            refused
        );
        assert_eq!(
            client.enable_tls_client_after(b"", &case.client, c, &setup.name),
            refused
        );
        assert_eq!(server.enable_tls_server(&case.server, s), refused);
        let hello = [0x16, 0x03];
        for read in [&hello[..], b"", b"plaintext"] {
            let result = server.enable_tls_server_after(read, &case.server, s);
            assert_eq!(result, refused);
        }
    };
    twice(&mut client, &mut server);
    shake(&mut client, &mut server);
    twice(&mut client, &mut server);
    greet(&mut client, &mut server);
    assert_eq!(client.statistics().handshakes, 1);
}

fn off<C: TlsBackend, S: TlsBackend>(_: &Case<C, S>) {
    let (mut client, mut server) = Link::Pair.connect::<C, S>();
    let refused = || Error::from(Refusal::TlsOff);
    assert_eq!(client.handshake(LONG), Err(refused()));
    assert_eq!(client.handshake_step(), Err(refused()));
    assert_eq!(client.key_update(), Err(refused()));
    assert_eq!(client.try_key_update(), Err(refused()));
    assert_eq!(client.close_tls(LONG), Err(refused()));
    assert_eq!(client.try_close_tls(), Err(refused()));
    assert_eq!(client.disable_tls(), Err(refused()));
    let exported = client.export_keying_material(&mut [0; 8], "EXPORTER-x", None);
    assert_eq!(exported, Err(refused()));
    assert!(client.facts().is_none() && client.session().is_none());
    greet(&mut client, &mut server);
}

fn not_clear<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    const WORDS: &[u8] = b"nobody on the way may read this";
    let is_clear = |wire: &[u8]| wire.windows(8).any(|part| WORDS.starts_with(part));
    let mut tapped = Setup::new(case).tapped();
    // The first thing that a sender sends is its handshake.
    assert!(!tapped.near.try_send(WORDS).expect("a hello").is_ready());
    let wire = take(&mut tapped.near_wire);
    assert!(wire.starts_with(&[0x16, 0x03]) && !is_clear(&wire));
    tapped.far_wire.send_all(&wire).expect("room");
    tapped.meet();
    for _ in 0..2 {
        assert_eq!(tapped.near.try_send(WORDS), Ok(Step::Ready(WORDS.len())));
        let wire = take(&mut tapped.near_wire);
        assert!(wire.len() > WORDS.len() && !is_clear(&wire));
        tapped.far_wire.send_all(&wire).expect("room");
        let mut got = [0; WORDS.len()];
        tapped.far.recv_exact(&mut got).expect("data");
        assert!(is_clear(&got) && got == WORDS);
        assert_eq!(tapped.far.send(WORDS), Ok(WORDS.len()));
        let wire = take(&mut tapped.far_wire);
        assert!(!is_clear(&wire));
        tapped.near_wire.send_all(&wire).expect("room");
        tapped.near.recv_exact(&mut got).expect("data");
    }
}
