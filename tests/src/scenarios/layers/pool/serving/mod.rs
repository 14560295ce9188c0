//! Servers behind a door, on the loop and on tokio's tasks. The names of their
//! scenarios begin with `poll::server::` and `tokio::server::`.

mod client;
mod on_loop;
mod on_tasks;
mod server;

use std::io::{self, Read};
use std::time::{Duration, Instant};

use polytls::pool::server::Limits;
use polytls::tls::AnyBackend;
use polytls::{Error, SHUTDOWN_TIMEOUT};

use super::rig::{LONG, LayersCase, SHORT};
use crate::scenario::{Scenario, Versions, scenario};
use client::Client;
use server::{Running, Setup};

/// Starts a server of one kind.
type Start = fn(&LayersCase, &Setup) -> Running;

pub(super) fn on_loop() -> Vec<Scenario<AnyBackend, AnyBackend>> {
    scenarios(on_loop::start)
}

pub(super) fn on_tasks() -> Vec<Scenario<AnyBackend, AnyBackend>> {
    scenarios(on_tasks::start)
}

fn scenarios(start: Start) -> Vec<Scenario<AnyBackend, AnyBackend>> {
    let mut table = vec![
        scenario(
            "a_drain_finishes_what_is_busy_and_forces_what_is_stuck",
            move |case| drains(case, start),
        ),
        scenario("who_is_idle_too_long_is_ended_cleanly", move |case| {
            idles(case, start);
        }),
    ];
    // Only there have clients of one machine addresses that differ.
    if cfg!(target_os = "linux") {
        table.push(scenario(
            "handshakes_that_stop_are_freed_and_others_are_served",
            move |case| floods(case, start),
        ));
    }
    table
        .into_iter()
        .map(|scenario| scenario.versions(Versions::Unpinned))
        .collect()
}

fn drains(case: &LayersCase, start: Start) {
    let server = start(case, &Setup::default());
    let client = Client::new(case, server.address);
    let (mut idle, mut busy, mut stuck) = (client.served(), client.served(), client.served());
    client::says(&mut busy, b"half of ");
    client::says(&mut stuck, b"half of ");
    assert_eq!(server.door.statistics().connections, 3);
    server.drain(LONG);
    assert_eq!(idle.recv(&mut [0]), Ok(0), "close_notify");
    idle.shutdown_write(SHUTDOWN_TIMEOUT).expect("an end");
    drop(idle);
    match client.connect() {
        Err(Error::Connect { .. }) => {}
        other => panic!("{other:?}"),
    }
    client::says(&mut busy, b"a request.");
    assert_eq!(busy.recv(&mut [0]), Ok(0), "close_notify");
    drop(busy);
    // A second drain can only be over sooner.
    server.drain(Duration::ZERO);
    stuck.recv(&mut [0]).expect_err("no clean end");
    server.assert_nothing_is_left();
}

fn idles(case: &LayersCase, start: Start) {
    let idle_timeout = Some(SHORT * 8);
    let server = start(
        case,
        &Setup {
            idle_timeout,
            ..Setup::default()
        },
    );
    let client = Client::new(case, server.address);
    let mut busy = client.heard_in_the_end(b"half of ");
    let begun = Instant::now();
    let mut idle = client.heard_in_the_end(b"hello.");
    assert_eq!(idle.recv(&mut [0]), Ok(0), "close_notify");
    assert!(begun.elapsed() >= SHORT * 8);
    drop(idle);
    client::says(&mut busy, b"a request.");
    assert_eq!(busy.recv(&mut [0]), Ok(0), "close_notify");
    drop(busy);
    server.drain(LONG);
    server.assert_nothing_is_left();
}

/// More clients of one address than it may have say hello, and nothing more.
fn floods(case: &LayersCase, start: Start) {
    const OF_ONE: usize = 4;
    const FLOOD: usize = 10;
    let server = start(
        case,
        &Setup {
            limits: Limits {
                per_address: Some(OF_ONE),
                // They take every place at first, and all others wait.
                handshakes: OF_ONE / 2,
                ..Limits::default()
            },
            handshake_timeout: SHORT * 6,
            ..Setup::default()
        },
    );
    let client = Client::new(case, server.address);
    let flood = client.flood(FLOOD, [127, 0, 0, 2]);
    let good = [(); 2].map(|()| client.heard_in_the_end(b"hello."));
    for mut one in flood {
        one.set_read_timeout(Some(LONG)).expect("an option");
        // What it had been sent, and the end.
        match one.read_to_end(&mut Vec::new()) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        }
    }
    let found = server.door.statistics();
    assert!(found.refused >= (FLOOD - OF_ONE) as u64, "{found:?}");
    drop(good);
    server.drain(LONG);
    server.assert_nothing_is_left();
}
