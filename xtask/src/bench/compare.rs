//! A run beside a saved one: what got slower, faster, or lost.

use crate::bench::measurement::{Instrument, Measurement};
use crate::bench::saved::Run;
use crate::bench::table::Table;
use crate::bench::units;

/// What changed between two runs by more than chance explains.
#[derive(Debug, Default)]
pub(crate) struct Changes<'a> {
    /// The result before, and after.
    pub(crate) slower: Vec<(&'a Measurement, &'a Measurement)>,
    pub(crate) faster: Vec<(&'a Measurement, &'a Measurement)>,
    /// Results that are in the run before alone.
    pub(crate) lost: Vec<&'a Measurement>,
    same: usize,
}

impl<'a> Changes<'a> {
    /// Compares all results of the new run with those of the old one. What
    /// was not measured this time counts as lost only where its instrument
    /// and backend were used.
    pub(crate) fn between(old: &'a Run, new: &'a Run) -> Self {
        let mut changes = Self::default();
        for before in &old.results {
            let after = new.results.iter().find(|after| {
                (&after.id, &after.backend, after.instrument)
                    == (&before.id, &before.backend, before.instrument)
            });
            let used = new.results.iter().any(|other| {
                other.instrument == before.instrument && other.backend == before.backend
            });
            match after.map(|after| (after, change(before, after))) {
                Some((after, Some(Change::Slower))) => changes.slower.push((before, after)),
                Some((after, Some(Change::Faster))) => changes.faster.push((before, after)),
                Some((_, None)) => changes.same += 1,
                None if used => changes.lost.push(before),
                None => {}
            }
        }
        changes
    }

    /// Whether something got slower.
    pub(crate) fn regressed(&self) -> bool {
        !self.slower.is_empty()
    }

    /// The changes as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (what, changed) in [("slower", &self.slower), ("faster", &self.faster)] {
            if changed.is_empty() {
                continue;
            }
            let columns = [
                "id",
                "backend",
                "by",
                "before",
                "now",
                "ratio before",
                "now",
            ];
            let mut table = Table::new(&columns);
            for (before, after) in changed {
                table.row(vec![
                    after.id.clone(),
                    after.backend.clone(),
                    after.instrument.to_string(),
                    units::shown(before, before.ours),
                    units::shown(after, after.ours),
                    units::ratio(before.ratio),
                    units::ratio(after.ratio),
                ]);
            }
            text.push_str(&format!("\n{what}:\n\n{table}"));
        }
        for before in &self.lost {
            let Measurement {
                id,
                backend,
                instrument,
                ..
            } = before;
            text.push_str(&format!(
                "not measured again: {id} {backend} ({instrument})\n"
            ));
        }
        let Self { slower, faster, .. } = self;
        let (slower, faster, same) = (slower.len(), faster.len(), self.same);
        text.push_str(&format!(
            "\n{slower} slower, {faster} faster, {same} as before\n"
        ));
        text
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Change {
    Slower,
    Faster,
}

/// Time is compared by the interval of the ratio, because raw was measured in
/// the same minute and tells how fast the machine was. A count repeats, and is
/// compared by itself.
fn change(before: &Measurement, after: &Measurement) -> Option<Change> {
    let (before, after) = if before.instrument == Instrument::Wall {
        (before.interval()?, after.interval()?)
    } else {
        let slack = slack(before.instrument);
        let around = |value: f64| {
            let slack = (value * slack).max(0.01);
            (value - slack, value + slack)
        };
        (around(before.ours), (after.ours, after.ours))
    };
    if after.0 > before.1 {
        Some(Change::Slower)
    } else if after.1 < before.0 {
        Some(Change::Faster)
    } else {
        None
    }
}

/// By how much a figure differs from run to run, as a part of it.
fn slack(instrument: Instrument) -> f64 {
    match instrument {
        // A signature of a random number is longer or shorter.
        Instrument::Wall | Instrument::Instructions => 0.005,
        Instrument::Heap => 0.01,
        // Next to nothing, of which one wake-up is much.
        Instrument::Idle => 100.0,
        Instrument::Allocations | Instrument::Calls => 0.005,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::measurement::tests::{sample, timed};
    use crate::bench::saved::tests::run;

    #[test]
    fn time_has_changed_when_the_intervals_do_not_meet() {
        let before = timed("a", "openssl", 1.00, 0.99, 1.01);
        let cases = [
            (timed("a", "openssl", 1.02, 1.005, 1.03), None),
            (
                timed("a", "openssl", 1.03, 1.02, 1.04),
                Some(Change::Slower),
            ),
            (
                timed("a", "openssl", 0.97, 0.96, 0.98),
                Some(Change::Faster),
            ),
        ];
        for (after, expected) in cases {
            assert_eq!(change(&before, &after), expected, "{after:?}");
        }
    }

    #[test]
    fn a_count_has_changed_when_it_differs_by_more_than_it_does_by_itself() {
        let before = sample("a", "openssl", 1000.0, 900.0);
        let with = |ours| sample("a", "openssl", ours, 900.0);
        assert_eq!(change(&before, &with(1004.0)), None);
        assert_eq!(change(&before, &with(1006.0)), Some(Change::Slower));
        assert_eq!(change(&before, &with(994.0)), Some(Change::Faster));
        let none = sample("a", "openssl", 0.0, 0.0);
        assert_eq!(change(&none, &none.clone()), None);
        let one = sample("a", "openssl", 1.0, 0.0);
        assert_eq!(change(&none, &one), Some(Change::Slower));
    }

    #[test]
    fn what_is_not_measured_again_is_lost_unless_it_was_left_out() {
        let old = run(vec![
            sample("a", "openssl", 1.0, 1.0),
            sample("b", "openssl", 1.0, 1.0),
            sample("a", "rustls", 1.0, 1.0),
            timed("a", "openssl", 1.0, 1.0, 1.0),
        ]);
        let new = run(vec![sample("a", "openssl", 2.0, 1.0)]);
        let changes = Changes::between(&old, &new);
        assert!(changes.regressed());
        assert_eq!(changes.lost, [&old.results[1]]);
        let text = changes.text();
        assert!(text.contains("not measured again: b openssl (instructions)"));
        assert!(text.contains("1 slower, 0 faster, 0 as before"), "{text}");
    }
}
