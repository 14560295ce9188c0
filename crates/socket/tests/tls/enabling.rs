//! Turning TLS on in place, STARTTLS included.

use std::io::ErrorKind;

use socket::{Error, PlainSocket, Refusal, Step};
use tls_core::parse_server_name;

use crate::common::{FakeSocket, LONG, client_flights, name, shake, tls_pair};
use crate::fake::{DATA, Fake, HANDSHAKE, record};

#[test]
fn a_plain_conversation_goes_on_over_tls() {
    let (mut client, mut server) = FakeSocket::pair().unwrap();
    client.send_all(b"STARTTLS\r\n").unwrap();
    let mut command = [0; 10];
    server.recv_exact(&mut command).unwrap();
    server.send_all(b"go").unwrap();
    let mut answer = [0; 2];
    client.recv_exact(&mut answer).unwrap();
    let fake = Fake::default();
    server.enable_tls_server(&fake, &()).unwrap();
    client.enable_tls_client(&fake, &(), &name()).unwrap();
    shake(&mut client, &mut server);
    client.send_all(b"secret").unwrap();
    let mut got = [0; 6];
    server.recv_exact(&mut got).unwrap();
    assert_eq!(&got, b"secret");
}

#[test]
fn bytes_handed_over_reach_the_session_before_the_descriptors() {
    let mut stream = client_flights();
    stream.extend(record(DATA, b"first"));
    stream.extend(record(DATA, b"second"));
    for cut in 0..=stream.len() {
        let (mut client, server) = PlainSocket::pair().unwrap();
        let mut server = FakeSocket::from_fd(server.into_fd().unwrap()).unwrap();
        client.send_all(&stream[cut..]).unwrap();
        server
            .enable_tls_server_after(&stream[..cut], &Fake::default(), &())
            .unwrap();
        assert_eq!(server.has_pending(), cut > 0);
        let mut got = [0; 11];
        server.recv_exact(&mut got).unwrap();
        assert_eq!(&got, b"firstsecond", "cut at {cut}");
        // What was handed over did not come from the wire.
        let wire = server.statistics().wire_received.octets;
        assert_eq!(wire, (stream.len() - cut) as u64);
        // A descriptor whose bytes come second is not told.
        let told = &server.session().unwrap().descriptor_told;
        assert_eq!(told[0], cut == 0);
        assert!(told.is_sorted());
    }
}

#[test]
fn plaintext_behind_the_command_is_refused_on_a_server() {
    let refused = Error::Refused(Refusal::PlaintextBehindUpgrade);
    let data = record(DATA, b"x");
    for injected in [&b"MAIL FROM:<mallory>"[..], b"\x16\x02", b"\n", &data] {
        let (mut server, _peer) = FakeSocket::pair().unwrap();
        let result = server.enable_tls_server_after(injected, &Fake::default(), &());
        assert_eq!(result, Err(refused.clone()), "{injected:?}");
        assert!(!server.is_tls());
        server.send_all(b"554 no\r\n").unwrap();
    }
    let error = std::io::Error::from(refused);
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    for sound in [&b""[..], b"\x16", b"\x16\x03", b"\x16\x03\x01\x02"] {
        let (mut server, _peer) = FakeSocket::pair().unwrap();
        server
            .enable_tls_server_after(sound, &Fake::default(), &())
            .unwrap();
    }
}

#[test]
fn any_byte_behind_the_answer_is_refused_on_a_client() {
    let handshake = record(HANDSHAKE, b"answer");
    for injected in [&b"250 ok"[..], b"\x16", &handshake] {
        let (mut client, _peer) = FakeSocket::pair().unwrap();
        let result = client.enable_tls_client_after(injected, &Fake::default(), &(), &name());
        assert_eq!(
            result,
            Err(Error::Refused(Refusal::PlaintextBehindUpgrade)),
            "{injected:?}"
        );
        assert!(!client.is_tls());
        client
            .enable_tls_client_after(b"", &Fake::default(), &(), &name())
            .unwrap();
    }
}

#[test]
fn plaintext_that_the_system_still_holds_fails_the_handshake() {
    let (mut client, server) = PlainSocket::pair().unwrap();
    let mut server = FakeSocket::from_fd(server.into_fd().unwrap()).unwrap();
    client.send_all(b"MAIL FROM:<mallory>").unwrap();
    server.enable_tls_server(&Fake::default(), &()).unwrap();
    assert!(matches!(server.handshake(LONG), Err(Error::Tls(_))));
}

#[test]
fn turning_it_on_twice_is_refused() {
    let (mut client, mut server) = tls_pair();
    let refused = Err(Error::Refused(Refusal::TlsOn));
    let fake = Fake::default();
    assert_eq!(client.enable_tls_client(&fake, &(), &name()), refused);
    assert_eq!(client.enable_tls_server(&fake, &()), refused);
    let after = client.enable_tls_client_after(b"x", &fake, &(), &name());
    assert_eq!(after, refused);
    assert_eq!(server.enable_tls_server_after(b"x", &fake, &()), refused);
    client.send_all(b"x").unwrap();
    server.recv_exact(&mut [0]).unwrap();
}

#[test]
fn a_name_that_the_backend_refuses_leaves_the_socket_plain() {
    let (mut client, mut server) = FakeSocket::pair().unwrap();
    let address = parse_server_name("192.0.2.1").unwrap();
    let error = client
        .enable_tls_client(&Fake::default(), &(), &address)
        .unwrap_err();
    assert_eq!(error.kind(), "config");
    assert!(!client.is_tls());
    client.send_all(b"clear").unwrap();
    server.recv_exact(&mut [0; 5]).unwrap();
}

#[test]
fn the_handshake_goes_step_by_step() {
    let (mut client, mut server) = crate::common::before_handshake();
    let blocked = Ok(Step::Blocked(socket::Interest::READ));
    assert_eq!(server.handshake_step(), blocked);
    assert_eq!(client.handshake_step(), blocked);
    assert_eq!(server.handshake_step(), blocked);
    assert_eq!(client.statistics().handshakes, 0);
    assert_eq!(client.handshake_step(), Ok(Step::Ready(())));
    assert_eq!(server.handshake_step(), Ok(Step::Ready(())));
    for socket in [&mut client, &mut server] {
        assert_eq!(socket.handshake_step(), Ok(Step::Ready(())));
        assert_eq!(socket.statistics().handshakes, 1);
    }
}
