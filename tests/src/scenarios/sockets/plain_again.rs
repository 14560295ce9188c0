//! Turning TLS off again.

use polytls::tls::{Error as TlsError, TlsBackend};
use polytls::{Error, Refusal, Step};

use super::ends::{
    End, LONG, Link, SHORT, Setup, greet, in_both_roles, pattern, shake, tls_error, together,
};
use super::tapped::{Tapped, take};
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("a_socket_goes_back_to_plaintext", back),
        scenario("tls_can_be_turned_on_again", again),
        scenario("going_back_is_refused_until_both_have_closed", refused),
        scenario("going_back_is_refused_after_a_truncation", truncated),
        scenario("plaintext_right_behind_the_peers_close_arrives", at_once),
        scenario(
            "plaintext_that_comes_too_early_is_never_lost_silently",
            text_too_early,
        ),
        scenario("a_socket_that_closed_can_still_receive", half),
    ]
}

/// Ends TLS on both sides, the near one first.
fn end_tls<A: TlsBackend, B: TlsBackend>(near: &mut End<A>, far: &mut End<B>) {
    near.close_tls(LONG).expect("a close");
    assert_eq!(far.recv(&mut [0]), Ok(0));
    far.close_tls(LONG).expect("a close");
    assert_eq!(near.recv(&mut [0]), Ok(0));
    near.disable_tls().expect("plaintext again");
    far.disable_tls().expect("plaintext again");
    assert!(!near.is_tls() && !far.is_tls());
}

fn back<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for link in Link::ALL {
        in_both_roles!(case, link, back_between);
    }
}

fn back_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    greet(&mut near, &mut far);
    end_tls(&mut near, &mut far);
    let data = pattern(100_000);
    let before = *near.statistics();
    together(
        || near.send_all(&data).expect("a send"),
        || {
            let mut got = vec![0; data.len()];
            far.recv_exact(&mut got).expect("data");
            assert!(got == data);
        },
    );
    let after = near.statistics();
    assert_eq!(
        after.wire_sent.octets - before.wire_sent.octets,
        data.len() as u64,
        "it is plaintext"
    );
    greet(&mut far, &mut near);
    // And everything that a plain socket can do.
    far.send_all(b"peeked").expect("a send");
    let mut got = [0; 6];
    assert_eq!(near.peek(&mut got), Ok(6));
    near.recv_exact(&mut got).expect("data");
    near.raw_fd().expect("a descriptor");
    assert_eq!(far.shutdown_write(LONG), Ok(()));
    assert_eq!(near.recv(&mut got), Ok(0));
    near.into_fd().expect("a descriptor");
}

fn again<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let (mut client, mut server) = setup.connected(Link::Tcp4);
    for round in 2..=3 {
        end_tls(&mut client, &mut server);
        greet(&mut client, &mut server);
        setup.turn_client_on(&mut client);
        setup.turn_server_on(&mut server);
        shake(&mut client, &mut server);
        greet(&mut client, &mut server);
        assert_eq!(client.statistics().handshakes, round);
        assert_eq!(server.statistics().handshakes, round);
    }
}

fn refused<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, refused_between);
}

fn refused_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let refused = || Err(Error::from(Refusal::TlsNotClosed));
    assert_eq!(near.disable_tls(), refused());
    greet(&mut near, &mut far);
    near.close_tls(LONG).expect("a close");
    near.close_tls(LONG).expect("it is closed already");
    assert_eq!(near.send(b"x"), Err(Error::Closed));
    assert_eq!(near.disable_tls(), refused(), "the peer has not closed");
    assert_eq!(far.recv(&mut [0]), Ok(0));
    assert_eq!(far.disable_tls(), refused(), "we have not closed");
    // TLS goes on in the other direction.
    far.send_all(b"more").expect("a send");
    near.recv_exact(&mut [0; 4]).expect("data");
    assert_eq!(far.try_close_tls(), Ok(Step::Ready(())));
    far.disable_tls().expect("plaintext again");
    assert_eq!(near.disable_tls(), refused(), "the close was not received");
    assert_eq!(near.recv(&mut [0]), Ok(0));
    near.disable_tls().expect("plaintext again");
    greet(&mut near, &mut far);
}

fn truncated<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, truncated_between);
}

fn truncated_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, far: End<B>) {
    near.close_tls(LONG).expect("a close");
    let mut far = far;
    assert_eq!(far.recv(&mut [0]), Ok(0));
    drop(far);
    assert_eq!(tls_error(near.recv(&mut [0])), TlsError::Truncated);
    assert_eq!(tls_error(near.disable_tls()), TlsError::Truncated);
    assert!(near.is_tls());
}

fn at_once<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, at_once_between);
    in_both_roles!(case, Link::Pair, at_once_between);
}

/// The far side has seen the near side's close, and goes on before the near
/// side has read anything: all of it comes in one piece.
fn at_once_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    near.close_tls(LONG).expect("a close");
    assert_eq!(far.recv(&mut [0]), Ok(0));
    let data = pattern(40_000);
    far.send_all(&data).expect("the last of TLS");
    far.close_tls(LONG).expect("a close");
    far.disable_tls().expect("plaintext again");
    far.send_all(b"plaintext").expect("a send");
    let mut got = vec![0; data.len()];
    near.recv_exact(&mut got).expect("the last of TLS");
    assert!(got == data);
    assert_eq!(near.recv(&mut got), Ok(0));
    near.disable_tls().expect("plaintext again");
    let mut got = [0; 9];
    near.recv_exact(&mut got).expect("plaintext");
    assert_eq!(&got, b"plaintext");
    greet(&mut near, &mut far);
}

fn text_too_early<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    too_early(case, b"early");
    too_early(case, b"plaintext that comes too early");
}

/// The far side goes on without waiting for the near side's close. TLS may
/// have read that; then going back is refused, and nothing is lost silently.
fn too_early<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, early: &[u8]) {
    let setup = Setup::new(case);
    too_early_between(setup.tapped_and_connected(), early);
    too_early_between(setup.tapped_and_connected().turned(), early);
}

#[track_caller]
fn too_early_between<A: TlsBackend, B: TlsBackend>(mut tapped: Tapped<A, B>, early: &[u8]) {
    tapped.far.close_tls(LONG).expect("a close");
    let mut wire = take(&mut tapped.far_wire);
    wire.extend_from_slice(early);
    tapped.near_wire.send_all(&wire).expect("room");
    let near = &mut tapped.near;
    assert_eq!(near.recv(&mut [0]), Ok(0));
    near.close_tls(LONG).expect("a close");
    match near.disable_tls() {
        Ok(()) => {
            near.set_read_timeout(Some(SHORT));
            let mut got = vec![0; early.len()];
            near.recv_exact(&mut got).expect("what came too early");
            assert_eq!(got, early);
        }
        refused => {
            assert_eq!(refused, Err(Refusal::BytesHeld.into()));
            assert!(near.is_tls());
        }
    }
}

fn half<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Unix, half_between);
}

fn half_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let data = pattern(200_000);
    near.close_tls(LONG).expect("a close");
    together(
        || {
            let mut got = vec![0; data.len()];
            near.recv_exact(&mut got).expect("data");
            assert!(got == data);
            assert_eq!(near.recv(&mut [0]), Ok(0));
        },
        || {
            assert_eq!(far.recv(&mut [0]), Ok(0));
            far.send_all(&data).expect("a send");
            far.close_tls(LONG).expect("a close");
        },
    );
    near.disable_tls().expect("plaintext again");
    far.disable_tls().expect("plaintext again");
    greet(&mut near, &mut far);
}
