//! The file of bounds: how far ours may be from raw, in instructions.

use std::fs;

use serde::Deserialize;

use crate::bench::measurement::{Measurement, Pair};
use crate::command::{Failure, Outcome, root};
use crate::glob;

const FILE: &str = "benches/bounds.json";

/// All bounds, and what is always checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bounds {
    /// The first that matches counts.
    bounds: Vec<Bound>,
    small_set: Vec<Small>,
}

/// How large the ratio of instructions may be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bound {
    /// A glob of the scenarios that it holds for.
    pub(crate) pattern: String,
    /// The only backend that it holds for. Such a bound is an exception.
    #[serde(default)]
    pub(crate) backend: Option<String>,
    /// The largest ratio that passes; null where there is nothing to hold.
    pub(crate) bound: Option<f64>,
    /// Why it is an exception.
    #[serde(default)]
    pub(crate) because: Option<String>,
}

/// What is checked of one backend each time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Small {
    backend: String,
    ids: Vec<String>,
}

impl Bounds {
    /// Reads the file in the repository.
    pub(crate) fn load() -> Outcome<Self> {
        let text = fs::read_to_string(root().join(FILE))
            .map_err(|error| Failure::new(format!("cannot read {FILE}: {error}")))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Outcome<Self> {
        let bounds: Self =
            serde_json::from_str(text).map_err(|error| Failure::new(format!("{FILE}: {error}")))?;
        for bound in &bounds.bounds {
            let pattern = &bound.pattern;
            if bound.bound.is_some_and(|bound| bound < 1.0) {
                return Err(Failure::new(format!(
                    "{FILE}: the bound of {pattern} is below 1"
                )));
            }
            let exception = bound.backend.is_some() || bound.bound.is_none();
            if exception && bound.because.is_none() {
                return Err(Failure::new(format!(
                    "{FILE}: {pattern} is an exception and does not say why"
                )));
            }
        }
        Ok(bounds)
    }

    /// The bound of this pair.
    pub(crate) fn find(&self, id: &str, backend: &str) -> Option<&Bound> {
        self.bounds.iter().find(|bound| {
            glob::matches(&bound.pattern, id)
                && bound.backend.as_deref().is_none_or(|only| only == backend)
        })
    }

    /// The largest ratio that passes for this pair, where there is one.
    pub(crate) fn limit(&self, id: &str, backend: &str) -> Option<f64> {
        self.find(id, backend)?.bound
    }

    /// The pairs that are checked each time.
    pub(crate) fn small_set(&self) -> Vec<Pair> {
        let pairs = self.small_set.iter().flat_map(|small| {
            small.ids.iter().map(|id| Pair {
                id: id.clone(),
                backend: small.backend.clone(),
            })
        });
        pairs.collect()
    }

    /// The bound of each result. A result without one is a failure: nothing
    /// goes unchecked.
    pub(crate) fn judge<'a>(&'a self, results: &'a [Measurement]) -> Outcome<Vec<Verdict<'a>>> {
        let verdict = |result: &'a Measurement| {
            let bound = self
                .find(&result.id, &result.backend)
                .ok_or_else(|| Failure::new(format!("{FILE} has no bound for {}", result.id)))?;
            Ok(Verdict { result, bound })
        };
        results.iter().map(verdict).collect()
    }
}

/// A result and its bound.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    pub(crate) result: &'a Measurement,
    pub(crate) bound: &'a Bound,
}

impl Verdict<'_> {
    /// A result without a ratio does not pass: raw had no instructions, so
    /// nothing was measured.
    pub(crate) fn passes(&self) -> bool {
        match self.bound.bound {
            Some(bound) => self.result.ratio.is_some_and(|ratio| ratio <= bound),
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::measurement::tests::sample;

    const FILE: &str = r#"{
        "bounds": [
            { "pattern": "send/*/64", "backend": "openssl", "bound": 1.2, "because": "it must" },
            { "pattern": "send/*/64", "bound": 1.05 },
            { "pattern": "send/*", "bound": 1.02 }
        ],
        "small_set": [{ "backend": "rustls", "ids": ["send/a/64", "send/a/1024"] }]
    }"#;

    fn bound(id: &str, backend: &str) -> Option<f64> {
        let bounds = Bounds::parse(FILE).unwrap();
        bounds.limit(id, backend)
    }

    #[test]
    fn the_first_bound_that_matches_counts() {
        assert_eq!(bound("send/a/64", "openssl"), Some(1.2));
        assert_eq!(bound("send/a/64", "rustls"), Some(1.05));
        assert_eq!(bound("send/a/1024", "openssl"), Some(1.02));
        assert_eq!(bound("receive/a/64", "openssl"), None);
    }

    #[test]
    fn a_result_without_a_bound_is_a_failure() {
        let bounds = Bounds::parse(FILE).unwrap();
        let results = [
            sample("send/a/64", "rustls", 105.0, 100.0),
            sample("send/a/64", "rustls", 105.1, 100.0),
            sample("send/a/64", "rustls", 1.0, 0.0),
        ];
        let passes: Vec<bool> = bounds
            .judge(&results)
            .unwrap()
            .iter()
            .map(Verdict::passes)
            .collect();
        assert_eq!(passes, [true, false, false]);
        let unknown = [sample("walk", "rustls", 1.0, 1.0)];
        let failure = bounds.judge(&unknown).unwrap_err().to_string();
        assert!(failure.ends_with("has no bound for walk"), "{failure}");
    }

    #[test]
    fn what_is_named_as_unbounded_passes() {
        let text = FILE.replace("1.2,", "null,");
        let bounds = Bounds::parse(&text).unwrap();
        let results = [sample("send/a/64", "openssl", 9.0, 1.0)];
        assert!(bounds.judge(&results).unwrap()[0].passes());
    }

    #[test]
    fn an_exception_without_a_reason_is_refused() {
        let silent = FILE.replace(r#", "because": "it must""#, "");
        assert!(Bounds::parse(&silent).is_err());
        assert!(Bounds::parse(&FILE.replace("1.05", "0.5")).is_err());
        assert!(Bounds::parse(&FILE.replace("1.05", "null")).is_err());
        assert!(Bounds::parse(&FILE.replace("small_set", "set")).is_err());
    }

    #[test]
    fn the_file_in_the_repository_bounds_all_that_is_always_checked() {
        let bounds = Bounds::load().unwrap();
        let pairs = bounds.small_set();
        for backend in ["rustls", "openssl", "boring", "native-tls"] {
            assert!(
                pairs.iter().any(|pair| pair.backend == backend),
                "{backend}"
            );
        }
        for pair in pairs {
            assert!(bounds.limit(&pair.id, &pair.backend).is_some(), "{pair}");
        }
    }
}
