//! A peer that is slow or silent: every wait ends in time, and none of them
//! ends the connection.

use std::io::{ErrorKind, IoSliceMut, Read};
use std::time::{Duration, Instant};

use polytls::tls::TlsBackend;
use polytls::{Error, Operation};

use super::ends::{End, LONG, Link, SHORT, Setup, greet, in_both_roles, over, pattern, timed};
use super::tapped::{Tapped, dribble, take};
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("a_silent_peer_ends_a_receive_at_its_timeout", silent),
        scenario("a_silent_peer_ends_a_receive_at_the_deadline", deadline),
        scenario("no_time_to_wait_still_takes_what_is_there", no_time),
        scenario(
            "a_silent_peer_ends_the_handshake_and_it_can_go_on",
            handshake,
        ),
        scenario(
            "a_handshake_that_comes_octet_by_octet_is_over_in_time",
            slow_handshake,
        ),
        scenario(
            "a_record_that_comes_octet_by_octet_extends_no_receive",
            slow_record,
        ),
        scenario(
            "records_that_come_one_by_one_extend_no_full_receive",
            slow_records,
        ),
        scenario("a_shutdown_waits_no_longer_for_a_slow_peer", slow_shutdown),
        scenario("everything_can_come_octet_by_octet", octet_by_octet),
    ]
}

/// Faster than any limit here, so that something always comes before it.
const PACE: Duration = Duration::from_millis(2);

fn silent<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, silent_between);
}

fn silent_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    near.set_read_timeout(Some(SHORT));
    let mut got = [0; 8];
    let late = timed(SHORT, || near.recv(&mut got));
    assert_eq!(late, Err(over(Operation::Receive)));
    let mut bufs = [IoSliceMut::new(&mut got)];
    let late = timed(SHORT, || near.recv_vectored(&mut bufs));
    assert_eq!(late, Err(over(Operation::Receive)));
    let late = timed(SHORT, || near.read(&mut got)).expect_err("no data");
    assert_eq!(late.kind(), ErrorKind::TimedOut);
    far.send_all(b"abc").expect("a send");
    let late = timed(SHORT, || near.recv_exact(&mut got));
    let during = Operation::Receive;
    assert_eq!(late, Err(Error::Timeout { during, done: 3 }));
    assert_eq!(&got[..3], b"abc");
    greet(&mut far, &mut near);
}

fn deadline<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, deadline_between);
}

fn deadline_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    near.set_read_timeout(Some(LONG));
    let long = near.deadline();
    near.set_deadline(Some(Instant::now() + SHORT));
    let late = timed(SHORT / 2, || near.recv(&mut [0; 8]));
    assert_eq!(late, Err(over(Operation::Receive)));
    let start = Instant::now();
    assert_eq!(near.recv(&mut [0; 8]), Err(over(Operation::Receive)));
    let late = near.shutdown(LONG);
    assert_eq!(late, Err(over(Operation::Shutdown)));
    assert!(start.elapsed() < LONG / 2, "a moment that is over stays so");
    near.set_deadline(long);
    assert_eq!(far.recv(&mut [0]), Ok(0));
    assert_eq!(far.shutdown(LONG), Ok(0));
    assert_eq!(near.shutdown(LONG), Ok(0));
}

fn no_time<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, no_time_between);
}

fn no_time_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    near.set_read_timeout(Some(Duration::ZERO));
    near.set_write_timeout(Some(Duration::ZERO));
    let mut got = [0; 5];
    assert_eq!(near.recv(&mut got), Err(over(Operation::Receive)));
    far.send_all(b"there").expect("a send");
    assert_eq!(near.recv(&mut got), Ok(5));
    assert_eq!(&got, b"there");
    assert_eq!(near.send(b"hello"), Ok(5));
    assert_eq!(near.send_all(b"again"), Ok(()));
    assert_eq!(near.flush(), Ok(()));
    assert_eq!(near.shutdown_write(Duration::ZERO), Ok(()));
    let mut got = [0; 10];
    far.recv_exact(&mut got).expect("data");
    assert_eq!(&got, b"helloagain");
    assert_eq!(far.recv(&mut got), Ok(0));
}

