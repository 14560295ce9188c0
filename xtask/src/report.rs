//! Steps with a heading each, and a summary at the end.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::command::{Failure, Outcome};

/// What the steps came to so far.
pub(crate) struct Report {
    rows: Vec<Row>,
    started: Instant,
}

struct Row {
    name: String,
    verdict: Verdict,
    took: Duration,
}

enum Verdict {
    /// With what there is to say about it, or nothing.
    Passed(String),
    Failed,
    NotRun(String),
}

impl Report {
    /// Runs steps and sums them up, whether they pass or not.
    pub(crate) fn around(steps: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        let mut report = Self {
            rows: Vec::new(),
            started: Instant::now(),
        };
        let outcome = steps(&mut report);
        println!("{}", report.summary());
        outcome
    }

    /// Runs one step under its heading.
    pub(crate) fn step(&mut self, name: &str, run: impl FnOnce() -> Outcome) -> Outcome {
        self.step_with_note(name, || run().map(|()| String::new()))
    }

    /// Runs one step that answers something for the summary to say.
    pub(crate) fn step_with_note(
        &mut self,
        name: &str,
        run: impl FnOnce() -> Outcome<String>,
    ) -> Outcome {
        println!("\n==> {name}");
        let started = Instant::now();
        let (verdict, outcome) = match run() {
            Ok(note) => (Verdict::Passed(note), Ok(())),
            Err(failure) => (Verdict::Failed, Err(failure)),
        };
        self.rows.push(Row {
            name: name.to_owned(),
            verdict,
            took: started.elapsed(),
        });
        outcome
    }

    /// Notes a step that cannot be run here, and why.
    pub(crate) fn not_run(&mut self, name: &str, because: impl Into<String>) {
        let because = because.into();
        println!("\n==> {name}\nnot run: {because}");
        self.rows.push(Row {
            name: name.to_owned(),
            verdict: Verdict::NotRun(because),
            took: Duration::ZERO,
        });
    }

    fn summary(&self) -> String {
        let width = self.rows.iter().map(|row| row.name.chars().count()).max();
        let width = width.unwrap_or(0);
        let mut text = String::from("\n==> summary\n");
        for Row {
            name,
            verdict,
            took,
        } in &self.rows
        {
            let (word, note) = match verdict {
                Verdict::Passed(note) => ("passed", note.as_str()),
                Verdict::Failed => ("FAILED", ""),
                Verdict::NotRun(because) => ("not run", because.as_str()),
            };
            let seconds = took.as_secs_f64();
            let line = format!("{word:<8} {seconds:>7.1} s  {name:<width$}  {note}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        let total = self.started.elapsed().as_secs_f64();
        let _ = write!(text, "{:<8} {total:>7.1} s", "total");
        text
    }
}

/// How many tests ran, read from what the test programs print.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    ignored: u64,
}

impl Tally {
    /// Takes notice of a line such as
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out`.
    pub(crate) fn read(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ok. ") else {
            return;
        };
        for count in counts.split("; ") {
            match count.split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "ignored")) => self.ignored += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }

    /// The counts in words; a failure when no test ran at all.
    pub(crate) fn judge(&self) -> Outcome<String> {
        match self {
            Self { passed: 0, .. } => Err(Failure::new("no test ran")),
            Self { passed, ignored: 0 } => Ok(format!("{passed} tests")),
            Self { passed, ignored } => Ok(format!("{passed} tests, {ignored} ignored")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Report {
        Report {
            rows: Vec::new(),
            started: Instant::now(),
        }
    }

    #[test]
    fn the_summary_tells_passed_failed_and_not_run_apart() {
        let mut report = empty();
        report
            .step_with_note("one", || Ok("3 tests".into()))
            .unwrap();
        report.not_run("two", "no toolchain");
        let failed = report.step("three", || Err(Failure::new("broken")));
        assert_eq!(failed.unwrap_err().to_string(), "broken");
        let summary = report.summary();
        let lines: Vec<&str> = summary.lines().skip(2).collect();
        assert!(lines[0].starts_with("passed") && lines[0].ends_with("3 tests"));
        assert!(lines[1].starts_with("not run") && lines[1].ends_with("no toolchain"));
        assert!(lines[2].starts_with("FAILED") && lines[2].ends_with("three"));
    }

    #[test]
    fn a_failed_step_is_the_outcome_of_the_whole() {
        let outcome = Report::around(|report| {
            report.step("fails", || Err(Failure::new("broken")))?;
            report.step("is not reached", || panic!("reached"))
        });
        assert_eq!(outcome.unwrap_err().to_string(), "broken");
    }

    #[test]
    fn tests_of_several_programs_are_added_up() {
        let mut tally = Tally::default();
        for line in [
            "running 4 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s",
            "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            tally.read(line);
        }
        assert_eq!(tally.judge().unwrap(), "5 tests, 1 ignored");
    }

    #[test]
    fn a_run_without_tests_does_not_pass() {
        let mut tally = Tally::default();
        tally.read("test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out");
        assert!(tally.judge().is_err());
    }
}
