//! Ending the stream cleanly.

use std::io::{ErrorKind, Read, Write};

use polytls::tls::{Error as TlsError, TlsBackend};
use polytls::{Error, MAX_DISCARDED_OCTETS, Operation};

use super::ends::{
    End, LONG, Link, SHORT, Setup, in_both_roles, over, pattern, receive_all, timed, tls_error,
    together,
};
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("one_direction_ends_and_the_other_goes_on", one_way),
        scenario("nothing_is_sent_after_the_own_end", closed),
        scenario("both_directions_end_together", two_way),
        scenario("a_shutdown_counts_what_it_throws_away", discards),
        scenario("a_shutdown_is_over_in_time_and_can_go_on", in_time),
        scenario("a_shutdown_ends_with_a_peer_that_floods", floods),
        scenario("a_shutdown_amid_the_handshake_ends", amid_handshake),
        scenario(
            "a_peer_that_ended_first_does_not_disturb_the_own_end",
            peer_first,
        ),
    ]
}

fn one_way<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for link in Link::ALL {
        in_both_roles!(case, link, one_way_between);
    }
}

fn one_way_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let answer = pattern(300_000);
    together(
        || {
            near.send_all(b"a question").expect("a send");
            near.shutdown_write(LONG).expect("an end");
            near.shutdown_write(LONG).expect("it is done already");
            assert!(receive_all(&mut near) == answer);
            assert_eq!(near.recv(&mut [0]), Ok(0), "the end stays");
        },
        || {
            assert_eq!(receive_all(&mut far), b"a question");
            assert_eq!(far.recv(&mut [0]), Ok(0), "the end stays");
            far.send_all(&answer).expect("an answer");
            far.shutdown_write(LONG).expect("an end");
        },
    );
    assert_eq!(near.shutdown(LONG), Ok(0));
    assert_eq!(far.shutdown(LONG), Ok(0));
}

fn closed<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, closed_between);
}

fn closed_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    near.shutdown_write(LONG).expect("an end");
    let sent = near.statistics().wire_sent;
    for _ in 0..2 {
        assert_eq!(near.send(b"x"), Err(Error::Closed));
        assert_eq!(near.send_all(b"x"), Err(Error::Closed));
        assert_eq!(near.try_send(b"x"), Err(Error::Closed));
        let error = near.write(b"x").expect_err("it has ended");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert_eq!(near.flush(), Ok(()));
    }
    assert_eq!(near.statistics().wire_sent, sent);
    far.send_all(b"still heard").expect("a send");
    near.recv_exact(&mut [0; 11]).expect("data");
    assert_eq!(receive_all(&mut far), []);
}

fn two_way<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for link in Link::ALL {
        let (mut client, mut server) = Setup::new(case).connected(link);
        let both = together(|| client.shutdown(LONG), || server.shutdown(LONG));
        assert_eq!(both, (Ok(0), Ok(0)));
    }
}

fn discards<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, discards_between);
}

fn discards_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let all = usize::try_from(MAX_DISCARDED_OCTETS).expect("a length");
    together(
        move || {
            for _ in 0..2 {
                assert_eq!(near.shutdown(LONG), Ok(MAX_DISCARDED_OCTETS));
            }
        },
        move || {
            far.send_all(&pattern(all)).expect("a send");
            assert_eq!(far.shutdown(LONG), Ok(0));
        },
    );
}

fn in_time<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, in_time_between);
}

fn in_time_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    far.send_all(b"1234567").expect("a send");
    let late = timed(SHORT, || near.shutdown(SHORT));
    assert_eq!(late, Err(over(Operation::Shutdown)));
    assert_eq!(receive_all(&mut far), []);
    far.send_all(b"890").expect("a send");
    far.shutdown_write(LONG).expect("an end");
    assert_eq!(near.shutdown(LONG), Ok(10));
}

fn floods<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, floods_between);
}

fn floods_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    together(
        move || {
            let error = near.shutdown(LONG).expect_err("the peer goes on");
            let Error::Flooded { discarded } = error else {
                panic!("{error:?}");
            };
            assert!(discarded > MAX_DISCARDED_OCTETS);
            assert!(discarded < MAX_DISCARDED_OCTETS + 100_000);
        },
        move || {
            while far.send(&[0; 16 * 1024]).is_ok() {}
            let sent = far.statistics().sent.octets;
            assert!(sent > MAX_DISCARDED_OCTETS);
        },
    );
}

/// Nothing can be said in the clear any more, so it is the descriptor's end.
fn amid_handshake<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    let (mut client, mut server) = setup.turned_on(Link::Tcp4);
    assert!(!client.handshake_step().expect("a hello").is_ready());
    client.shutdown_write(LONG).expect("an end");
    assert_eq!(client.send(b"x"), Err(Error::Closed));
    assert_eq!(client.handshake(LONG), Err(Error::Closed));
    assert_eq!(client.recv(&mut [0]), Err(Error::Closed));
    assert_eq!(client.shutdown(LONG), Err(Error::Closed));
    let error = tls_error(server.handshake(LONG));
    assert!(
        matches!(error, TlsError::Truncated | TlsError::AlertReceived(_)),
        "{error:?}"
    );
}

fn peer_first<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for link in Link::ALL {
        in_both_roles!(case, link, peer_first_between);
    }
}

/// The peer ends, does not wait and closes its descriptor.
fn peer_first_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    far.send_all(b"bye").expect("a send");
    far.shutdown_write(LONG).expect("an end");
    drop(far);
    let mut got = Vec::new();
    near.read_to_end(&mut got).expect("a clean end");
    assert_eq!(got, b"bye");
    assert_eq!(near.recv(&mut [0]), Ok(0), "the end stays");
    // A connection that the peer has torn down counts as ended.
    assert_eq!(near.shutdown(LONG), Ok(0));
    assert_eq!(near.shutdown_write(LONG), Ok(()));
    assert_eq!(near.recv(&mut [0]), Ok(0), "the end stays");
}
