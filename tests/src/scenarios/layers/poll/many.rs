//! Many connections at once, some of which are hostile.

use std::time::Duration;

use polytls::poll::{Deadline, Event, Options};

use super::rig::{LONG, LoopCase, LoopScenario, Near, Rig};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<LoopScenario> {
    vec![scenario("a_tenth_of_hostile_peers_disturbs_nobody", crowd).versions(Versions::Unpinned)]
}

/// Of so many connections every tenth is hostile. A test of the
/// crate `poll` has more.
const CONNECTIONS: usize = 20;

fn crowd(case: &LoopCase) {
    let mut rig = Rig::new(case);
    let hasty = Options::new().handshake_timeout(Some(Duration::from_millis(30)));
    let mut clients = Vec::new();
    let mut silent = Vec::new();
    for index in 0..CONNECTIONS {
        if index % 10 == 0 {
            let [peer, mut server] = rig.plain();
            rig.turn_on(&mut server, Near::Server);
            let token = rig.add(server, &hasty);
            silent.push((token, peer));
            continue;
        }
        let [client, server] = rig.ends(Near::Client);
        let client = rig.add(client, &Options::new());
        rig.add(server, &Options::new());
        rig.send(client, b"hello");
        clients.push(client);
    }
    let (mut done, mut late, mut closed) = (0, 0, 0);
    // Servers answer; clients close when they have the answer.
    while closed < 2 * clients.len() || late < silent.len() {
        let told = rig.told(LONG);
        assert!(!told.is_empty(), "nothing happens");
        for event in told {
            match event {
                Event::Readable(token) => {
                    rig.receive(token);
                    if rig.got[&token] == b"hello" && !clients.contains(&token) {
                        rig.got.remove(&token);
                        rig.send(token, b"there");
                    } else if rig.got[&token] == b"there" {
                        rig.got.remove(&token);
                        rig.poll.connection(token).expect("a client").close();
                    }
                }
                Event::HandshakeDone(_) => done += 1,
                Event::Ended(token) => rig.poll.connection(token).expect("a server").close(),
                Event::Closed(_) => closed += 1,
                Event::TimedOut(token, Deadline::Handshake) => {
                    assert!(silent.iter().any(|(silent, _)| *silent == token));
                    late += 1;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((done, closed), (2 * clients.len(), 2 * clients.len()));
    rig.assert_nothing_is_left();
}
