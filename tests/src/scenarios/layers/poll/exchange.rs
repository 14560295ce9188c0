//! Data on the loop.

use std::time::Duration;

use polytls::Step;
use polytls::poll::{Event, Options};
use polytls::tls::{Capabilities, ProtocolVersion};

use super::rig::{LoopCase, LoopScenario, Near, Rig, SHORT, pattern, timed};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<LoopScenario> {
    vec![
        scenario("both_ends_shake_hands_exchange_data_and_close", exchange),
        scenario("plaintext_is_told_while_the_descriptor_is_quiet", pending)
            .versions(Versions::Unpinned),
        scenario("what_is_sent_before_the_handshake_arrives_after_it", early)
            .versions(Versions::Unpinned),
        scenario("data_goes_on_while_keys_are_renewed", key_update)
            .versions(Versions::Only(ProtocolVersion::Tls13))
            .needs(Capabilities::KEY_UPDATE),
        scenario("octets_that_come_one_by_one_are_put_together", one_by_one)
            .versions(Versions::Unpinned),
    ]
}

fn exchange(case: &LoopCase) {
    let mut rig = Rig::new(case);
    for near in Near::BOTH {
        let [near, far] = rig.connected(near, &Options::new());
        let facts = rig.poll.connection(near).expect("a connection");
        assert!(facts.socket().facts().is_some());
        for size in [1, 16 * 1024 + 1, 200_000] {
            let data = pattern(size);
            rig.send(near, &data);
            rig.send(far, b"meanwhile");
            rig.expect(far, &data);
            rig.expect(near, b"meanwhile");
        }
        rig.poll.connection(near).expect("a connection").close();
        assert_eq!(rig.next(), [Event::Ended(far)]);
        rig.poll.connection(far).expect("a connection").close();
        let mut closed = rig.next();
        while closed.len() < 2 {
            closed.extend(rig.next());
        }
        closed.sort_by_key(Event::token);
        assert_eq!(closed, [Event::Closed(near), Event::Closed(far)]);
        rig.assert_nothing_is_left();
    }
}

/// Two records in one segment: the second is read ahead, or decrypted, with the
/// first.
fn pending(case: &LoopCase) {
    let mut rig = Rig::new(case);
    for near in Near::BOTH {
        let (near, mut far) = rig.connected_to_hand(near, &Options::new());
        far.send_all(b"one").expect("a send");
        far.send_all(b"two").expect("a send");
        let mut got = Vec::new();
        while got.len() < 6 {
            assert_eq!(rig.told(super::rig::LONG), [Event::Readable(near)]);
            let mut one = [0];
            let step = rig
                .poll
                .connection(near)
                .expect("a connection")
                .recv(&mut one);
            assert!(matches!(step, Step::Ready(1)), "{step:?} after {got:?}");
            got.extend(one);
        }
        assert_eq!(got, b"onetwo");
        rig.assert_quiet();
        assert_eq!(
            timed(SHORT, || rig.told(SHORT)),
            [],
            "consumed data is told"
        );
        rig.poll.remove(near);
    }
}

fn early(case: &LoopCase) {
    let mut rig = Rig::new(case);
    let [client, server] = rig.ends(Near::Client);
    let client = rig.add(client, &Options::new());
    let server = rig.add(server, &Options::new());
    let data = pattern(100_000);
    for (from, to) in [(client, server), (server, client)] {
        rig.send(from, &data);
        let mut connection = rig.poll.connection(to).expect("a connection");
        assert!(!connection.recv(&mut [0]).is_ready());
    }
    let mut done = 0;
    while rig.got.values().map(Vec::len).sum::<usize>() < 2 * data.len() {
        for event in rig.turn(super::rig::LONG) {
            assert!(matches!(event, Event::HandshakeDone(_)), "{event:?}");
            done += 1;
        }
    }
    assert_eq!(done, 2);
    assert!(rig.got.values().all(|got| *got == data));
}

fn key_update(case: &LoopCase) {
    let mut rig = Rig::new(case);
    for near in Near::BOTH {
        let [near, far] = rig.connected(near, &Options::new());
        let data = pattern(40_000);
        for round in 0..4 {
            let [one, other] = if round % 2 == 0 {
                [near, far]
            } else {
                [far, near]
            };
            rig.send(one, &data);
            let mut connection = rig.poll.connection(one).expect("a connection");
            assert_eq!(connection.key_update(), Ok(()));
            rig.send(one, &data);
            rig.send(other, &data);
            rig.expect(other, &[&data[..], &data[..]].concat());
            rig.expect(one, &data);
        }
        rig.assert_quiet();
        rig.poll.remove(near);
        rig.poll.remove(far);
    }
}

fn one_by_one(case: &LoopCase) {
    let mut rig = Rig::new(case);
    let [tap, mut wire] = rig.plain();
    let [mut far, mut far_wire] = rig.plain();
    let mut near = tap;
    rig.turn_on(&mut near, Near::Server);
    rig.turn_on(&mut far, Near::Client);
    let near = rig.add(near, &Options::new());
    let mut done = false;
    let mut buf = [0; 16 * 1024];
    for _ in 0..20 {
        let far_done = far.handshake_step().expect("a handshake").is_ready();
        while let Step::Ready(octets) = far_wire.try_recv(&mut buf).expect("a wire") {
            for octet in buf[..octets].chunks(1) {
                wire.send_all(octet).expect("room");
                for event in rig.turn(Duration::ZERO) {
                    assert_eq!(event, Event::HandshakeDone(near));
                    done = true;
                }
            }
        }
        for event in rig.turn(Duration::from_millis(1)) {
            assert_eq!(event, Event::HandshakeDone(near));
            done = true;
        }
        if done && far_done {
            break;
        }
        while let Step::Ready(octets) = wire.try_recv(&mut buf).expect("a wire") {
            far_wire.send_all(&buf[..octets]).expect("room");
        }
    }
    assert!(done, "the handshake is not done");
    far.send_all(b"hello").expect("a send");
    while let Step::Ready(octets) = far_wire.try_recv(&mut buf).expect("a wire") {
        let (last, most) = buf[..octets].split_last().expect("a record");
        for octet in most.chunks(1) {
            wire.send_all(octet).expect("room");
            assert_eq!(rig.turn(Duration::ZERO), []);
        }
        // A part of a record is nothing to be told: the loop would spin.
        rig.assert_quiet();
        wire.send_all(&[*last]).expect("room");
    }
    rig.expect(near, b"hello");
}
