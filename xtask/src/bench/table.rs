//! Tables on a terminal.

use std::fmt;

use crate::bench::bounds::Verdict;
use crate::bench::measurement::{Instrument, Measurement};
use crate::bench::units;

/// Columns that are as wide as they must be. All but the first are aligned to
/// the right.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        let head = columns.iter().map(|&name| name.to_owned()).collect();
        Self { rows: vec![head] }
    }

    /// Adds a row with a cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let cell = match index {
                    0 => format!("{cell:<width$}"),
                    _ => format!("  {cell:>width$}"),
                };
                line.push_str(&cell);
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// The instruments that these results are of, in their order.
pub(crate) fn instruments(results: &[Measurement]) -> Vec<Instrument> {
    let mut found: Vec<Instrument> = results.iter().map(|result| result.instrument).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Ours beside raw, a table for each instrument.
pub(crate) fn pairs(results: &[Measurement]) -> String {
    let mut text = String::new();
    for instrument in instruments(results) {
        let mut table = Table::new(&["id", "backend", "ours", "raw", "ratio", "95 % interval"]);
        for result in results.iter().filter(|r| r.instrument == instrument) {
            table.row(vec![
                result.id.clone(),
                result.backend.clone(),
                units::shown(result, result.ours),
                units::shown(result, result.raw),
                units::ratio(result.ratio),
                units::interval(result),
            ]);
        }
        text.push_str(&format!("\n{}:\n\n{table}", heading(instrument)));
    }
    text
}

/// Ours alone, the backends beside each other.
pub(crate) fn backends(results: &[Measurement]) -> String {
    let mut text = String::new();
    for instrument in instruments(results) {
        let of_it = || results.iter().filter(|r| r.instrument == instrument);
        let mut ids: Vec<&str> = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        for result in of_it() {
            if !ids.contains(&result.id.as_str()) {
                ids.push(&result.id);
            }
            if !names.contains(&result.backend.as_str()) {
                names.push(&result.backend);
            }
        }
        if names.len() < 2 {
            continue;
        }
        let columns: Vec<&str> = ["id"].iter().chain(&names).copied().collect();
        let mut table = Table::new(&columns);
        for id in ids {
            let cell = |name: &&str| {
                let result = of_it().find(|r| r.id == id && r.backend == **name);
                result.map_or_else(|| "-".to_owned(), |r| units::shown(r, r.ours))
            };
            let cells = names.iter().map(cell);
            table.row([id.to_owned()].into_iter().chain(cells).collect());
        }
        text.push_str(&format!(
            "\nbackends beside each other, {}:\n\n{table}",
            heading(instrument)
        ));
    }
    text
}

/// Each result with the bound that applies, and why where it is an exception.
pub(crate) fn verdicts(verdicts: &[Verdict<'_>]) -> String {
    let columns = ["id", "backend", "ours", "raw", "ratio", "bound", "of", ""];
    let mut table = Table::new(&columns);
    let mut reasons = String::new();
    for verdict in verdicts {
        let (result, bound) = (verdict.result, verdict.bound);
        let mut pattern = bound.pattern.clone();
        if let Some(because) = &bound.because {
            pattern.push_str(" (exception)");
            let reason = format!(
                "exception for {} {}: {because}\n",
                bound.pattern, result.backend
            );
            if !reasons.contains(&reason) {
                reasons.push_str(&reason);
            }
        }
        table.row(vec![
            result.id.clone(),
            result.backend.clone(),
            units::shown(result, result.ours),
            units::shown(result, result.raw),
            result
                .ratio
                .map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.4}")),
            bound
                .bound
                .map_or_else(|| "none".to_owned(), |bound| format!("{bound:.2}")),
            pattern,
            if verdict.passes() { "passed" } else { "FAILED" }.to_owned(),
        ]);
    }
    format!("{table}{reasons}")
}

/// What a table of this instrument's results shows.
pub(crate) fn heading(instrument: Instrument) -> &'static str {
    match instrument {
        Instrument::Wall => "time",
        Instrument::Instructions => "instructions per operation",
        Instrument::Allocations => "calls of the allocator per operation",
        Instrument::Heap => "heap per connection",
        Instrument::Idle => "processor time of idle connections, per second",
        Instrument::Calls => "reads and writes of the transport",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::measurement::tests::{sample, timed};

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["id", "n"]);
        table.row(vec!["longer".into(), "1,000".into()]);
        table.row(vec!["x".into(), "1".into()]);
        assert_eq!(
            table.to_string(),
            "id          n\nlonger  1,000\nx           1\n"
        );
    }

    #[test]
    fn each_instrument_has_a_table_of_its_own() {
        let results = [
            sample("a/b", "openssl", 4_838.0, 4_800.0),
            timed("a/b", "openssl", 1.0, 0.99, 1.01),
            sample("a/b", "boring", 6_180.0, 0.0),
        ];
        let text = pairs(&results);
        assert!(text.contains("0.990 to 1.010"), "{text}");
        assert!(text.contains("6,180      0      -"), "{text}");
        let beside = backends(&results);
        assert!(beside.contains("openssl  boring"), "{beside}");
        assert!(beside.contains("4,838   6,180"), "{beside}");
        assert!(!beside.contains("time"), "one backend alone: {beside}");
    }
}
