//! An end without `close_notify` is never taken for a clean one.

use std::io::{self, ErrorKind, IoSliceMut, Read};

use polytls::Error;
use polytls::tls::{Error as TlsError, TlsBackend};

use super::ends::{End, LONG, Link, Setup, in_both_roles, tls_error};
use super::tapped::{Tapped, take};
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    let mut table: Vec<_> = Link::ALL
        .into_iter()
        .map(|link| {
            let name = format!("every_operation_tells_a_truncation_over_{}", link.name());
            scenario(name, move |case| every_operation(case, link))
        })
        .collect();
    table.extend([
        scenario("a_clean_end_is_no_truncation_to_any_operation", clean),
        scenario("data_before_a_truncation_arrives_over_a_socket", data_first),
        scenario("a_record_that_was_cut_is_a_truncation", cut),
        scenario(
            "a_peer_that_leaves_amid_the_handshake_is_a_truncation",
            handshake,
        ),
        scenario("a_dropped_socket_says_no_close_notify", dropped),
    ]);
    table
}

/// One way to meet the end of the stream, as the socket's error.
type Meet<B> = fn(&mut End<B>) -> Result<(), Error>;

fn meets<B: TlsBackend>() -> [(&'static str, Meet<B>); 8] {
    [
        ("recv", |end| end.recv(&mut [0; 8]).map(ended)),
        ("try_recv", |end| {
            let ready = end.try_recv(&mut [0; 8])?.ready();
            ended(ready.expect("the end is there"));
            Ok(())
        }),
        ("recv_vectored", |end| {
            let (mut one, mut two) = ([0; 8], [0; 8]);
            let mut bufs = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
            end.recv_vectored(&mut bufs).map(ended)
        }),
        ("recv_exact", |end| end.recv_exact(&mut [0; 8])),
        ("read", |end| {
            end.read(&mut [0; 8])
                .map(ended)
                .map_err(|error| inner(&error))
        }),
        ("read_exact", |end| {
            end.read_exact(&mut [0; 8]).map_err(|error| inner(&error))
        }),
        ("read_to_end", |end| {
            end.read_to_end(&mut Vec::new())
                .map(ended)
                .map_err(|error| inner(&error))
        }),
        ("shutdown", |end| {
            assert_eq!(end.shutdown(LONG)?, 0);
            Ok(())
        }),
    ]
}

#[track_caller]
fn ended(octets: usize) {
    assert_eq!(octets, 0, "no data was sent");
}

/// The socket's error inside of that of `std`.
#[track_caller]
fn inner(error: &io::Error) -> Error {
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    // `read_exact` says of a clean end that there was too little.
    inner.cloned().unwrap_or(Error::Ended { got: 0, wanted: 8 })
}

fn every_operation<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, link: Link) {
    let setup = Setup::new(case);
    for (name, meet) in meets() {
        let (mut client, server) = setup.connected(link);
        drop(server);
        assert_truncated(name, meet, &mut client);
    }
    for (name, meet) in meets() {
        let (client, mut server) = setup.connected(link);
        drop(client);
        assert_truncated(name, meet, &mut server);
    }
}

#[track_caller]
fn assert_truncated<B: TlsBackend>(name: &str, meet: Meet<B>, end: &mut End<B>) {
    let truncated = Err(Error::Tls(TlsError::Truncated));
    assert_eq!(meet(end), truncated, "{name}");
    assert_eq!(meet(end), truncated, "{name}, once more");
    assert_eq!(tls_error(end.recv(&mut [0; 8])), TlsError::Truncated);
    let refused = match name {
        "shutdown" => Error::Closed,
        _ => Error::Tls(TlsError::Truncated),
    };
    assert_eq!(end.send(b"x"), Err(refused));
}

fn clean<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    for (name, meet) in meets() {
        let (mut client, mut server) = setup.connected(Link::Tcp4);
        server.shutdown_write(LONG).expect("an end");
        assert_clean(name, &meet(&mut client));
    }
    for (name, meet) in meets() {
        let (mut client, mut server) = setup.connected(Link::Pair);
        client.shutdown_write(LONG).expect("an end");
        assert_clean(name, &meet(&mut server));
    }
}

/// What wants more octets says how many came.
#[track_caller]
fn assert_clean(name: &str, met: &Result<(), Error>) {
    let expected = match name {
        "recv_exact" | "read_exact" => Err(Error::Ended { got: 0, wanted: 8 }),
        _ => Ok(()),
    };
    assert_eq!(met, &expected, "{name}");
}

fn data_first<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for link in Link::ALL {
        in_both_roles!(case, link, data_first_between);
    }
}

fn data_first_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    far.send_all(b"almost").expect("a send");
    far.send_all(b" all").expect("a send");
    drop(far);
    let mut got = Vec::new();
    let error = near.read_to_end(&mut got).expect_err("it was cut");
    assert_eq!(inner(&error), Error::Tls(TlsError::Truncated));
    assert_eq!(got, b"almost all");
}

fn cut<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    for missing in [1, 10, 500, 1000] {
        cut_between(setup.tapped_and_connected(), missing);
        cut_between(setup.tapped_and_connected().turned(), missing);
    }
}

fn cut_between<A: TlsBackend, B: TlsBackend>(mut tapped: Tapped<A, B>, missing: usize) {
    tapped.far.send_all(b"whole").expect("a send");
    tapped.far.send_all(&[7; 1000]).expect("a send");
    let wire = take(&mut tapped.far_wire);
    let kept = &wire[..wire.len() - missing];
    tapped.near_wire.send_all(kept).expect("room");
    drop(tapped.near_wire);
    let mut got = [0; 100];
    let error = tls_error(tapped.near.recv_exact(&mut got));
    assert_eq!(error, TlsError::Truncated);
    assert_eq!(&got[..6], b"whole\0", "nothing of the cut record comes out");
}

fn handshake<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    for link in Link::ALL {
        let (mut client, mut server) = link.connect::<C, S>();
        setup.turn_client_on(&mut client);
        assert!(!client.handshake_step().expect("a hello").is_ready());
        let mut hello = vec![0; 16 * 1024];
        assert!(server.recv(&mut hello).expect("a hello") > 0);
        drop(server);
        assert_eq!(tls_error(client.handshake(LONG)), TlsError::Truncated);
        assert_eq!(tls_error(client.recv(&mut [0])), TlsError::Truncated);
        let (client, mut server) = setup.turned_on(link);
        drop(client);
        assert_eq!(tls_error(server.handshake(LONG)), TlsError::Truncated);
        assert_eq!(tls_error(server.recv(&mut [0])), TlsError::Truncated);
    }
}

fn dropped<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    dropped_between(setup.tapped_and_connected());
    dropped_between(setup.tapped_and_connected().turned());
}

fn dropped_between<A: TlsBackend, B: TlsBackend>(mut tapped: Tapped<A, B>) {
    assert_eq!(take(&mut tapped.far_wire), []);
    drop(tapped.far);
    assert_eq!(take(&mut tapped.far_wire), [], "a drop sends nothing");
    assert_eq!(tapped.far_wire.recv(&mut [0]), Ok(0), "and closes");
}
