//! New keys amid the data.

use polytls::tls::{Capabilities, Error as TlsError, ProtocolVersion, Role, TlsBackend};
use polytls::{Error, Operation, Step};

use super::ends::{
    End, LONG, Link, SHORT, Setup, greet, in_both_roles, over, pattern, receive_all, timed,
    tls_error, together,
};
use crate::scenario::{Case, Scenario, Versions, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    let renews = |name: &str, run: fn(&Case<C, S>)| {
        scenario(name, run)
            .versions(Versions::Only(ProtocolVersion::Tls13))
            .needs(Capabilities::KEY_UPDATE)
    };
    vec![
        renews("keys_are_renewed_while_data_flows_both_ways", both_ways),
        renews("keys_are_renewed_without_waiting", tries),
        renews("a_renewal_without_room_is_over_in_time", without_room),
        renews("data_behind_many_renewals_is_not_waited_for", behind_many),
        scenario("tls_1_2_renews_no_keys_and_goes_on", tls12)
            .versions(Versions::Only(ProtocolVersion::Tls12)),
    ]
}

fn both_ways<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for link in [Link::Tcp4, Link::Pair] {
        let (mut client, mut server) = Setup::new(case).connected(link);
        if link == Link::Tcp4 {
            client.set_nodelay(true).expect("an option");
            server.set_nodelay(true).expect("an option");
        }
        together(
            || {
                talk(&mut client, 3);
                assert_eq!(client.shutdown(LONG), Ok(0));
            },
            || {
                talk(&mut server, 5);
                assert_eq!(server.shutdown(LONG), Ok(0));
            },
        );
    }
}

/// Sends and receives in turns, with new keys every so many turns.
fn talk<B: TlsBackend>(end: &mut End<B>, every: usize) {
    let data = pattern(20_000);
    for turn in 0..60 {
        if turn % every == 0 {
            end.key_update().expect("new keys");
        }
        end.send_all(&data[turn..]).expect("a send");
        let mut got = vec![0; data.len() - turn];
        end.recv_exact(&mut got).expect("data");
        assert!(got == data[turn..]);
    }
}

fn tries<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, tries_between);
}

fn tries_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    near.set_nodelay(true).expect("an option");
    far.set_nodelay(true).expect("an option");
    for _ in 0..3 {
        assert_eq!(near.try_key_update(), Ok(Step::Ready(())));
        greet(&mut near, &mut far);
        assert_eq!(far.try_key_update(), Ok(Step::Ready(())));
        assert_eq!(near.try_key_update(), Ok(Step::Ready(())));
        greet(&mut near, &mut far);
    }
}

fn behind_many<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, behind_many_between);
}

/// All of it is there when the receiver begins, so the descriptor is quiet
/// after one read.
fn behind_many_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    for _ in 0..20 {
        assert_eq!(near.try_key_update(), Ok(Step::Ready(())));
    }
    near.send_all(b"behind").expect("a send");
    let mut got = [0; 6];
    far.set_read_timeout(Some(LONG));
    far.recv_exact(&mut got).expect("data");
    assert_eq!(&got, b"behind");
    greet(&mut far, &mut near);
}

fn without_room<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, without_room_between);
}

fn without_room_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    near.set_send_buffer(16 * 1024).expect("a buffer");
    near.set_write_timeout(Some(SHORT));
    let data = pattern(1024 * 1024);
    let late = near.send_all(&data);
    let Err(Error::Timeout { done, .. }) = late else {
        panic!("nobody has read anything: {late:?}");
    };
    let late = timed(SHORT, || near.key_update());
    assert_eq!(late, Err(over(Operation::Send)));
    let blocked = near.try_key_update().expect("new keys");
    assert!(!blocked.is_ready());
    near.set_write_timeout(None);
    together(
        || {
            near.key_update().expect("new keys");
            near.send_all(&data[done..]).expect("a send");
            near.shutdown_write(LONG).expect("an end");
        },
        || assert!(receive_all(&mut far) == data, "lost, doubled or mixed up"),
    );
}

fn tls12<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (mut client, mut server) = Setup::new(case).connected(Link::Pair);
    for role in [Role::Client, Role::Server] {
        for _ in 0..2 {
            let error = match role {
                Role::Client => tls_error(client.key_update()),
                Role::Server => tls_error(server.try_key_update()),
            };
            let TlsError::Unsupported(refusal) = error else {
                panic!("{error:?}");
            };
            assert_eq!(refusal.capability, Capabilities::KEY_UPDATE);
        }
        greet(&mut client, &mut server);
    }
}
