//! What the runner and the shims told of one run.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use crate::bogo::expectations::Expectations;
use crate::bogo::runner::Census;

/// Whose lack a disabled test shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Library,
    Api,
    Shim,
}

impl Class {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::Api => "api",
            Self::Shim => "shim",
        }
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        [Self::Library, Self::Api, Self::Shim]
            .into_iter()
            .find(|class| class.name() == name)
    }
}

/// How each test ended, and why shims did not run theirs.
#[derive(Debug)]
pub(crate) struct Results {
    tests: BTreeMap<String, Verdict>,
    missing: Vec<(Class, String)>,
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Passed,
    Failed(String),
    Skipped,
}

impl Results {
    /// Reads the runner's JSON and the shims' log; the latter has a line for
    /// each test that was not run, also for those that are not of TLS.
    pub(crate) fn parse(json: &Value, log: &str) -> Option<Self> {
        let mut tests = BTreeMap::new();
        for (name, test) in json["tests"].as_object()? {
            let verdict = match test["actual"].as_str()? {
                "PASS" => Verdict::Passed,
                "SKIP" => Verdict::Skipped,
                _ => Verdict::Failed(test["error"].as_str().unwrap_or_default().to_owned()),
            };
            tests.insert(name.clone(), verdict);
        }
        let mut missing = Vec::new();
        for line in log.lines() {
            let (class, reason) = line.split_once('\t')?;
            if class != "not-tls" {
                missing.push((Class::by_name(class)?, reason.to_owned()));
            }
        }
        Some(Self { tests, missing })
    }

    pub(crate) fn passed(&self) -> impl Iterator<Item = &str> {
        let tests = self.tests.iter();
        tests.filter_map(|(name, verdict)| (*verdict == Verdict::Passed).then_some(name.as_str()))
    }

    /// The tests that failed, with what the runner says in one line.
    pub(crate) fn failed(&self) -> impl Iterator<Item = (&str, String)> {
        self.tests
            .iter()
            .filter_map(|(name, verdict)| match verdict {
                Verdict::Failed(why) => Some((name.as_str(), one_line(why))),
                Verdict::Passed | Verdict::Skipped => None,
            })
    }

    /// The tests that ended in another error than the runner wanted: the name,
    /// the error that it wanted and the symbol that the shim gave.
    pub(crate) fn errors(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.tests
            .iter()
            .filter_map(|(name, verdict)| match verdict {
                Verdict::Failed(why) => {
                    let symbol = between(why, "stderr:\n\t\t", "\n")?;
                    let wanted = between(why, "\tremote: \"", "\"\n")?;
                    Some((name.as_str(), wanted, symbol))
                }
                Verdict::Passed | Verdict::Skipped => None,
            })
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The figures of one backend.
#[derive(Debug, PartialEq)]
pub(crate) struct Tally {
    tests: usize,
    passed: usize,
    failed: usize,
    library: usize,
    api: usize,
    shim: usize,
}

impl Tally {
    /// Counts the tests of TLS: what was run, what the expectations disable
    /// and what the shims had to leave.
    pub(crate) fn new(census: &Census, expectations: &Expectations, results: &Results) -> Self {
        let verdicts = || results.tests.values();
        let mut tally = Self {
            tests: census.tls().count(),
            passed: results.passed().count(),
            failed: verdicts()
                .filter(|v| matches!(v, Verdict::Failed(_)))
                .count(),
            library: 0,
            api: 0,
            shim: 0,
        };
        let by_file = census
            .tls()
            .filter(|name| !results.tests.contains_key(*name))
            .filter_map(|name| expectations.disables(name))
            .map(|(class, _)| class);
        let by_shim = results.missing.iter().map(|(class, _)| *class);
        for class in by_file.chain(by_shim) {
            match class {
                Class::Library => tally.library += 1,
                Class::Api => tally.api += 1,
                Class::Shim => tally.shim += 1,
            }
        }
        tally
    }

    /// The form in which it is written down.
    pub(crate) fn counts(&self) -> Value {
        json!({
            "tests": self.tests,
            "run": self.passed + self.failed,
            "passed": self.passed,
            "library": self.library,
            "api": self.api,
            "shim": self.shim,
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = self.passed + self.failed;
        let Self {
            tests,
            passed,
            library,
            api,
            shim,
            ..
        } = self;
        let disabled = library + api + shim;
        write!(
            f,
            "{passed} of {run} passed, {disabled} of {tests} disabled \
             (library {library}, API {api}, shim {shim})"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Results {
        let error = "unexpected error\ngot:\n\tstderr:\n\t\t:PeerMisbehaved(Malformed):\n\
                     words\n\n\tlocal: \"EOF\"\n\nwant:\n\tlocal: \"\"\n\tremote: \":DECODE:\"\n";
        let json = json!({ "tests": {
            "A": { "actual": "PASS" },
            "B": { "actual": "FAIL", "error": error },
            "C": { "actual": "SKIP" },
            "D": { "actual": "SKIP" },
        } });
        Results::parse(&json, "api\tresumption\nnot-tls\tDTLS and QUIC\n").unwrap()
    }

    #[test]
    fn verdicts_are_told_apart() {
        let results = sample();
        assert_eq!(results.passed().collect::<Vec<_>>(), ["A"]);
        let failed: Vec<_> = results.failed().collect();
        assert_eq!(failed.len(), 1);
        assert!(
            failed[0]
                .1
                .starts_with("unexpected error got: stderr: :PeerMis")
        );
    }

    #[test]
    fn the_symbol_and_the_error_that_was_wanted_are_found() {
        let results = sample();
        let errors: Vec<_> = results.errors().collect();
        assert_eq!(errors, [("B", ":DECODE:", ":PeerMisbehaved(Malformed):")]);
    }

    #[test]
    fn a_log_that_is_something_else_is_refused() {
        assert!(Results::parse(&json!({ "tests": {} }), "odd").is_none());
        assert!(Results::parse(&json!({ "tests": {} }), "odd\treason").is_none());
        assert!(Results::parse(&json!({}), "").is_none());
    }
}
