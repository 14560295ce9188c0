//! Peers that are slow, or do nothing.

use std::time::{Duration, Instant};

use polytls::poll::{Deadline, Event, Options};

use super::rig::{LONG, LoopCase, LoopScenario, Near, Rig, SHORT, timed};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<LoopScenario> {
    vec![
        scenario("a_handshake_that_trickles_in_is_over_in_time", trickle)
            .versions(Versions::Unpinned),
        scenario("a_peer_that_stops_amid_the_handshake_is_given_up", stops)
            .versions(Versions::Unpinned),
        scenario("an_idle_session_is_told_and_a_busy_one_is_not", idle)
            .versions(Versions::Unpinned),
        scenario("a_close_that_is_not_answered_is_over_in_time", close)
            .versions(Versions::Unpinned),
    ]
}

/// A server whose client sends an octet of its hello now and then.
fn trickle(case: &LoopCase) {
    let mut rig = Rig::new(case);
    let [mut client, mut wire] = rig.plain();
    rig.turn_on(&mut client, Near::Client);
    assert!(!client.handshake_step().expect("a hello").is_ready());
    let mut hello = vec![0; 16 * 1024];
    let length = wire.recv(&mut hello).expect("a hello");
    hello.truncate(length);

    let [mut peer, mut server] = rig.plain();
    rig.turn_on(&mut server, Near::Server);
    let options = Options::new().handshake_timeout(Some(SHORT));
    let token = rig.add(server, &options);
    let start = Instant::now();
    let mut pieces = hello.chunks(1);
    let events = loop {
        let piece = pieces.next().expect("it is over before all has come");
        peer.send_all(piece).expect("room");
        let events = rig.turn(Duration::from_millis(1));
        if !events.is_empty() {
            break events;
        }
        let socket = rig.poll.connection(token).expect("a connection");
        assert!(!socket.socket().has_pending(), "the loop would spin");
    };
    assert!(start.elapsed() >= SHORT, "{:?}", start.elapsed());
    assert_eq!(events, [Event::TimedOut(token, Deadline::Handshake)]);
    rig.assert_nothing_is_left();
}

/// Many clients that stop after their hello, and servers that never answer.
fn stops(case: &LoopCase) {
    let mut rig = Rig::new(case);
    let options = Options::new().handshake_timeout(Some(SHORT));
    let mut peers = Vec::new();
    let mut expected = Vec::new();
    for near in [Near::Server, Near::Server, Near::Client, Near::Client] {
        let [near, mut far] = rig.ends(near);
        let _ = far.handshake_step().expect("a hello");
        expected.push(rig.add(near, &options));
        peers.push(far);
    }
    let mut late = Vec::new();
    timed(SHORT / 2, || {
        while late.len() < expected.len() {
            for event in rig.next() {
                let Event::TimedOut(token, Deadline::Handshake) = event else {
                    panic!("{event:?}");
                };
                late.push(token);
            }
        }
    });
    late.sort_unstable();
    assert_eq!(late, expected);
    rig.assert_nothing_is_left();
}

fn idle(case: &LoopCase) {
    let mut rig = Rig::new(case);
    for near in Near::BOTH {
        let (near, mut far) = rig.connected_to_hand(near, &Options::new());
        // A slow machine may make it idle at any time, but never too early.
        let start = Instant::now();
        let mut connection = rig.poll.connection(near).expect("a connection");
        connection.set_idle_timeout(Some(SHORT));
        let mut busy = start;
        let mut events = Vec::new();
        while events.is_empty() && start.elapsed() < SHORT * 2 {
            events = rig.turn(SHORT / 4);
            if events.is_empty() {
                let sent = Instant::now();
                far.send_all(b"x").expect("a send");
                events = rig.turn(LONG);
                if rig.got.remove(&near).is_some_and(|got| !got.is_empty()) {
                    // Where both are told, receiving has averted it.
                    events.clear();
                    busy = sent;
                }
            }
        }
        if events.is_empty() {
            events = rig.next();
        }
        assert!(busy.elapsed() >= SHORT, "{:?}", busy.elapsed());
        assert_eq!(events, [Event::TimedOut(near, Deadline::Idle)]);
        rig.assert_nothing_is_left();
    }
}

fn close(case: &LoopCase) {
    let mut rig = Rig::new(case);
    for near in Near::BOTH {
        let options = Options::new().close_timeout(SHORT);
        let (near, mut far) = rig.connected_to_hand(near, &options);
        far.send_all(b"I do not end").expect("a send");
        let late = Event::TimedOut(near, Deadline::Close);
        let told = timed(SHORT, || {
            rig.poll.connection(near).expect("a connection").close();
            rig.next()
        });
        assert_eq!(told, [late]);
        rig.assert_nothing_is_left();
    }
}
