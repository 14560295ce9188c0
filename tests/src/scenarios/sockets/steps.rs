//! Operations that never wait, driven by the interest that they tell.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};

use polytls::tls::TlsBackend;
use polytls::{Interest, Step};

use super::ends::{
    End, LONG, Link, Setup, greet, in_both_roles, pattern, receive_all, shake, together,
};
use super::poll::wait_for_either;
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario(
            "a_handshake_in_steps_waits_for_its_interest_alone",
            in_steps,
        ),
        scenario("a_handshake_without_room_waits_for_room", without_room),
        scenario("the_first_try_of_data_does_the_handshake", data_first),
        scenario(
            "the_first_send_and_receive_do_the_handshake",
            waiting_data_first,
        ),
        scenario("a_try_never_waits", tries),
        scenario("a_try_of_sending_fills_the_descriptor_and_goes_on", fills),
        scenario(
            "a_try_of_a_shutdown_goes_on_when_the_peer_ends",
            shutdown_tries,
        ),
        scenario(
            "std_traits_tell_would_block_on_a_nonblocking_socket",
            std_would_block,
        ),
    ]
}

/// More steps than any handshake has a use for.
const MOST_STEPS: usize = 1_000;

fn in_steps<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let setup = Setup::new(case);
    for link in Link::ALL {
        let (mut client, mut server) = setup.turned_on(link);
        client.set_nonblocking(true).expect("a mode");
        let seen = drive(&mut client, &mut server);
        assert_eq!(seen, [Interest::READ; 2]);
        greet(&mut client, &mut server);
    }
}

/// The server's flight is longer than the descriptor takes at once.
fn without_room<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let identity = &case.pki.large;
    let setup = Setup::of(case, case.client_config(), case.server_as(identity));
    let (mut client, mut server) = setup.turned_on(Link::Pair);
    server.set_send_buffer(1).expect("a buffer");
    let [_, seen] = drive(&mut client, &mut server);
    assert!(seen.contains(Interest::WRITE), "it had to wait for room");
    greet(&mut client, &mut server);
}

/// Does both handshakes on one thread, waiting for nothing but what they tell;
/// answers what that was.
#[track_caller]
fn drive<A: TlsBackend, B: TlsBackend>(near: &mut End<A>, far: &mut End<B>) -> [Interest; 2] {
    let mut waits = [step(near), step(far)];
    let mut seen = waits;
    for _ in 0..MOST_STEPS {
        if waits == [Interest::empty(); 2] {
            return seen;
        }
        let ready = wait_for_either([(near.wait_fd(), waits[0]), (far.wait_fd(), waits[1])]);
        if ready[0] {
            waits[0] = step(near);
        }
        if ready[1] {
            waits[1] = step(far);
        }
        seen = [seen[0] | waits[0], seen[1] | waits[1]];
    }
    panic!("the handshake does not end");
}

/// What one step waits for; nothing once it is done.
fn step<B: TlsBackend>(end: &mut End<B>) -> Interest {
    match end.handshake_step().expect("a handshake") {
        Step::Ready(()) => {
            assert!(end.facts().is_some());
            Interest::empty()
        }
        Step::Blocked(interest) => {
            assert!(end.facts().is_none());
            assert!(!interest.is_empty() && end.interest().contains(interest));
            interest
        }
    }
}

fn data_first<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (mut client, mut server) = Setup::new(case).turned_on(Link::Tcp4);
    let mut got = [0; 4];
    let mut waits = [Interest::READ; 2];
    let mut sent = false;
    for _ in 0..MOST_STEPS {
        if !sent {
            match client.try_send(b"data").expect("a send") {
                Step::Ready(octets) => {
                    assert_eq!(octets, 4);
                    sent = true;
                    waits[0] = Interest::empty();
                }
                Step::Blocked(interest) => waits[0] = interest,
            }
        }
        match server.try_recv(&mut got).expect("a receive") {
            Step::Ready(octets) => {
                assert_eq!((octets, &got), (4, b"data"));
                break;
            }
            Step::Blocked(interest) => waits[1] = interest,
        }
        wait_for_either([(client.wait_fd(), waits[0]), (server.wait_fd(), waits[1])]);
    }
    assert!(sent);
    assert_eq!(client.statistics().handshakes, 1);
    assert_eq!(client.statistics().sent.octets, 4);
    shake(&mut client, &mut server);
    greet(&mut client, &mut server);
}

fn waiting_data_first<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for (client_speaks, link) in [(true, Link::Tcp6), (false, Link::Unix)] {
        let (mut client, mut server) = Setup::new(case).turned_on(link);
        together(
            || {
                if client_speaks {
                    client.send_all(&pattern(50_000)).expect("a send");
                } else {
                    client.recv_exact(&mut [0; 3]).expect("data");
                }
                assert_eq!(client.shutdown(LONG), Ok(0));
            },
            || {
                if client_speaks {
                    assert!(receive_all(&mut server) == pattern(50_000));
                } else {
                    server.send_all(b"abc").expect("a send");
                }
                assert_eq!(server.shutdown(LONG), Ok(0));
            },
        );
    }
}