fn handshake<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for link in [Link::Tcp4, Link::Pair] {
        let (mut client, mut server) = Setup::new(case).turned_on(link);
        let late = timed(SHORT, || server.handshake(SHORT));
        assert_eq!(late, Err(over(Operation::Handshake)));
        let late = timed(SHORT, || client.handshake(SHORT));
        assert_eq!(late, Err(over(Operation::Handshake)));
        client.set_read_timeout(Some(SHORT));
        let late = timed(SHORT, || client.recv(&mut [0]));
        assert_eq!(late, Err(over(Operation::Receive)));
        client.set_write_timeout(Some(SHORT));
        let late = timed(SHORT, || client.send(b"x"));
        assert_eq!(late, Err(over(Operation::Send)));
        let long = client.deadline();
        client.set_deadline(Some(Instant::now() + SHORT));
        let late = timed(SHORT / 2, || client.handshake(LONG));
        assert_eq!(late, Err(over(Operation::Handshake)));
        client.set_deadline(long);
        client.set_read_timeout(None);
        client.set_write_timeout(None);
        super::ends::shake(&mut client, &mut server);
        greet(&mut client, &mut server);
        assert_eq!(client.statistics().sent.octets, 5);
    }
}

fn slow_handshake<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let mut tapped = setup.tapped();
    assert!(!tapped.near.handshake_step().expect("a hello").is_ready());
    let hello = take(&mut tapped.near_wire);
    let (late, sent) = dribble(&mut tapped.far_wire, hello.chunks(1), PACE, || {
        timed(SHORT, || tapped.far.handshake(SHORT))
    });
    assert_eq!(late, Err(over(Operation::Handshake)));
    assert!((2..hello.len()).contains(&sent), "{sent} octets were sent");
    tapped.far_wire.send_all(&hello[sent..]).expect("room");
    // Now the client waits for the server's flight.
    assert!(!tapped.far.handshake_step().expect("a flight").is_ready());
    let flight = take(&mut tapped.far_wire);
    let (late, sent) = dribble(&mut tapped.near_wire, flight.chunks(1), PACE, || {
        timed(SHORT, || tapped.near.handshake(SHORT))
    });
    assert_eq!(late, Err(over(Operation::Handshake)));
    assert!((2..flight.len()).contains(&sent), "{sent} octets were sent");
    tapped.near_wire.send_all(&flight[sent..]).expect("room");
    tapped.meet();
}

/// Both ways: once the server is slow, once the client.
fn both_slow<C: TlsBackend, S: TlsBackend>(
    setup: &Setup<'_, C, S>,
) -> (Tapped<C, S>, Tapped<S, C>) {
    (
        setup.tapped_and_connected(),
        setup.tapped_and_connected().turned(),
    )
}

fn slow_record<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (one, other) = both_slow(&Setup::new(case));
    slow_record_between(one);
    slow_record_between(other);
}

fn slow_record_between<A: TlsBackend, B: TlsBackend>(mut tapped: Tapped<A, B>) {
    let data = pattern(10_000);
    tapped.far.send_all(&data).expect("a send");
    let wire = take(&mut tapped.far_wire);
    let near = &mut tapped.near;
    let before = near.statistics().wire_received.octets;
    near.set_read_timeout(Some(SHORT));
    let mut got = vec![0; data.len()];
    let (late, sent) = dribble(&mut tapped.near_wire, wire.chunks(1), PACE, || {
        timed(SHORT, || near.recv(&mut got))
    });
    assert_eq!(late, Err(over(Operation::Receive)));
    assert!((2..wire.len()).contains(&sent), "{sent} octets were sent");
    assert!(tapped.near.statistics().wire_received.octets > before);
    tapped.near_wire.send_all(&wire[sent..]).expect("room");
    tapped.near.recv_exact(&mut got).expect("the whole record");
    assert!(got == data);
}

