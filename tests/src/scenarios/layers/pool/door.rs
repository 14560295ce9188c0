//! A server that admits, counts and ends connections.

use std::time::{Duration, Instant};

use polytls::SHUTDOWN_TIMEOUT;
use polytls::pool::State;
use polytls::pool::server::{Action, Admission, Limits, Refusal, Registry};
use polytls::tls::AnyBackend;

use super::rig::{LayersCase, Rig, exchange};
use super::threads::Threads;
use crate::scenario::{Scenario, Versions, scenario};

pub(super) fn scenarios() -> Vec<Scenario<AnyBackend, AnyBackend>> {
    vec![
        scenario("a_server_that_drains_ends_its_connections_in_order", drains)
            .versions(Versions::Unpinned),
    ]
}

fn drains(case: &LayersCase) {
    let rig = Rig::<Threads>::new(case);
    let door = Admission::new(Limits {
        per_address: Some(2),
        handshakes: 1,
        ..Limits::default()
    });
    let mut registry = Registry::new(None);
    let now = Instant::now();
    let peer = rig.address.ip();
    let mut clients = Vec::new();
    let mut servers = Vec::new();
    for index in 0..2_usize {
        let permit = door.admit(Some(peer), now).expect("there is room");
        let handshake = permit.begin_handshake().expect("there is room");
        let (client, server) = rig.connected();
        drop(handshake);
        let id = registry.insert(index, Some(permit), now);
        clients.push(client);
        servers.push((id.expect("it runs"), server));
    }
    let refusal = door.admit(Some(peer), now).expect_err("there is no room");
    assert_eq!(refusal, Refusal::PerAddress);
    // The second is in the middle of something.
    registry.set_busy(servers[1].0, true, now);
    registry.drain(now + Duration::from_secs(60));
    let due = registry.due(now).into_iter();
    let due: Vec<_> = due.map(|(_, index, action)| (index, action)).collect();
    assert_eq!(due, [(0, Action::Close), (1, Action::Finish)]);
    exchange(&mut clients[1], &mut servers[1].1);
    registry.set_busy(servers[1].0, false, now);
    let due = registry.due(now).into_iter();
    let due: Vec<_> = due.map(|(_, index, action)| (index, action)).collect();
    assert_eq!(due, [(1, Action::Close)]);
    for ((id, mut server), mut client) in servers.into_iter().zip(clients) {
        server.shutdown_write(SHUTDOWN_TIMEOUT).expect("an end");
        assert_eq!(client.recv(&mut [0]), Ok(0), "close_notify");
        registry.remove(id).expect("it was there");
    }
    assert_eq!(registry.state(), State::Stopped);
    assert_eq!(door.statistics().connections, 0);
    assert_eq!(door.statistics().handshakes, 0);
}
