//! Limits, and whose turn it is.

use std::thread;

use polytls::pool::{Error, Options, WaitingFor};
use polytls::tls::AnyBackend;

use super::front::{Connection, Front};
use super::rig::{LONG, LayersCase, Rig, SHORT, exchange, failure};
use crate::scenario::{Scenario, Versions, scenario};

pub(super) fn scenarios<F: Front>() -> Vec<Scenario<AnyBackend, AnyBackend>> {
    vec![
        scenario("callers_of_a_full_pool_are_served_in_turn", in_turn::<F>)
            .versions(Versions::Unpinned),
        scenario(
            "a_caller_of_a_full_pool_waits_no_longer_than_said",
            no_longer::<F>,
        )
        .versions(Versions::Unpinned),
    ]
}

fn in_turn<F: Front>(case: &LayersCase) {
    let rig = Rig::<F>::with(case, Options::new().max_per_key(1));
    let (connection, mut server) = rig.connected();
    let (pool, target) = (&rig.pool, &rig.target);
    let (order, served) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        for caller in 0..4_usize {
            let order = order.clone();
            scope.spawn(move || {
                let connection = pool.get(target, LONG).expect("a connection");
                order.send((caller, connection)).expect("a listener");
            });
            while pool.statistics().waiting <= caller {
                thread::yield_now();
            }
        }
        connection.release().expect("it is fit");
        for expected in 0..4 {
            let (caller, mut connection) = served.recv_timeout(LONG).expect("a caller");
            assert_eq!(caller, expected);
            assert!(connection.is_reused());
            exchange(&mut connection, &mut server);
            connection.release().expect("it is fit");
        }
    });
    assert_eq!(rig.pool.statistics().connected, 1);
    rig.assert_at_rest(1);
}

fn no_longer<F: Front>(case: &LayersCase) {
    let rig = Rig::<F>::with(case, Options::new().max_total(1));
    let (connection, mut server) = rig.connected();
    let waiting_for = WaitingFor::Turn;
    let over = Error::Timeout {
        waiting_for,
        last: None,
    };
    assert_eq!(failure(rig.pool.get(&rig.target, SHORT)), over);
    assert_eq!(rig.pool.statistics().timed_out, 1);
    connection.release().expect("it is fit");
    let mut connection = rig.reused();
    exchange(&mut connection, &mut server);
}
