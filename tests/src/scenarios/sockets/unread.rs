//! A peer that does not read: sending ends in time, and nothing is lost or
//! sent twice.

use std::io::{ErrorKind, IoSlice, Write};

use polytls::tls::TlsBackend;
use polytls::{Error, Interest, Operation, Step};

use super::ends::{
    End, LONG, Link, SHORT, Setup, in_both_roles, over, pattern, receive_all, timed, together,
};
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("a_send_to_a_peer_that_does_not_read_is_over_in_time", send),
        scenario("a_full_send_tells_how_much_was_taken_in_its_time", send_all),
        scenario(
            "a_write_to_a_peer_that_does_not_read_is_over_in_time",
            write,
        ),
        scenario("a_send_of_several_buffers_goes_on_after_its_time", vectored),
        scenario(
            "a_shutdown_behind_held_octets_is_over_in_time_and_goes_on",
            shutdown,
        ),
        scenario("a_receive_pushes_out_what_is_held", receive_pushes),
    ]
}

/// Leaves an end little room and little time. The receiver's room stays as the
/// system has it: TCP crawls where that is made small.
fn narrow<B: TlsBackend>(near: &mut End<B>) {
    near.set_send_buffer(16 * 1024).expect("a buffer");
    near.set_write_timeout(Some(SHORT));
}

/// More than what lies between two narrow ends.
const MUCH: usize = 2 * 1024 * 1024;

/// The peer wakes up and reads while the rest is sent.
#[track_caller]
fn go_on<A: TlsBackend, B: TlsBackend>(
    mut near: End<A>,
    mut far: End<B>,
    data: &[u8],
    taken: usize,
) {
    assert!((1..data.len()).contains(&taken), "{taken} were taken");
    assert_eq!(near.statistics().sent.octets, taken as u64);
    near.set_write_timeout(None);
    together(
        move || {
            near.send_all(&data[taken..]).expect("a send");
            assert_eq!(near.interest(), Interest::READ, "nothing is held");
            near.shutdown_write(LONG).expect("an end");
            assert_eq!(near.recv(&mut [0]), Ok(0));
        },
        move || {
            let got = receive_all(&mut far);
            assert_eq!(got.len(), data.len(), "lost or sent twice");
            assert!(got == data, "mixed up");
            far.shutdown_write(LONG).expect("an end");
        },
    );
}

fn send<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, send_between);
    in_both_roles!(case, Link::Pair, send_between);
}

fn send_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, far: End<B>) {
    narrow(&mut near);
    let data = pattern(MUCH);
    let mut taken = 0;
    let late = loop {
        match near.send(&data[taken..]) {
            Ok(octets) => taken += octets,
            Err(error) => break error,
        }
    };
    assert_eq!(late, over(Operation::Send));
    // The system of TCP moves some on by itself.
    match near.send(&data[taken..]) {
        Ok(octets) => taken += octets,
        late => assert_eq!(late, Err(over(Operation::Send))),
    }
    go_on(near, far, &data, taken);
}

fn send_all<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp6, send_all_between);
    in_both_roles!(case, Link::Unix, send_all_between);
}

fn send_all_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, far: End<B>) {
    narrow(&mut near);
    let data = pattern(MUCH);
    let late = timed(SHORT, || near.send_all(&data));
    let Err(Error::Timeout { during, done }) = late else {
        panic!("nobody has read anything: {late:?}");
    };
    assert_eq!(during, Operation::Send);
    go_on(near, far, &data, done);
}

fn write<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, write_between);
}

fn write_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, far: End<B>) {
    narrow(&mut near);
    let data = pattern(MUCH);
    let mut taken = 0;
    let late = loop {
        match near.write(&data[taken..]) {
            Ok(octets) => taken += octets,
            Err(error) => break error,
        }
    };
    assert_eq!(late.kind(), ErrorKind::TimedOut);
    let late = Write::flush(&mut near).expect_err("nobody reads");
    assert_eq!(late.kind(), ErrorKind::TimedOut);
    go_on(near, far, &data, taken);
}

fn vectored<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, vectored_between);
}

fn vectored_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, far: End<B>) {
    narrow(&mut near);
    let data = pattern(MUCH);
    let mut slices: Vec<_> = data.chunks(10_001).map(IoSlice::new).collect();
    let late = near.send_all_vectored(&mut slices);
    let Err(Error::Timeout { during, done }) = late else {
        panic!("nobody has read anything: {late:?}");
    };
    assert_eq!(during, Operation::Send);
    go_on(near, far, &data, done);
}

fn shutdown<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, shutdown_between);
}

fn shutdown_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    narrow(&mut near);
    let data = pattern(MUCH);
    let taken = stall(&mut near, &data);
    let late = timed(SHORT, || near.shutdown_write(SHORT));
    assert_eq!(late, Err(over(Operation::Shutdown)));
    let late = timed(SHORT, || near.shutdown(SHORT));
    assert_eq!(late, Err(over(Operation::Shutdown)));
    together(
        move || assert_eq!(near.shutdown(LONG), Ok(0)),
        move || {
            let got = receive_all(&mut far);
            assert_eq!(got.len(), taken, "lost or sent twice");
            assert!(got == data[..taken], "mixed up");
            assert_eq!(far.shutdown(LONG), Ok(0));
        },
    );
}

/// Sends until the time is over; answers how much was taken.
fn stall<B: TlsBackend>(end: &mut End<B>, data: &[u8]) -> usize {
    let Err(Error::Timeout { done, .. }) = end.send_all(data) else {
        panic!("nobody has read anything");
    };
    done
}

fn receive_pushes<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, receive_pushes_between);
}

/// The peer answers only once it has everything, so octets that stayed here
/// would keep both waiting.
fn receive_pushes_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    narrow(&mut near);
    let data = pattern(MUCH);
    let mut taken = 0;
    while let Step::Ready(octets) = near.try_send(&data[taken..]).expect("a send") {
        taken += octets;
    }
    assert!(near.interest().contains(Interest::WRITE), "octets are held");
    together(
        move || {
            let mut got = [0; 4];
            near.recv_exact(&mut got).expect("an answer");
            assert_eq!(&got, b"done");
            assert_eq!(near.interest(), Interest::READ);
        },
        move || {
            let mut got = vec![0; taken];
            far.recv_exact(&mut got).expect("all of it");
            assert!(got == data[..taken]);
            far.send_all(b"done").expect("a send");
            assert_eq!(far.statistics().received.octets, taken as u64);
        },
    );
}
