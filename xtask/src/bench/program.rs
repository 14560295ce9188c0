//! The program that measures: `backend-bench`, built and run.

use std::fs;
use std::path::{Path, PathBuf};

use crate::bench::measurement::{Instrument, Measurement, Pair, parse_lines, parse_pairs};
use crate::bench::saved::About;
use crate::command::{Invocation, Outcome, cargo};
use crate::metadata;

/// On some processors the C library copies up to three times slower above a
/// size that differs from run to run; this keeps it on one way of copying.
const TUNABLES: (&str, &str) = (
    "GLIBC_TUNABLES",
    "glibc.cpu.x86_rep_movsb_threshold=10000000",
);

/// The built program.
#[derive(Debug)]
pub(crate) struct Program {
    path: String,
    folder: PathBuf,
}

/// What is measured.
#[derive(Debug, Default)]
pub(crate) struct Selection<'a> {
    /// Scenarios whose id has this in it.
    pub(crate) filter: Option<&'a str>,
    pub(crate) backend: Option<&'a str>,
    /// Fewer rounds.
    pub(crate) quick: bool,
}

impl Program {
    /// Builds it as it would be shipped.
    pub(crate) fn build() -> Outcome<Self> {
        cargo("build --release --package backend-bench").run()?;
        let target = metadata::target()?;
        let path = target.join("release/backend-bench").display().to_string();
        let folder = target.join("bench");
        Ok(Self { path, folder })
    }

    /// Where results go when nothing else is said.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it can measure.
    pub(crate) fn list(&self, selection: &Selection<'_>) -> Outcome<Vec<Pair>> {
        let mut list = self.invocation("list");
        if let Some(filter) = selection.filter {
            list = list.and("--filter").and_word(filter);
        }
        let mut pairs = parse_pairs(&list.to_string(), &list.read()?)?;
        pairs.retain(|pair| selection.backend.is_none_or(|only| only == pair.backend));
        Ok(pairs)
    }

    /// What results depend on.
    pub(crate) fn about(&self) -> Outcome<About> {
        let about = self.invocation("about");
        About::parse(&about.to_string(), &about.read()?)
    }

    /// Measures with an instrument of its own, on one core.
    pub(crate) fn measure(
        &self,
        instrument: Instrument,
        selection: &Selection<'_>,
    ) -> Outcome<Vec<Measurement>> {
        let measure = selection.narrow(pinned(self.invocation(&instrument.to_string())));
        let measure = match instrument {
            Instrument::Wall if selection.quick => measure.and("--quick"),
            Instrument::Heap if selection.quick => measure.and("--connections 500"),
            Instrument::Idle if selection.quick => measure.and("--connections 500 --seconds 1"),
            _ => measure,
        };
        println!("$ {measure}");
        parse_lines(&measure.to_string(), &measure.read()?)
    }

    /// A scenario so many times under a tool that runs programs.
    pub(crate) fn run_under(
        &self,
        tool: Invocation,
        pair: &Pair,
        subject: &str,
        count: u32,
    ) -> Invocation {
        let Pair { id, backend } = pair;
        let (name, value) = TUNABLES;
        tool.with(name, value)
            .and_word(&self.path)
            .and(&format!("run {id} {backend} {subject} {count}"))
    }

    fn invocation(&self, command: &str) -> Invocation {
        let (name, value) = TUNABLES;
        Invocation::new([self.path.as_str(), command]).with(name, value)
    }
}

impl Selection<'_> {
    fn narrow(&self, mut command: Invocation) -> Invocation {
        for (option, value) in [("--filter", self.filter), ("--backend", self.backend)] {
            if let Some(value) = value {
                command = command.and(option).and_word(value);
            }
        }
        command
    }
}

/// The command on the last of the cores that we may use, where that can be
/// had: a program that moves between cores measures its cold caches.
fn pinned(command: Invocation) -> Invocation {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let Some(core) = last_core(&status) else {
        return command;
    };
    if Invocation::parse("taskset --version").succeeds() {
        command.under(&format!("taskset --cpu-list {core}"))
    } else {
        command
    }
}

/// The last core in a line such as `Cpus_allowed_list: 0-3,6`.
fn last_core(status: &str) -> Option<u32> {
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    list.trim().rsplit([',', '-']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_core_that_may_be_used_is_found() {
        let status = |list: &str| format!("Name:\tx\nCpus_allowed_list:\t{list}\nMems:\t0\n");
        for (list, core) in [("0", 0), ("0-1", 1), ("0-3,6", 6), ("2,4-11", 11)] {
            assert_eq!(last_core(&status(list)), Some(core), "{list}");
        }
        assert_eq!(last_core(&status("")), None);
        assert_eq!(last_core(""), None);
    }

    #[test]
    fn a_filter_stays_one_word() {
        let selection = Selection {
            filter: Some("a b"),
            backend: Some("rustls"),
            quick: false,
        };
        let command = selection.narrow(Invocation::parse("x list"));
        assert_eq!(
            command.to_string(),
            "x list --filter 'a b' --backend rustls"
        );
    }
}
