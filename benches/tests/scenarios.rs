//! The scenarios run to their end, on each side.

use std::collections::HashSet;

use backend_bench::meter::Meter;
use backend_bench::scenario::{self, Kind, Scenario};
use backend_bench::{calls, wall};

/// Of the suites one is run in every size, and the others in one size each:
/// what a suite and a size have in common is the library's own code.
fn stands_for_others(scenario: &Scenario) -> bool {
    let has_other_suite = ["aes256gcm", "chacha20"]
        .iter()
        .any(|suite| scenario.id.contains(suite));
    !has_other_suite || scenario.id.ends_with("/64")
}

fn run(backend: &str) {
    let mut scenarios = scenario::of(backend);
    scenarios.retain(stands_for_others);
    assert!(!scenarios.is_empty());
    for scenario in scenarios {
        for kind in [Kind::Ours, Kind::Raw] {
            let mut bench = scenario.bench(kind).unwrap();
            let mut meter = Meter::new();
            if let Err(error) = bench.run(2, &mut meter) {
                panic!("{scenario:?} {kind:?}: {error}");
            }
            assert!(bench.calls().reads + bench.calls().writes > 0);
            assert!(!meter.elapsed(std::time::Duration::ZERO).is_zero());
        }
    }
}

#[test]
fn every_scenario_of_rustls_runs() {
    run("rustls");
}

#[test]
fn every_scenario_of_unbuffered_rustls_runs() {
    run("rustls-unbuffered");
}

#[test]
fn every_scenario_of_openssl_runs() {
    run("openssl");
}

#[test]
fn every_scenario_of_boring_runs() {
    run("boring");
}

#[test]
fn every_scenario_of_native_tls_runs() {
    run("native-tls");
}

#[test]
fn a_backend_and_an_id_name_one_scenario() {
    let mut seen = HashSet::new();
    for scenario in scenario::all() {
        assert!(
            seen.insert((scenario.id.clone(), scenario.backend)),
            "{scenario:?} twice"
        );
    }
}

#[test]
fn native_tls_has_no_scenario_that_it_cannot_do() {
    for scenario in scenario::of("native-tls") {
        let id = &scenario.id;
        let is_server = id.ends_with("/server");
        assert!(!(is_server && id.contains("tls13")), "{id}");
        assert!(!id.contains("mlkem"), "{id}");
    }
}

#[test]
fn calls_are_told_of_what_is_done_and_of_nothing_else() {
    let scenarios = scenario::of("openssl");
    let told = |id: &str| {
        let scenario = scenarios.iter().find(|scenario| scenario.id == id).unwrap();
        calls::measure(scenario).unwrap()
    };
    let send = told("send/aes128gcm/1024");
    assert_eq!(send.len(), 1);
    assert_eq!(send[0].id, "send/aes128gcm/1024/writes");
    assert_eq!((send[0].ours, send[0].raw), (1.0, 1.0));
    let receive = told("receive/aes128gcm/1024");
    assert_eq!(receive.len(), 1);
    assert_eq!(receive[0].id, "receive/aes128gcm/1024/reads");
    assert_eq!(receive[0].octets, Some(1024));
}

#[test]
fn wall_time_is_told_with_an_interval_round_the_ratio() {
    let effort = wall::Effort {
        rounds: 3,
        turn: std::time::Duration::from_micros(100),
    };
    let scenarios = scenario::of("rustls");
    for (id, told) in [
        ("send/aes128gcm/64", &[""][..]),
        ("latency/64", &["/p50", "/p99"]),
    ] {
        let scenario = scenarios.iter().find(|scenario| scenario.id == id).unwrap();
        let reports = wall::measure(scenario, effort).unwrap();
        let ids: Vec<_> = reports.iter().map(|report| report.id.clone()).collect();
        assert_eq!(
            ids,
            told.iter()
                .map(|suffix| format!("{id}{suffix}"))
                .collect::<Vec<_>>()
        );
        for report in reports {
            let (low, high) = (report.low.unwrap(), report.high.unwrap());
            assert!(low <= report.ratio && report.ratio <= high, "{report:?}");
            assert!(report.ours > 0.0 && report.raw > 0.0, "{report:?}");
        }
    }
}