fn tries<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, tries_between);
}

fn tries_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    // Whatever the mode of the descriptor.
    for nonblocking in [false, true] {
        near.set_nonblocking(nonblocking).expect("a mode");
        let mut got = [0; 8];
        assert_eq!(near.try_recv(&mut got), Ok(Step::Blocked(Interest::READ)));
        let mut bufs = [IoSliceMut::new(&mut got)];
        let blocked = near.try_recv_vectored(&mut bufs);
        assert_eq!(blocked, Ok(Step::Blocked(Interest::READ)));
        assert_eq!(near.try_flush(), Ok(Step::Ready(())));
        assert_eq!(near.interest(), Interest::READ);
        assert_eq!(near.try_send(b"one"), Ok(Step::Ready(3)));
        let slices = [IoSlice::new(b"t"), IoSlice::new(b"wo")];
        assert_eq!(near.try_send_vectored(&slices), Ok(Step::Ready(3)));
        let mut both = [0; 6];
        far.recv_exact(&mut both).expect("data");
        assert_eq!(&both, b"onetwo");
        far.send_all(b"answer").expect("a send");
        let ready = wait_for_either([
            (near.wait_fd(), near.interest()),
            (far.wait_fd(), Interest::empty()),
        ]);
        assert_eq!(ready, [true, false]);
        assert_eq!(near.try_recv(&mut got), Ok(Step::Ready(6)));
        assert_eq!(&got[..6], b"answer");
    }
}

fn fills<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, fills_between);
}

fn fills_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    near.set_send_buffer(20_000).expect("a buffer");
    let data = pattern(1024 * 1024);
    let mut sent = 0;
    let waits_for = loop {
        match near.try_send(&data[sent..]).expect("a send") {
            Step::Ready(octets) => sent += octets,
            Step::Blocked(interest) => break interest,
        }
        assert!(sent < data.len(), "nobody has read anything");
    };
    assert_eq!(waits_for, Interest::WRITE);
    assert_eq!(near.interest(), Interest::all());
    assert_eq!(near.try_flush(), Ok(Step::Blocked(Interest::WRITE)));
    let both = Ok(Step::Blocked(Interest::all()));
    assert_eq!(near.try_recv(&mut [0; 4]), both);
    for _ in 0..3 {
        let again = near.try_send(&data[sent..]).expect("a send");
        assert_eq!(again, Step::Blocked(Interest::WRITE));
    }
    together(
        || {
            near.send_all(&data[sent..]).expect("a send");
            assert_eq!(near.try_flush(), Ok(Step::Ready(())));
            near.shutdown_write(LONG).expect("an end");
        },
        || assert!(receive_all(&mut far) == data, "lost, doubled or mixed up"),
    );
    assert_eq!(near.interest(), Interest::READ);
}

fn shutdown_tries<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, shutdown_tries_between);
}

fn shutdown_tries_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    for _ in 0..2 {
        let blocked = near.try_shutdown();
        assert_eq!(blocked, Ok(Step::Blocked(Interest::READ)));
    }
    assert_eq!(receive_all(&mut far), []);
    far.send_all(b"a last word").expect("a send");
    for _ in 0..2 {
        assert_eq!(far.try_shutdown_write(), Ok(Step::Ready(())));
    }
    let mut discarded = None;
    for _ in 0..MOST_STEPS {
        match near.try_shutdown().expect("a shutdown") {
            Step::Ready(octets) => {
                discarded = Some(octets);
                break;
            }
            Step::Blocked(interest) => {
                wait_for_either([
                    (near.wait_fd(), interest),
                    (far.wait_fd(), Interest::empty()),
                ]);
            }
        }
    }
    assert_eq!(discarded, Some(11));
    assert_eq!(far.try_shutdown(), Ok(Step::Ready(0)));
}

fn std_would_block<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, std_would_block_between);
}

fn std_would_block_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    near.set_nonblocking(true).expect("a mode");
    near.set_send_buffer(20_000).expect("a buffer");
    let kind = near.read(&mut [0; 8]).expect_err("no data").kind();
    assert_eq!(kind, ErrorKind::WouldBlock);
    let mut buf = [0; 8];
    let mut bufs = [IoSliceMut::new(&mut buf)];
    let kind = near.read_vectored(&mut bufs).expect_err("no data").kind();
    assert_eq!(kind, ErrorKind::WouldBlock);
    let data = pattern(1024 * 1024);
    let mut sent = 0;
    let kind = loop {
        assert!(sent < data.len(), "nobody has read anything");
        match near.write(&data[sent..]) {
            Ok(octets) => sent += octets,
            Err(error) => break error.kind(),
        }
    };
    assert_eq!(kind, ErrorKind::WouldBlock);
    let kind = Write::flush(&mut near).expect_err("no room").kind();
    assert_eq!(kind, ErrorKind::WouldBlock);
    near.set_nonblocking(false).expect("a mode");
    together(
        || {
            near.write_all(&data[sent..]).expect("a write");
            near.shutdown_write(LONG).expect("an end");
        },
        || assert!(receive_all(&mut far) == data, "lost, doubled or mixed up"),
    );
}
