//! What a socket counts.

use std::time::Duration;

use polytls::Statistics;
use polytls::tls::TlsBackend;

use super::ends::{
    End, LONG, Link, Setup, greet, in_both_roles, pattern, receive_all, shake, together,
};
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("both_sides_count_the_same_octets", same),
        scenario("a_small_message_is_one_record_and_one_call", small),
        scenario("records_add_little_to_a_long_message", long),
        scenario("the_handshake_is_counted_once", handshake),
    ]
}

fn same<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for link in [Link::Tcp4, Link::Pair] {
        let (mut client, mut server) = Setup::new(case).connected(link);
        let (client, server) = together(
            move || {
                client.send_all(&pattern(70_000)).expect("a send");
                assert_eq!(receive_all(&mut client).len(), 100);
                client.shutdown_write(LONG).expect("an end");
                *client.statistics()
            },
            move || {
                let mut got = vec![0; 70_000];
                server.recv_exact(&mut got).expect("data");
                server.send_all(&pattern(100)).expect("a send");
                server.shutdown_write(LONG).expect("an end");
                assert_eq!(receive_all(&mut server), []);
                *server.statistics()
            },
        );
        for (sender, receiver, octets) in [(client, server, 70_000), (server, client, 100)] {
            assert_eq!(sender.sent.octets, octets);
            assert_eq!(receiver.received.octets, octets);
            assert_eq!(sender.wire_sent.octets, receiver.wire_received.octets);
            assert!(sender.wire_sent.octets > octets);
            assert!(sender.sent.calls > 0 && receiver.received.calls > 0);
            assert!(sender.wire_sent.calls > 0 && receiver.wire_received.calls > 0);
        }
    }
}

fn small<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, small_between);
}

/// What a record adds at most: header, explicit nonce, type and tag.
const RECORD: u64 = 5 + 8 + 1 + 16;

fn small_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let (before, far_before) = (*near.statistics(), *far.statistics());
    near.send_all(&[1; 100]).expect("a send");
    far.recv_exact(&mut [0; 100]).expect("data");
    let after = near.statistics();
    assert_eq!(after.sent.octets - before.sent.octets, 100);
    assert_eq!(after.sent.calls - before.sent.calls, 1);
    let on_the_wire = after.wire_sent.octets - before.wire_sent.octets;
    assert!((101..=100 + RECORD).contains(&on_the_wire), "{on_the_wire}");
    assert_eq!(after.wire_sent.calls - before.wire_sent.calls, 1);
    let far_after = far.statistics();
    assert_eq!(
        far_after.wire_received.octets - far_before.wire_received.octets,
        on_the_wire
    );
    assert_eq!(far_after.received.calls - far_before.received.calls, 1);
}

fn long<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, long_between);
}

fn long_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let octets = 1024 * 1024;
    let before = *near.statistics();
    together(
        || near.send_all(&pattern(octets)).expect("a send"),
        || far.recv_exact(&mut vec![0; octets]).expect("data"),
    );
    let octets = octets as u64;
    let sent = near.statistics().wire_sent.octets - before.wire_sent.octets;
    let records = octets / (16 * 1024);
    assert!(sent > octets);
    // Twice as many records as it takes are forgiven.
    assert!(
        sent <= octets + 2 * records * RECORD,
        "{sent} for {octets} octets"
    );
}

fn handshake<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (mut client, mut server) = Setup::new(case).turned_on(Link::Pair);
    assert_eq!(*client.statistics(), Statistics::default());
    shake(&mut client, &mut server);
    for counted in [client.statistics(), server.statistics()] {
        assert_eq!(counted.handshakes, 1);
        assert!(counted.handshake_time > Duration::ZERO);
        assert!(counted.handshake_time < LONG);
        assert_eq!((counted.sent.octets, counted.received.octets), (0, 0));
        assert!(counted.wire_sent.octets > 0);
    }
    let before = (*client.statistics(), *server.statistics());
    shake(&mut client, &mut server);
    let after = (*client.statistics(), *server.statistics());
    assert_eq!(after, before, "a handshake that is done does nothing");
    greet(&mut client, &mut server);
    assert_eq!(client.statistics().handshakes, 1);
}
