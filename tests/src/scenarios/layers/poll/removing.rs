//! Sockets that are taken back from the loop.

use polytls::poll::Options;

use super::rig::{LONG, LoopCase, LoopScenario, Near, Rig, pattern};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<LoopScenario> {
    vec![
        scenario("a_session_that_is_taken_back_goes_on_and_waits", goes_on)
            .versions(Versions::Unpinned),
        scenario("a_handshake_that_is_taken_back_can_be_finished", handshake)
            .versions(Versions::Unpinned),
    ]
}

fn goes_on(case: &LoopCase) {
    let mut rig = Rig::new(case);
    for near in Near::BOTH {
        let (near, mut far) = rig.connected_to_hand(near, &Options::new());
        let data = pattern(8_000_000);
        let mut connection = rig.poll.connection(near).expect("a connection");
        let mut sent = 0;
        while connection.buffered() == 0 {
            let rest = &data[sent..];
            sent += connection
                .send(&rest[..rest.len().min(100_000)])
                .expect("a send");
        }
        let held = connection.buffered();
        far.send_all(b"before").expect("a send");
        let mut removed = rig.poll.remove(near).expect("a connection");
        assert_eq!(removed.unsent.len(), held);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut got = vec![0; sent];
                far.recv_exact(&mut got).expect("all of it");
                assert!(got == data[..sent]);
                assert_eq!(far.shutdown(LONG), Ok(0));
            });
            let socket = &mut removed.socket;
            socket.send_all(&removed.unsent).expect("a send");
            let mut got = [0; 6];
            socket.recv_exact(&mut got).expect("data");
            assert_eq!(&got, b"before");
            assert_eq!(socket.shutdown(LONG), Ok(0));
        });
        rig.assert_nothing_is_left();
    }
}

fn handshake(case: &LoopCase) {
    let mut rig = Rig::new(case);
    for near in Near::BOTH {
        let [near, mut far] = rig.ends(near);
        let near = rig.add(near, &Options::new());
        rig.turn(std::time::Duration::from_millis(1));
        rig.send(near, b"held until the handshake");
        let mut removed = rig.poll.remove(near).expect("a connection");
        assert_eq!(removed.unsent, b"held until the handshake");
        std::thread::scope(|scope| {
            scope.spawn(|| far.handshake(LONG).expect("a handshake"));
            removed.socket.handshake(LONG).expect("a handshake");
        });
        rig.assert_nothing_is_left();
    }
}
