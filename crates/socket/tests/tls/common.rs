//! What the tests share.

use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use socket::{Error, PlainSocket, Socket};
use tls_core::{ServerName, parse_server_name};

use crate::fake::{Fake, HANDSHAKE, record};

pub(crate) type FakeSocket = Socket<Fake>;

/// So long that only a hang takes it.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// A short time to wait in vain.
pub(crate) const SHORT: Duration = Duration::from_millis(60);

pub(crate) fn name() -> ServerName<'static> {
    parse_server_name("fake.example").unwrap()
}

/// Two sockets with TLS turned on and nothing done yet.
pub(crate) fn before_handshake() -> (FakeSocket, FakeSocket) {
    let (mut client, mut server) = FakeSocket::pair().unwrap();
    client
        .enable_tls_client(&Fake::default(), &(), &name())
        .unwrap();
    server.enable_tls_server(&Fake::default(), &()).unwrap();
    (client, server)
}

/// Does the handshake of two ends at once.
pub(crate) fn shake(client: &mut FakeSocket, server: &mut FakeSocket) {
    thread::scope(|scope| {
        let connects = scope.spawn(|| client.handshake(LONG));
        server.handshake(LONG).unwrap();
        connects.join().unwrap().unwrap();
    });
}

/// Two sockets with TLS on.
pub(crate) fn tls_pair() -> (FakeSocket, FakeSocket) {
    let (mut client, mut server) = before_handshake();
    shake(&mut client, &mut server);
    (client, server)
}

/// A server with TLS on whose client is played by the test, byte by byte.
pub(crate) fn server_of_a_raw_client() -> (PlainSocket, FakeSocket) {
    server_of(&Fake::default())
}

/// The same with this backend.
pub(crate) fn server_of(fake: &Fake) -> (PlainSocket, FakeSocket) {
    let (client, server) = UnixStream::pair().unwrap();
    let (mut client, mut server) = (PlainSocket::from(client), FakeSocket::from(server));
    server.enable_tls_server(fake, &()).unwrap();
    client.send_all(&client_flights()).unwrap();
    server.handshake(LONG).unwrap();
    let mut answer = record(HANDSHAKE, b"answer");
    client.recv_exact(&mut answer).unwrap();
    (client, server)
}

/// All that a client sends in a handshake.
pub(crate) fn client_flights() -> Vec<u8> {
    let mut flights = record(HANDSHAKE, b"fake.example");
    flights.extend(record(HANDSHAKE, b"finish"));
    flights
}

#[track_caller]
pub(crate) fn tls_error<T: std::fmt::Debug>(result: Result<T, Error>) -> tls_core::Error {
    match result {
        Err(Error::Tls(error)) => error,
        other => panic!("{other:?}"),
    }
}
