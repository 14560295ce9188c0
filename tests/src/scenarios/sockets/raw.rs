//! Nothing reaches the descriptor past TLS.

use std::os::fd::AsRawFd;

use polytls::tls::TlsBackend;
use polytls::{Refusal, Socket, Step};

use super::ends::{End, Link, Setup, greet, shake};
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("raw_access_is_granted_without_tls", granted),
        scenario("raw_access_is_refused_under_tls", refused),
    ]
}

fn granted<C: TlsBackend, S: TlsBackend>(_: &Case<C, S>) {
    let (mut client, mut server) = Link::Tcp4.connect::<C, S>();
    client.send_all(b"look").expect("a send");
    let mut got = [0; 4];
    assert_eq!(server.peek(&mut got), Ok(4));
    assert_eq!(&got, b"look");
    assert_eq!(server.try_peek(&mut got), Ok(Step::Ready(4)));
    server.recv_exact(&mut got).expect("data");
    let raw = server.raw_fd().expect("a descriptor").as_raw_fd();
    let fd = server.into_fd().expect("a descriptor");
    assert_eq!(fd.as_raw_fd(), raw);
    let mut server: End<S> = Socket::from_fd(fd).expect("a socket");
    greet(&mut client, &mut server);
}

fn refused<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (mut client, mut server) = Setup::new(case).turned_on(Link::Tcp4);
    client = assert_refused(client);
    shake(&mut client, &mut server);
    client.send_all(b"secret").expect("a send");
    server = assert_refused(server);
    let mut got = [0; 6];
    server.recv_exact(&mut got).expect("data");
    assert_eq!(&got, b"secret");
    client = assert_refused(client);
    greet(&mut client, &mut server);
}

#[track_caller]
fn assert_refused<B: TlsBackend>(mut end: End<B>) -> End<B> {
    let mut buf = [0; 4];
    assert_eq!(end.raw_fd().unwrap_err(), Refusal::TlsOn.into());
    assert_eq!(end.peek(&mut buf), Err(Refusal::TlsOn.into()));
    assert_eq!(end.try_peek(&mut buf), Err(Refusal::TlsOn.into()));
    assert_eq!(buf, [0; 4]);
    *end.into_fd().expect_err("the socket comes back")
}
