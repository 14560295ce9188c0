//! `cargo xtask soak`: crowds of connections on one event loop, on every
//! backend.

use clap::Args;

use crate::command::{Failure, Invocation, Outcome, cargo};
use crate::metadata;

/// What is tried. What is left out is as the program itself has it.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Only this backend
    #[arg(long)]
    backend: Option<String>,
    /// How many connections are idle at once, instead of 10,000
    #[arg(long)]
    connections: Option<u32>,
    /// How long they are idle, in seconds, instead of 30
    #[arg(long, value_name = "SECONDS")]
    idle: Option<u32>,
    /// How many handshakes are begun at once, instead of 1,000; one in ten by a
    /// hostile client
    #[arg(long)]
    handshakes: Option<u32>,
    /// What decides who is hostile, and how
    #[arg(long)]
    seed: Option<u64>,
    /// Take the build of the tests, which is not optimised
    #[arg(long)]
    debug: bool,
}

/// A small fixed crowd, most of whose time is waiting. It takes the build of
/// the tests, so that no library is built for it.
pub(crate) fn sample() -> Outcome<String> {
    run(&Options {
        connections: Some(300),
        idle: Some(3),
        handshakes: Some(200),
        debug: true,
        ..Options::default()
    })
}

/// Tries the crowds. Answers how many backends passed in a line.
pub(crate) fn run(options: &Options) -> Outcome<String> {
    let (build, profile) = match options.debug {
        // The features are those of the whole workspace, as in its tests.
        true => ("build --workspace --bin backend-bench", "debug"),
        false => ("build --release --package backend-bench", "release"),
    };
    cargo(build).run()?;
    let program = metadata::target()?.join(profile).join("backend-bench");
    let soak = options.order(&program.display().to_string());
    let mut passed = Vec::new();
    soak.run_reading(|line| passed.extend(passed_in(line)))?;
    match passed.as_slice() {
        [] => Err(Failure::new(format!(
            "`{soak}` says of no backend that it passed"
        ))),
        some => Ok(some.join(", ")),
    }
}

impl Options {
    fn order(&self, program: &str) -> Invocation {
        let mut order = Invocation::new([program, "soak"]);
        if let Some(backend) = &self.backend {
            order = order.and("--backend").and_word(backend);
        }
        let numbers = [
            ("--connections", self.connections.map(u64::from)),
            ("--idle", self.idle.map(u64::from)),
            ("--handshakes", self.handshakes.map(u64::from)),
            ("--seed", self.seed),
        ];
        for (option, number) in numbers {
            if let Some(number) = number {
                order = order.and(&format!("{option} {number}"));
            }
        }
        order
    }
}

/// The backend, if the line is that of one that passed.
fn passed_in(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let backend = words.next()?;
    (words.last()? == "passed").then(|| backend.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_is_passed_on() {
        let none = Options::default().order("program");
        assert_eq!(none.to_string(), "program soak");
        let some = Options {
            backend: Some("a b".to_owned()),
            idle: Some(3),
            seed: Some(9),
            ..Options::default()
        };
        assert_eq!(
            some.order("program").to_string(),
            "program soak --backend 'a b' --idle 3 --seed 9"
        );
    }

    #[test]
    fn a_backend_that_failed_is_not_told_as_passed() {
        assert_eq!(passed_in("rustls  300  1.2 %  passed").unwrap(), "rustls");
        for line in [
            "boring  -  FAILED: it has passed away",
            "",
            "backend  outcome",
        ] {
            assert_eq!(passed_in(line), None);
        }
    }
}
