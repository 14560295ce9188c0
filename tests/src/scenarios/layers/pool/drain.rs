//! The end of a pool, and of what is idle too long.

use polytls::pool::{Error, Options, State};
use polytls::tls::AnyBackend;

use super::front::{Connection, Front};
use super::rig::{LONG, LayersCase, Rig, SHORT, exchange, failure};
use crate::scenario::{Scenario, Versions, scenario};

pub(super) fn scenarios<F: Front>() -> Vec<Scenario<AnyBackend, AnyBackend>> {
    vec![
        scenario("a_drained_pool_ends_its_connections_cleanly", drained::<F>),
        scenario(
            "a_pool_that_is_dropped_ends_its_connections_cleanly",
            dropped::<F>,
        )
        .versions(Versions::Unpinned),
        scenario("an_idle_connection_ends_cleanly_in_time", expired::<F>)
            .versions(Versions::Unpinned),
    ]
}

fn drained<F: Front>(case: &LayersCase) {
    let rig = Rig::<F>::new(case);
    let (idle, mut idle_server) = rig.connected();
    let (mut in_use, mut server) = rig.connected();
    idle.release().expect("it is fit");
    assert_eq!(rig.pool.drain(SHORT / 10).still_in_use, 1);
    assert_eq!(idle_server.recv(&mut [0]), Ok(0), "close_notify");
    assert_eq!(failure(rig.pool.get(&rig.target, LONG)), Error::Drained);
    // What is in use can be finished.
    exchange(&mut in_use, &mut server);
    in_use.release().expect("it is fit");
    assert_eq!(server.recv(&mut [0]), Ok(0), "close_notify");
    assert_eq!(rig.pool.state(), State::Stopped);
    rig.assert_at_rest(0);
}

fn dropped<F: Front>(case: &LayersCase) {
    let rig = Rig::<F>::new(case);
    let (connection, mut server) = rig.connected();
    connection.release().expect("it is fit");
    drop(rig);
    assert_eq!(server.recv(&mut [0]), Ok(0), "close_notify");
}

fn expired<F: Front>(case: &LayersCase) {
    // Long enough for a slow machine to find it idle.
    let rig = Rig::<F>::with(case, Options::new().idle_timeout(Some(SHORT * 8)));
    let (connection, mut server) = rig.connected();
    connection.release().expect("it is fit");
    let end = rig.pool.sweep().expect("a time");
    std::thread::sleep(end.saturating_duration_since(std::time::Instant::now()));
    assert_eq!(rig.pool.sweep(), None);
    assert_eq!(server.recv(&mut [0]), Ok(0), "close_notify");
    assert_eq!(rig.pool.statistics().expired, 1);
    rig.assert_at_rest(0);
}
