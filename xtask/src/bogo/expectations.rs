//! What is known of a backend's results: the files in `tests/bogo`.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Map, Value, json};

use crate::bogo::results::{Class, Tally};
use crate::bogo::runner::Census;
use crate::command::{Failure, Outcome, root};
use crate::glob;

/// The folder of the files.
const FOLDER: &str = "tests/bogo";

/// What is expected of one backend.
#[derive(Debug)]
pub(crate) struct Expectations {
    file: String,
    groups: Vec<Group>,
    /// From an error of BoringSSL's to those that stand for it here.
    errors: Map<String, Value>,
    counts: Value,
}

/// Disabled tests that share a reason.
#[derive(Debug)]
struct Group {
    class: Class,
    reason: String,
    tests: Vec<String>,
    /// Whether it is this backend's own, so that each glob must match.
    own: bool,
}

impl Expectations {
    /// Reads what holds for all backends and what holds for this one.
    pub(crate) fn load(backend: &str) -> Outcome<Self> {
        let file = format!("{FOLDER}/expectations/{backend}.json");
        Self::parse(
            &file,
            &read(&format!("{FOLDER}/errors.json"))?,
            &read(&format!("{FOLDER}/expectations/all.json"))?,
            &read(&file)?,
        )
        .ok_or_else(|| {
            Failure::new(format!(
                "{file}, or a file beside it, lacks something or has too much"
            ))
        })
    }

    fn parse(file: &str, errors: &Value, all: &Value, own: &Value) -> Option<Self> {
        let mut errors = errors.as_object()?.clone();
        for exception in own["errors"].as_array()? {
            // An exception says why, or it is none.
            exception["reason"].as_str()?;
            errors.insert(
                exception["error"].as_str()?.to_owned(),
                exception["accept"].clone(),
            );
        }
        let mut groups = Vec::new();
        for (source, own) in [(all, false), (own, true)] {
            for group in source["disabled"].as_array()? {
                groups.push(Group::parse(group, own)?);
            }
        }
        Some(Self {
            file: file.to_owned(),
            groups,
            errors,
            counts: own["counts"].clone(),
        })
    }

    /// The runner's configuration.
    pub(crate) fn config(&self) -> Value {
        json!({ "DisabledTests": self.disabled(), "ErrorMap": self.errors })
    }

    /// The same with errors that never match, so that every test that ends in
    /// one says which.
    pub(crate) fn config_without_errors(&self) -> Value {
        json!({
            "DisabledTests": self.disabled(),
            "ErrorMap": { "": ["no error is called this"] },
        })
    }

    fn disabled(&self) -> Value {
        let pairs = self.groups.iter().flat_map(|group| {
            let reason = Value::from(group.reason.as_str());
            group
                .tests
                .iter()
                .map(move |test| (test.clone(), reason.clone()))
        });
        Value::Object(pairs.collect())
    }

    /// Why a test is disabled: the first group that has it.
    pub(crate) fn disables(&self, name: &str) -> Option<(Class, &str)> {
        let group = self.groups.iter().find(|group| group.has(name))?;
        Some((group.class, &group.reason))
    }

    /// Globs that disable nothing.
    pub(crate) fn idle(&self, census: &Census) -> Vec<String> {
        let mut idle = Vec::new();
        for group in &self.groups {
            for test in &group.tests {
                if !census.tls().any(|name| glob::matches(test, name)) {
                    let place = if group.own { &self.file } else { "all.json" };
                    idle.push(format!("no test matches {test:?} in {place}"));
                }
            }
        }
        idle
    }

    /// Where the counts are not those that are written down.
    pub(crate) fn other_counts(&self, tally: &Tally) -> Option<String> {
        let found = tally.counts();
        (self.counts != found).then(|| {
            format!(
                "the counts in {} are {}, but found {found}",
                self.file, self.counts
            )
        })
    }
}

impl Group {
    fn parse(group: &Value, own: bool) -> Option<Self> {
        let tests = group["tests"].as_array()?;
        let tests: Option<Vec<_>> = tests.iter().map(|t| Some(t.as_str()?.to_owned())).collect();
        let tests = tests?;
        // Twice the same is a slip; a set of the runner's globs is not for us.
        let different: BTreeSet<_> = tests.iter().collect();
        let plain = |test: &String| !test.contains(['?', '[', '\\']);
        if different.len() != tests.len() || !tests.iter().all(plain) {
            return None;
        }
        Some(Self {
            class: Class::by_name(group["class"].as_str()?)?,
            reason: group["reason"].as_str()?.to_owned(),
            tests,
            own,
        })
    }

    fn has(&self, name: &str) -> bool {
        self.tests.iter().any(|test| glob::matches(test, name))
    }
}

fn read(file: &str) -> Outcome<Value> {
    let text = fs::read_to_string(root().join(file))
        .map_err(|error| Failure::new(format!("cannot read {file}: {error}")))?;
    serde_json::from_str(&text).map_err(|error| Failure::new(format!("{file}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Expectations {
        let all = json!({ "disabled": [
            { "class": "api", "reason": "below the floor", "tests": ["*-TLS1"] },
        ] });
        let own = json!({
            "counts": { "tests": 3 },
            "disabled": [{ "class": "library", "reason": "lacks it", "tests": ["Odd", "*-TLS1"] }],
            "errors": [{ "error": ":A:", "accept": [":C:"], "reason": "cannot tell" }],
        });
        let errors = json!({ ":A:": [":B:"], ":D:": [":E:"] });
        Expectations::parse("own.json", &errors, &all, &own).unwrap()
    }

    #[test]
    fn the_own_file_is_added_to_what_holds_for_all() {
        let sample = sample();
        assert_eq!(
            sample.disables("Curve-TLS1"),
            Some((Class::Api, "below the floor"))
        );
        assert_eq!(sample.disables("Odd"), Some((Class::Library, "lacks it")));
        assert_eq!(sample.disables("Even"), None);
        let config = sample.config();
        assert_eq!(
            config["ErrorMap"],
            json!({ ":A:": [":C:"], ":D:": [":E:"] })
        );
        assert_eq!(config["DisabledTests"]["Odd"], "lacks it");
    }

    #[test]
    fn a_glob_that_matches_no_test_of_tls_is_named() {
        let census = Census::parse("tls Curve-TLS1\nother Odd\ntls Even\n").unwrap();
        let idle = sample().idle(&census);
        assert_eq!(idle, ["no test matches \"Odd\" in own.json"]);
    }

    #[test]
    fn an_exception_without_a_reason_is_refused() {
        let all = json!({ "disabled": [] });
        let own = json!({ "disabled": [], "errors": [{ "error": ":A:", "accept": [] }] });
        assert!(Expectations::parse("own.json", &json!({}), &all, &own).is_none());
    }

    #[test]
    fn a_test_that_is_listed_twice_is_refused() {
        let group = json!({ "class": "api", "reason": "r", "tests": ["A", "A"] });
        assert!(Group::parse(&group, true).is_none());
        let unknown = json!({ "class": "other", "reason": "r", "tests": ["A"] });
        assert!(Group::parse(&unknown, true).is_none());
    }

    #[test]
    fn the_files_in_the_repository_can_be_read() {
        for (backend, _) in crate::bogo::BACKENDS {
            Expectations::load(backend).unwrap();
        }
    }
}
