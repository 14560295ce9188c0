//! A run: what was measured, where and when; as it is kept in a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::bench::measurement::Measurement;
use crate::command::{Failure, Invocation, Outcome};

/// All results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// When it was begun, UTC, as in `2026-11-24T20:15:00Z`.
    pub(crate) date: String,
    /// What was measured, as git names it; empty where there is no git.
    pub(crate) commit: String,
    pub(crate) about: About,
    pub(crate) results: Vec<Measurement>,
}

/// What the results depend on: `backend-bench about` prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    /// The library behind each backend.
    pub(crate) backends: BTreeMap<String, String>,
    pub(crate) rustc: String,
    pub(crate) cpu: String,
    pub(crate) cores: u32,
    pub(crate) kernel: String,
}

impl About {
    /// Reads what the program printed.
    pub(crate) fn parse(source: &str, text: &str) -> Outcome<Self> {
        serde_json::from_str(text).map_err(|error| {
            Failure::new(format!(
                "`{source}` wrote something else: {error}\n\n    {text}\n"
            ))
        })
    }
}

impl Run {
    /// A run that begins now and has no results yet.
    pub(crate) fn begin(about: About) -> Outcome<Self> {
        let date = Invocation::parse("date -u +%Y-%m-%dT%H:%M:%SZ").read()?;
        let commit = Invocation::parse("git describe --always --dirty").read();
        Ok(Self {
            date: date.trim().to_owned(),
            commit: commit.unwrap_or_default().trim().to_owned(),
            about,
            results: Vec::new(),
        })
    }

    /// Reads a file.
    pub(crate) fn load(file: &Path) -> Outcome<Self> {
        let shown = file.display();
        let text = fs::read_to_string(file)
            .map_err(|error| Failure::new(format!("cannot read {shown}: {error}")))?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::new(format!("{shown} is no saved run: {error}")))
    }

    /// Writes a file.
    pub(crate) fn save(&self, file: &Path) -> Outcome {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Failure::new(format!("cannot write the run: {error}")))?;
        write(file, &text)
    }

    /// Adds results; one that is there already is replaced.
    pub(crate) fn add(&mut self, results: Vec<Measurement>) {
        for result in results {
            let same = |old: &&mut Measurement| {
                old.id == result.id
                    && old.backend == result.backend
                    && old.instrument == result.instrument
            };
            match self.results.iter_mut().find(same) {
                Some(old) => *old = result,
                None => self.results.push(result),
            }
        }
    }

    /// The results of several files as one run. What is in two of them is
    /// taken from the later.
    pub(crate) fn merged<P: AsRef<Path>>(files: &[P]) -> Outcome<Self> {
        let mut runs = files.iter().map(|file| Self::load(file.as_ref()));
        let mut merged = runs
            .next()
            .unwrap_or_else(|| Err(Failure::new("no saved run is named")))?;
        for run in runs {
            let run = run?;
            if run.about != merged.about {
                println!(
                    "note: the run of {} was on another machine or of other versions",
                    run.date
                );
            }
            merged.date = run.date;
            merged.commit = run.commit;
            merged.about.backends.extend(run.about.backends);
            merged.add(run.results);
        }
        Ok(merged)
    }

    /// A name for its file, made of the date.
    pub(crate) fn name(&self) -> String {
        let kept = |c: &char| c.is_ascii_digit() || *c == 'T';
        self.date.chars().filter(kept).collect()
    }
}

/// Writes a file, and the folders above it where they are missing.
pub(crate) fn write(file: &Path, text: &str) -> Outcome {
    let written = file
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(file, text));
    let shown = file.display();
    written.map_err(|error| Failure::new(format!("cannot write {shown}: {error}")))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::bench::measurement::tests::{sample, timed};

    /// A run with these results.
    pub(crate) fn run(results: Vec<Measurement>) -> Run {
        Run {
            date: "2026-11-24T20:15:00Z".to_owned(),
            commit: "abc1234".to_owned(),
            about: About {
                backends: [("openssl".to_owned(), "OpenSSL 3.6".to_owned())].into(),
                cpu: "a processor".to_owned(),
                ..About::default()
            },
            results,
        }
    }

    #[test]
    fn a_run_is_read_back_as_it_was_written() {
        let before = run(vec![
            sample("a", "openssl", 2.0, 0.0),
            timed("a", "openssl", 1.0, 0.9, 1.1),
        ]);
        let folder = std::env::temp_dir().join(format!("xtask-saved-{}", std::process::id()));
        let file = folder.join("deep/run.json");
        before.save(&file).unwrap();
        let after = Run::merged(&[&file, &file]).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(after.results, before.results);
        assert_eq!(after.about, before.about);
        assert_eq!(after.name(), "20261124T201500");
    }

    #[test]
    fn a_later_result_replaces_an_earlier_one() {
        let mut run = run(vec![sample("a", "openssl", 2.0, 1.0)]);
        run.add(vec![
            sample("a", "openssl", 3.0, 1.0),
            sample("a", "boring", 4.0, 1.0),
            timed("a", "openssl", 1.0, 0.9, 1.1),
        ]);
        let ours: Vec<f64> = run.results.iter().map(|result| result.ours).collect();
        assert_eq!(ours, [3.0, 4.0, 1000.0]);
    }

    #[test]
    fn a_file_that_is_no_run_is_named() {
        let failure = Run::load(Path::new("no/such/file")).unwrap_err();
        assert!(failure.to_string().starts_with("cannot read no/such/file"));
        assert!(Run::merged::<&Path>(&[]).is_err());
        let failure = About::parse("backend-bench about", "{}").unwrap_err();
        assert!(failure.to_string().contains("missing field"), "{failure}");
    }
}
