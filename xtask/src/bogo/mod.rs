//! `cargo xtask bogo`: BoringSSL's protocol tests against every backend.

mod compare;
mod expectations;
mod play;
mod results;
mod runner;

use std::time::Instant;

use clap::Args;

use crate::bogo::expectations::Expectations;
use crate::bogo::play::Play;
use crate::bogo::results::{Class, Results, Tally};
use crate::bogo::runner::Runner;
use crate::command::{Failure, Outcome, cargo};

/// What is run.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Only this backend, in a build with it alone
    #[arg(long)]
    backend: Option<String>,
    /// Only the tests that match this glob, or one of several between semicolons
    #[arg(long)]
    filter: Option<String>,
    /// Run the disabled tests too, and say which of them pass
    #[arg(long)]
    include_disabled: bool,
    /// Say where the same test ends in another error on another backend
    #[arg(long)]
    compare: bool,
}

/// A backend, and the features of a build with it alone. OpenSSL is the one
/// that is built from source, because the figures hold for one version.
const BACKENDS: &[(&str, &str)] = &[
    ("rustls", "rustls"),
    ("openssl", "openssl-vendored"),
    ("boring", "boring"),
    ("native-tls", "native-tls-vendored"),
];

/// Runs the tests and fails where they are not as the expectations say.
/// Answers the figures in a line.
pub(crate) fn run(options: &Options) -> Outcome<String> {
    let backends = chosen(options)?;
    let runner = Runner::build()?;
    let shim = shim(&runner, options)?;
    let census = runner.census(&shim)?;
    let census = match &options.filter {
        Some(filter) => census.only(filter),
        None => census,
    };
    let play = Play::new(&runner, &shim, options.filter.as_deref());
    if options.compare {
        compare::print(&play, &backends)?;
        return Ok("compared".to_owned());
    }
    let mut lines = Vec::new();
    let mut wrong = Vec::new();
    for backend in &backends {
        let started = Instant::now();
        let expectations = Expectations::load(backend)?;
        let results = play.run(backend, &expectations.config(), options.include_disabled)?;
        let tally = Tally::new(&census, &expectations, &results);
        let took = started.elapsed().as_secs();
        println!("{backend}: {tally} ({took} s)");
        let mut found = unexpected(&results, options, &expectations);
        if options.include_disabled {
            passing(&results, &expectations);
        } else if options.filter.is_none() {
            found.extend(expectations.idle(&census));
            found.extend(expectations.other_counts(&tally));
        }
        for line in &found {
            println!("  {line}");
        }
        if !found.is_empty() {
            wrong.push(*backend);
        }
        lines.push(format!("{backend} {tally}"));
    }
    if wrong.is_empty() {
        return Ok(lines.join("; "));
    }
    let wrong = wrong.join(", ");
    let folder = runner.folder().display();
    Err(Failure::new(format!(
        "not as expected: {wrong}; what the runner said is in {folder}"
    )))
}

fn chosen(options: &Options) -> Outcome<Vec<&'static str>> {
    let wanted = |name: &&str| options.backend.as_deref().is_none_or(|only| only == *name);
    let names: Vec<&str> = BACKENDS
        .iter()
        .map(|(name, _)| *name)
        .filter(wanted)
        .collect();
    if names.is_empty() {
        let all: Vec<&str> = BACKENDS.iter().map(|(name, _)| *name).collect();
        let all = all.join(", ");
        return Err(Failure::new(format!("no such backend; there are {all}")));
    }
    Ok(names)
}

/// Builds the shim and answers where it is.
fn shim(runner: &Runner, options: &Options) -> Outcome<String> {
    let build = cargo("build --package bogo");
    let build = match &options.backend {
        None => build,
        Some(only) => {
            let features = BACKENDS.iter().find(|(name, _)| name == only);
            let features = features.map_or(only.as_str(), |(_, features)| features);
            build.and(&format!("--no-default-features --features {features}"))
        }
    };
    build.run()?;
    Ok(runner
        .target()
        .join("debug/bogo-shim")
        .display()
        .to_string())
}

/// Tests that failed although nothing says that they do.
fn unexpected(results: &Results, options: &Options, expectations: &Expectations) -> Vec<String> {
    let known = |name: &str| options.include_disabled && expectations.disables(name).is_some();
    results
        .failed()
        .filter(|(name, _)| !known(name))
        .map(|(name, why)| format!("FAILED {name}: {why}"))
        .collect()
}

/// Says which disabled tests pass.
fn passing(results: &Results, expectations: &Expectations) {
    for name in results.passed() {
        if let Some((class, reason)) = expectations.disables(name) {
            println!(
                "  passes although disabled ({}): {name}: {reason}",
                Class::name(class)
            );
        }
    }
}
