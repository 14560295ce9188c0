//! The project's own commands; `cargo xtask help` lists them.

mod bench;
mod bogo;
mod command;
mod features;
mod glob;
mod ktls;
mod lint;
mod metadata;
mod readme;
mod report;
mod sanitize;
mod setup;
mod soak;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::command::{Outcome, cargo};
use crate::report::Report;

/// The project's own commands
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Xtask,
}

#[derive(Subcommand)]
enum Xtask {
    /// Install the system packages that a build and the tests need
    Setup {
        /// Say what is missing and install nothing
        #[arg(long)]
        check: bool,
    },
    /// Setup, then a demonstration: every backend talks to every other
    Demo,
    /// Test every combination of features that must work
    Test {
        /// Only test everything together, with the default features
        #[arg(long)]
        quick: bool,
    },
    /// Run BoringSSL's protocol tests against the backends
    Bogo(bogo::Options),
    /// Test kernel TLS in a virtual machine whose kernel has it
    Ktls(ktls::Options),
    /// Measure each backend beside the same library used directly
    Bench(bench::Options),
    /// Put crowds of connections on one event loop, idle and hostile ones
    Soak(soak::Options),
    /// Check formatting, clippy, documentation and the project's own rules
    Lint,
    /// Setup, lint, then test: what CI runs
    Ci,
    /// Write the table of capabilities in README.md and the guide
    Readme,
    /// Run the unit tests around the unsafe code of tls-core under Miri
    Miri,
    /// Run the unit tests of tls-core and tls-openssl under AddressSanitizer
    Asan,
}

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn run(command: &Xtask) -> Outcome {
    match command {
        Xtask::Setup { check: true } => setup::check(),
        Xtask::Setup { check: false } => setup::install(),
        Xtask::Demo => {
            setup::install()?;
            cargo("run --package polytls-cli --features all-backends -- demo").run()
        }
        Xtask::Test { quick: true } => Report::around(|report| {
            test::setup(report)?;
            test::together(report)
        }),
        Xtask::Test { quick: false } => Report::around(|report| {
            test::setup(report)?;
            test::everything(report)
        }),
        Xtask::Bogo(options) => bogo::run(options).map(drop),
        Xtask::Ktls(options) => {
            println!("{}", ktls::run(options)?);
            Ok(())
        }
        Xtask::Bench(options) => bench::run(options).map(drop),
        Xtask::Soak(options) => soak::run(options).map(drop),
        Xtask::Lint => Report::around(lint::everything),
        Xtask::Ci => Report::around(|report| {
            test::setup(report)?;
            lint::everything(report)?;
            test::everything(report)
        }),
        Xtask::Readme => readme::write(),
        Xtask::Miri => sanitize::miri().map(drop),
        Xtask::Asan => sanitize::asan().map(drop),
    }
}
