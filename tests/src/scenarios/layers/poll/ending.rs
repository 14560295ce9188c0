//! How connections end on the loop.

use std::time::Duration;

use polytls::Step;
use polytls::poll::{Event, Options};

use super::rig::{End, LoopCase, LoopScenario, Near, Rig};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<LoopScenario> {
    vec![
        scenario("a_half_closed_connection_still_receives", half_close),
        scenario("an_end_without_close_notify_is_a_truncation", truncation)
            .versions(Versions::Unpinned),
        scenario("a_reset_amid_a_record_is_a_hang_up", reset).versions(Versions::Unpinned),
        scenario(
            "a_close_that_is_answered_without_close_notify_is_a_truncation",
            no_answer,
        )
        .versions(Versions::Unpinned),
    ]
}

fn half_close(case: &LoopCase) {
    let mut rig = Rig::new(case);
    for near in Near::BOTH {
        let [near, far] = rig.connected(near, &Options::new());
        rig.send(near, b"question");
        let mut connection = rig.poll.connection(near).expect("a connection");
        connection.shutdown_write();
        assert!(connection.send(b"more").is_err());
        assert_eq!(rig.next(), [Event::Ended(far)]);
        assert_eq!(rig.got.remove(&far).expect("data"), b"question");
        rig.send(far, b"answer");
        rig.expect(near, b"answer");
        rig.poll
            .connection(far)
            .expect("a connection")
            .shutdown_write();
        let mut events = rig.next();
        while events.len() < 3 {
            events.extend(rig.next());
        }
        events.sort_by_key(Event::token);
        let near_ends = [Event::Ended(near), Event::Closed(near)];
        assert_eq!(events, [&near_ends[..], &[Event::Closed(far)]].concat());
        rig.assert_nothing_is_left();
    }
}

fn truncation(case: &LoopCase) {
    let mut rig = Rig::new(case);
    for near in Near::BOTH {
        let (near, mut far) = rig.connected_to_hand(near, &Options::new());
        far.send_all(b"half of it").expect("a send");
        drop(far);
        assert_eq!(rig.next(), [Event::Truncated(near)]);
        assert_eq!(rig.got.remove(&near).expect("data"), b"half of it");
        rig.assert_nothing_is_left();
    }
}

/// Sends the header of a record and a part of it, and resets the connection.
fn break_off(mut far: End) {
    let part = b"\x17\x03\x03\x40\x00a part of a record";
    rustix::io::write(far.wait_fd(), part).expect("a send");
    far.set_linger(Some(Duration::ZERO)).expect("an option");
}

fn reset(case: &LoopCase) {
    let mut rig = Rig::new(case);
    for near in Near::BOTH {
        let (near, far) = rig.connected_to_hand(near, &Options::new());
        break_off(far);
        assert_eq!(rig.next(), [Event::HungUp(near)]);
        assert!(!rig.got.contains_key(&near) || rig.got[&near].is_empty());
        rig.assert_nothing_is_left();
    }
}

fn no_answer(case: &LoopCase) {
    let mut rig = Rig::new(case);
    for near in Near::BOTH {
        let (near, mut far) = rig.connected_to_hand(near, &Options::new());
        rig.poll.connection(near).expect("a connection").close();
        rig.turn(Duration::from_millis(1));
        assert_eq!(far.recv(&mut [0]), Ok(0));
        assert!(matches!(far.try_recv(&mut [0]), Ok(Step::Ready(0))));
        drop(far);
        assert_eq!(rig.next(), [Event::Truncated(near)]);
        rig.assert_nothing_is_left();
    }
}
