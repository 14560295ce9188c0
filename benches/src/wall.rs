//! Wall time: the two sides of a pair take turns (ours, raw, raw, ours), in many
//! short rounds.
//!
//! A turn is timed in batches, and of a round's batches the median counts, so
//! that a batch in which the system ran something else does not.

use std::time::Duration;

use crate::library::Outcome;
use crate::meter::{Meter, clock_cost};
use crate::report::Report;
use crate::scenario::{Bench, Gauge, Kind, Scenario};
use crate::statistics::{Ratio, quantile};

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds of four turns.
    pub rounds: usize,
    /// How long a turn takes at least.
    pub turn: Duration,
}

impl Effort {
    /// For figures that are published.
    pub const FULL: Self = Self {
        rounds: 60,
        turn: Duration::from_millis(5),
    };

    /// For a look.
    pub const QUICK: Self = Self {
        rounds: 15,
        turn: Duration::from_millis(2),
    };
}

/// Measures a pair.
pub fn measure(scenario: &Scenario, effort: Effort) -> Outcome<Vec<Report>> {
    let clock = clock_cost();
    let mut ours = scenario.bench(Kind::Ours)?;
    let mut raw = scenario.bench(Kind::Raw)?;
    let operations =
        operations(&mut *ours, scenario, effort)?.max(operations(&mut *raw, scenario, effort)?);
    let mut rounds = Rounds::default();
    for _ in 0..effort.rounds {
        let mut round = [Vec::new(), Vec::new()];
        for side in [0, 1, 1, 0] {
            let bench = if side == 0 { &mut ours } else { &mut raw };
            turn(&mut **bench, scenario, operations, clock, &mut round[side])?;
        }
        rounds.add(round, scenario.gauge);
    }
    Ok(rounds.reports(scenario))
}

/// How many operations make a turn, in whole batches; warms up on the way.
fn operations(bench: &mut dyn Bench, scenario: &Scenario, effort: Effort) -> Outcome<usize> {
    let mut operations = batch(scenario.gauge);
    loop {
        let mut meter = Meter::new();
        bench.run(operations, &mut meter)?;
        if meter.elapsed(Duration::ZERO) >= effort.turn {
            return Ok(operations);
        }
        operations *= 2;
    }
}

const fn batch(gauge: Gauge) -> usize {
    match gauge {
        Gauge::Typical { batch } => batch,
        Gauge::Percentiles => 1,
    }
}

/// Adds the nanoseconds of an operation, once for each batch.
fn turn(
    bench: &mut dyn Bench,
    scenario: &Scenario,
    operations: usize,
    clock: Duration,
    times: &mut Vec<f64>,
) -> Outcome<()> {
    let batch = batch(scenario.gauge);
    for _ in 0..operations / batch {
        let mut meter = Meter::new();
        bench.run(batch, &mut meter)?;
        times.push(meter.elapsed(clock).as_nanos() as f64 / batch as f64);
    }
    Ok(())
}

/// What the rounds gave, for each figure that is told of the scenario.
#[derive(Default)]
struct Rounds {
    figures: Vec<Figure>,
}

struct Figure {
    suffix: &'static str,
    ours: Vec<f64>,
    raw: Vec<f64>,
}

impl Rounds {
    fn add(&mut self, [mut ours, mut raw]: [Vec<f64>; 2], gauge: Gauge) {
        let told: &[(&'static str, f64)] = match gauge {
            Gauge::Typical { .. } => &[("", 0.5)],
            Gauge::Percentiles => &[("/p50", 0.5), ("/p99", 0.99)],
        };
        if self.figures.is_empty() {
            self.figures.extend(told.iter().map(|&(suffix, _)| Figure {
                suffix,
                ours: Vec::new(),
                raw: Vec::new(),
            }));
        }
        for (figure, &(_, part)) in self.figures.iter_mut().zip(told) {
            figure.ours.push(quantile(&mut ours, part));
            figure.raw.push(quantile(&mut raw, part));
        }
    }

    fn reports(self, scenario: &Scenario) -> Vec<Report> {
        let report = |mut figure: Figure| {
            let pairs = figure.ours.iter().zip(&figure.raw);
            let ratios: Vec<_> = pairs.map(|(ours, raw)| ours / raw).collect();
            let id = format!("{}{}", scenario.id, figure.suffix);
            let medians = (
                quantile(&mut figure.ours, 0.5),
                quantile(&mut figure.raw, 0.5),
            );
            Report::exact(id, scenario.backend, "wall", "ns", medians)
                .with_ratio(Ratio::of(&ratios))
                .with_octets(scenario.octets)
        };
        self.figures.into_iter().map(report).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_gives_the_median_of_its_batches_or_percentiles() {
        let mut typical = Rounds::default();
        let round = [vec![9.0, 2.0, 3.0], vec![1.0, 8.0, 2.0]];
        typical.add(round, Gauge::Typical { batch: 4 });
        assert_eq!(typical.figures[0].ours, [3.0]);
        assert_eq!(typical.figures[0].raw, [2.0]);
        let mut each = Rounds::default();
        let hundred = (0..=100).map(f64::from).collect::<Vec<_>>();
        each.add([hundred.clone(), hundred], Gauge::Percentiles);
        let told: Vec<_> = each
            .figures
            .iter()
            .map(|figure| (figure.suffix, figure.ours[0]))
            .collect();
        assert_eq!(told, [("/p50", 50.0), ("/p99", 99.0)]);
    }
}