fn slow_records<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (one, other) = both_slow(&Setup::new(case));
    slow_records_between(one);
    slow_records_between(other);
}

fn slow_records_between<A: TlsBackend, B: TlsBackend>(mut tapped: Tapped<A, B>) {
    let data = pattern(200);
    let records: Vec<_> = data
        .chunks(1)
        .map(|octet| {
            tapped.far.send_all(octet).expect("a send");
            take(&mut tapped.far_wire)
        })
        .collect();
    let near = &mut tapped.near;
    near.set_read_timeout(Some(SHORT));
    let mut got = [0; 200];
    let pieces = records.iter().map(Vec::as_slice);
    let (late, sent) = dribble(&mut tapped.near_wire, pieces, PACE, || {
        timed(SHORT, || near.recv_exact(&mut got))
    });
    let Err(Error::Timeout { during, done }) = late else {
        panic!("200 records came at a slow pace: {late:?}");
    };
    assert_eq!(during, Operation::Receive);
    assert!((1..=sent).contains(&done), "{done} of {sent}");
    let rest = records[sent..].concat();
    tapped.near_wire.send_all(&rest).expect("room");
    near.set_read_timeout(None);
    near.recv_exact(&mut got[done..]).expect("the rest");
    assert!(got == data[..]);
}

fn slow_shutdown<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (one, other) = both_slow(&Setup::new(case));
    slow_shutdown_between(one);
    slow_shutdown_between(other);
}

fn slow_shutdown_between<A: TlsBackend, B: TlsBackend>(mut tapped: Tapped<A, B>) {
    tapped.far.send_all(&pattern(5_000)).expect("a send");
    tapped.far.shutdown_write(LONG).expect("an end");
    let wire = take(&mut tapped.far_wire);
    let near = &mut tapped.near;
    let (late, sent) = dribble(&mut tapped.near_wire, wire.chunks(1), PACE, || {
        timed(SHORT, || near.shutdown(SHORT))
    });
    assert_eq!(late, Err(over(Operation::Shutdown)));
    tapped.near_wire.send_all(&wire[sent..]).expect("room");
    assert_eq!(near.shutdown(LONG), Ok(5_000));
}

/// The negative twin of all of them: slow is not wrong.
fn octet_by_octet<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut tapped = Setup::new(case).tapped();
    for _ in 0..20 {
        let near = tapped.near.handshake_step().expect("a handshake");
        for octet in take(&mut tapped.near_wire).chunks(1) {
            tapped.far_wire.send_all(octet).expect("room");
            let _ = tapped.far.handshake_step().expect("a handshake");
        }
        let far = tapped.far.handshake_step().expect("a handshake");
        for octet in take(&mut tapped.far_wire).chunks(1) {
            tapped.near_wire.send_all(octet).expect("room");
            let _ = tapped.near.handshake_step().expect("a handshake");
        }
        if near.is_ready() && far.is_ready() {
            break;
        }
    }
    assert!(tapped.near.facts().is_some() && tapped.far.facts().is_some());
    trickle(&mut tapped);
    trickle(&mut tapped.turned());
}

fn trickle<A: TlsBackend, B: TlsBackend>(tapped: &mut Tapped<A, B>) {
    let data = pattern(500);
    tapped.far.send_all(&data).expect("a send");
    let wire = take(&mut tapped.far_wire);
    let mut got = vec![0; data.len()];
    let near = &mut tapped.near;
    let (result, _) = dribble(
        &mut tapped.near_wire,
        wire.chunks(1),
        Duration::from_micros(1),
        || near.recv_exact(&mut got),
    );
    assert_eq!(result, Ok(()));
    assert!(got == data);
}
