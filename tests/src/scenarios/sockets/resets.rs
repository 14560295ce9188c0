//! A connection that the peer's system tears down.

use std::io::ErrorKind;
use std::time::Duration;

use polytls::tls::TlsBackend;
use polytls::{Error, Refusal};

use super::ends::{End, LONG, Link, Setup, in_both_roles, pattern, together};
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("a_reset_amid_the_handshake_is_the_systems_error", handshake),
        scenario("a_reset_amid_the_data_is_the_systems_error", data),
        scenario(
            "a_reset_amid_a_full_receive_is_the_systems_error",
            full_receive,
        ),
        scenario("a_reset_wakes_a_send_that_waits", waiting_send),
        scenario("a_reset_amid_a_shutdown_is_the_systems_error", shutdown),
    ]
}

/// Ends a TCP connection with a reset, whatever is under way.
fn reset<B: TlsBackend>(mut end: End<B>) {
    end.set_linger(Some(Duration::ZERO)).expect("an option");
}

#[track_caller]
fn kind_of<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    match result {
        Err(Error::Io(error)) => {
            assert!(error.raw_os_error().is_some(), "the number is kept");
            error.kind()
        }
        other => panic!("not an error of the system: {other:?}"),
    }
}

/// As the same fault is on a plain socket, and final.
#[track_caller]
fn assert_reset<B: TlsBackend, T: std::fmt::Debug>(end: &mut End<B>, first: Result<T, Error>) {
    assert_eq!(kind_of(first), ErrorKind::ConnectionReset);
    for _ in 0..2 {
        assert_eq!(kind_of(end.recv(&mut [0; 8])), ErrorKind::ConnectionReset);
        assert_eq!(kind_of(end.send(b"x")), ErrorKind::ConnectionReset);
        assert_eq!(kind_of(end.handshake(LONG)), ErrorKind::ConnectionReset);
        assert_eq!(kind_of(end.shutdown(LONG)), ErrorKind::ConnectionReset);
    }
    assert_eq!(end.peek(&mut [0]), Err(Refusal::TlsOn.into()));
}

fn handshake<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    // The client has sent its hello, and the server leaves.
    let (mut client, mut server) = Link::Tcp4.connect::<C, S>();
    setup.turn_client_on(&mut client);
    assert!(!client.handshake_step().expect("a hello").is_ready());
    assert!(server.recv(&mut [0; 8]).expect("a hello") > 0);
    reset(server);
    let result = client.handshake(LONG);
    assert_reset(&mut client, result);
    // The server has read half of a hello, and the client leaves.
    let (mut client, mut server) = Link::Tcp4.connect::<C, S>();
    setup.turn_server_on(&mut server);
    client.send_all(&[0x16, 3, 1, 2, 0, 1, 0]).expect("a send");
    let server_waits = loop {
        let step = server.handshake_step().expect("half a hello");
        if server.statistics().wire_received.octets == 7 {
            break step;
        }
    };
    assert!(!server_waits.is_ready());
    reset(client);
    let result = server.handshake(LONG);
    assert_reset(&mut server, result);
}

fn data<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, data_between);
}

fn data_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    far.send_all(b"data").expect("a send");
    let mut got = [0; 4];
    near.recv_exact(&mut got).expect("data");
    reset(far);
    let result = near.recv(&mut got);
    assert_reset(&mut near, result);
}

fn full_receive<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp6, full_receive_between);
}

fn full_receive_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let (near, result) = together(
        move || {
            near.send_all(b"go").expect("a send");
            let result = near.recv_exact(&mut [0; 100]);
            (near, result)
        },
        move || {
            far.recv_exact(&mut [0; 2]).expect("data");
            far.send_all(&pattern(50)).expect("a send");
            reset(far);
        },
    )
    .0;
    let mut near = near;
    assert_reset(&mut near, result);
}

fn waiting_send<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, waiting_send_between);
}

fn waiting_send_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let (result, ()) = together(
        move || near.send_all(&vec![0; 16 * 1024 * 1024]),
        move || {
            far.recv_exact(&mut [0; 1000]).expect("data");
            reset(far);
        },
    );
    let kind = kind_of(result);
    // Which of both it is depends on where the sender was.
    assert!(
        matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
        "{kind:?}"
    );
}

fn shutdown<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, shutdown_between);
}

fn shutdown_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let (result, ()) = together(
        move || near.shutdown(LONG),
        move || {
            assert_eq!(far.recv(&mut [0]), Ok(0), "the close came");
            reset(far);
        },
    );
    assert_eq!(kind_of(result), ErrorKind::ConnectionReset);
}
