//! Reads and writes of the transport for each operation.
//!
//! In memory every call of the subject counts; over TCP every one that moved
//! octets, of both ends.

use crate::library::Outcome;
use crate::meter::Meter;
use crate::pipe::Calls;
use crate::report::Report;
use crate::scenario::{Kind, Scenario};

/// How many operations are counted, and how many go before.
const OPERATIONS: usize = 64;

/// Counts for a pair. What neither side does is not told.
pub fn measure(scenario: &Scenario) -> Outcome<Vec<Report>> {
    let ours = count(scenario, Kind::Ours)?;
    let raw = count(scenario, Kind::Raw)?;
    let each = |calls: u64| calls as f64 / OPERATIONS as f64;
    let told = [
        ("reads", ours.reads, raw.reads),
        ("writes", ours.writes, raw.writes),
    ];
    let done = told
        .into_iter()
        .filter(|&(_, ours, raw)| ours > 0 || raw > 0);
    Ok(done
        .map(|(what, ours, raw)| {
            let id = format!("{}/{what}", scenario.id);
            let pair = (each(ours), each(raw));
            Report::exact(id, scenario.backend, "calls", "calls", pair).with_octets(scenario.octets)
        })
        .collect())
}

fn count(scenario: &Scenario, kind: Kind) -> Outcome<Calls> {
    let mut bench = scenario.bench(kind)?;
    bench.run(OPERATIONS, &mut Meter::idle())?;
    let before = bench.calls();
    bench.run(OPERATIONS, &mut Meter::idle())?;
    Ok(bench.calls().since(before))
}
