//! What the machine says.

use std::collections::BTreeMap;

use crate::command::{Failure, Outcome};
use crate::report::Tally;

/// The marks that the machine puts before what is meant for us.
pub(crate) const KERNEL: &str = "ktls: kernel ";
pub(crate) const COUNTERS: &str = "ktls: counters";
pub(crate) const ENDED: &str = "ktls: ended with ";

/// The counters of the kernel that tell who made the records.
const MADE: [&str; 2] = ["TlsTxSw", "TlsRxSw"];

/// Reads the machine's words, line by line.
#[derive(Debug, Default)]
pub(crate) struct Console {
    /// How many runs of test programs there are to be.
    runs: usize,
    kernel: String,
    /// The counters, before and behind the tests.
    counters: Vec<BTreeMap<String, u64>>,
    /// How each run ended.
    ended: Vec<String>,
    tally: Tally,
}

impl Console {
    /// Of a machine that runs test programs so many times.
    pub(crate) fn new(runs: usize) -> Self {
        Self {
            runs,
            ..Self::default()
        }
    }

    pub(crate) fn read(&mut self, line: &str) {
        let line = line.trim_end();
        if let Some(kernel) = line.strip_prefix(KERNEL) {
            kernel.clone_into(&mut self.kernel);
        } else if line == COUNTERS {
            self.counters.push(BTreeMap::new());
        } else if let Some(code) = line.strip_prefix(ENDED) {
            self.ended.push(code.to_owned());
        } else if let Some(counters) = self.counters.last_mut()
            && let Some((name, value)) = counter(line)
        {
            counters.insert(name.to_owned(), value);
        }
        self.tally.read(line);
    }

    /// Fails unless all of them ran, passed, and had the kernel make records.
    pub(crate) fn judge(&self) -> Outcome<String> {
        if self.kernel.is_empty() {
            return Err(Failure::new("the machine did not start"));
        }
        if self.ended.len() < self.runs {
            return Err(Failure::new("the machine was stopped amid the tests"));
        }
        if self.ended.iter().any(|code| code != "0") {
            return Err(Failure::new("tests failed in the machine"));
        }
        let passed = self.tally.judge()?;
        let [before, behind] = &self.counters[..] else {
            return Err(Failure::new("the machine does not tell its counters"));
        };
        let mut made = Vec::new();
        for name in MADE {
            let count = |counters: &BTreeMap<_, _>| counters.get(name).copied().unwrap_or(0);
            let rise = count(behind).saturating_sub(count(before));
            if rise == 0 {
                return Err(Failure::new(format!(
                    "the kernel made no records: its counter {name} did not rise"
                )));
            }
            made.push(format!("{name} +{rise}"));
        }
        let (kernel, made) = (&self.kernel, made.join(", "));
        Ok(format!("{passed}; Linux {kernel}, {made}"))
    }
}

/// A line of `/proc/net/tls_stat`.
fn counter(line: &str) -> Option<(&str, u64)> {
    let mut words = line.split_ascii_whitespace();
    let (name, value) = (words.next()?, words.next()?);
    let is_one = name.starts_with("Tls") && words.next().is_none();
    Some((name, value.parse().ok()?)).filter(|_| is_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run in which all goes well, but for one line.
    fn judged(other: &str, instead: &str) -> Outcome<String> {
        let words = "ktls: kernel 6.1.0\r\nktls: counters\r\nTlsTxSw \t0\nTlsRxSw 1\n\
                     test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
                     ktls: ended with 0\n\
                     test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
                     ktls: ended with 0\nktls: counters\nTlsTxSw 12\nTlsRxSw 13\n";
        let mut console = Console::new(2);
        for line in words.replace(other, instead).lines() {
            console.read(line);
        }
        console.judge()
    }

    #[test]
    fn a_run_is_summed_up() {
        let line = judged("", "").unwrap();
        assert!(
            line.ends_with("Linux 6.1.0, TlsTxSw +12, TlsRxSw +12"),
            "{line}"
        );
        assert!(line.starts_with('7'), "{line}");
    }

    #[test]
    fn whatever_is_missing_or_wrong_is_a_failure() {
        for (other, instead, why) in [
            ("ktls: kernel 6.1.0", "", "did not start"),
            ("ktls: ended with 0\nktls: c", "ktls: c", "amid"),
            ("ended with 0\nktls", "ended with 101\nktls", "failed"),
            ("TlsRxSw 13", "TlsRxSw 1", "TlsRxSw did not rise"),
            ("TlsTxSw 12", "", "TlsTxSw did not rise"),
            ("ktls: counters\nTlsTxSw 12", "", "counters"),
        ] {
            let failure = judged(other, instead).unwrap_err().to_string();
            assert!(failure.contains(why), "{instead}: {failure}");
        }
    }
}
