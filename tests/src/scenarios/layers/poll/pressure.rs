//! Peers that take nothing, and peers that send too much.

use polytls::Step;
use polytls::poll::{Deadline, Event, Options, Token};

use super::rig::{LONG, LoopCase, LoopScenario, Near, Rig, SHORT, timed};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<LoopScenario> {
    vec![
        scenario(
            "what_is_held_for_a_peer_is_bounded_and_room_is_told",
            bounded,
        )
        .versions(Versions::Unpinned),
        scenario("a_peer_that_never_reads_is_given_up", never_reads).versions(Versions::Unpinned),
        scenario("a_flood_does_not_starve_a_small_peer", flood).versions(Versions::Unpinned),
    ]
}

const LOW: usize = 20_000;
const HIGH: usize = 80_000;

/// Sends until less than all is taken, and answers how much that was.
fn fill(rig: &mut Rig<'_>, token: Token) -> usize {
    let mut connection = rig.poll.connection(token).expect("a connection");
    let piece = [7; 30_000];
    let mut sent = 0;
    loop {
        let taken = connection.send(&piece).expect("an open connection");
        sent += taken;
        assert!(connection.buffered() <= HIGH, "{}", connection.buffered());
        if taken < piece.len() {
            assert_eq!(connection.buffered(), HIGH);
            return sent;
        }
    }
}

fn bounded(case: &LoopCase) {
    let mut rig = Rig::new(case);
    for near in Near::BOTH {
        let options = Options::new().watermarks(LOW, HIGH);
        let (near, mut far) = rig.connected_to_hand(near, &options);
        let sent = fill(&mut rig, near);
        assert_eq!(rig.turn(std::time::Duration::ZERO), []);
        std::thread::scope(|scope| {
            scope.spawn(|| far.recv_exact(&mut vec![0; sent]).expect("all of it"));
            assert_eq!(rig.next(), [Event::Writable(near)]);
            let connection = rig.poll.connection(near).expect("a connection");
            assert!(connection.buffered() <= LOW);
            while rig.poll.load().buffered > 0 {
                assert_eq!(rig.turn(SHORT), [], "room is told once");
            }
        });
        far.send_all(b"thanks").expect("a send");
        rig.expect(near, b"thanks");
        rig.poll.remove(near);
    }
}

fn never_reads(case: &LoopCase) {
    let mut rig = Rig::new(case);
    for near in Near::BOTH {
        let options = Options::new()
            .watermarks(LOW, HIGH)
            .write_timeout(Some(SHORT * 4));
        let (near, far) = rig.connected_to_hand(near, &options);
        let late = Event::TimedOut(near, Deadline::Write);
        // The time counts from the turn that is handled, which was before.
        let told = timed(SHORT, || {
            fill(&mut rig, near);
            rig.next()
        });
        assert_eq!(told, [late]);
        rig.assert_nothing_is_left();
        drop(far);
    }
}

fn flood(case: &LoopCase) {
    const BUDGET: usize = 20_000;
    let mut rig = Rig::new(case);
    for near in Near::BOTH {
        let options = Options::new().read_budget(BUDGET);
        let (busy, mut flood) = rig.connected_to_hand(near, &options);
        let (quiet, mut small) = rig.connected_to_hand(near, &options);
        flood.set_deadline(None);
        flood.set_write_timeout(Some(LONG));
        std::thread::scope(|scope| {
            scope.spawn(move || while flood.send(&[7; 65536]).is_ok() {});
            for round in 0..5 {
                small.send_all(b"x").expect("a send");
                let mut turns = 0;
                let mut heard = 0;
                while heard == 0 {
                    turns += 1;
                    for event in rig.told(LONG) {
                        let Event::Readable(token) = event else {
                            panic!("{event:?}");
                        };
                        let got = rig.receive(token);
                        assert!(got <= BUDGET, "{got} octets in one turn");
                        heard += if token == quiet { got } else { 0 };
                    }
                }
                assert!(turns <= 3, "{turns} turns in round {round}");
            }
            let mut connection = rig.poll.connection(busy).expect("a connection");
            connection.pause_reading();
            assert!(matches!(connection.recv(&mut []), Step::Blocked(_)));
            for event in rig.told(SHORT) {
                assert_ne!(event.token(), Some(busy), "it is paused");
                rig.receive(quiet);
            }
            rig.poll.remove(busy);
        });
        rig.poll.remove(quiet);
    }
}
