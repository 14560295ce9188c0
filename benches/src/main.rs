//! Runs the benchmarks; see the library of the same name.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use backend_bench::about::About;
use backend_bench::idle::Idle;
use backend_bench::library::Outcome;
use backend_bench::meter::Meter;
use backend_bench::scenario::{self, Kind, Scenario};
use backend_bench::wall::Effort;
use backend_bench::{calls, heap, idle, soak, wall};
use clap::{Parser, Subcommand, ValueEnum};
use serde::Serialize;

/// Each backend of polytls beside the same library used directly
///
/// A result is one JSON object a line on the standard output; what is being
/// measured goes to standard error.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Lists the scenarios: an id and a backend a line
    List {
        #[command(flatten)]
        choice: Choice,
        /// Lists those of `heap` instead, which the other commands do not have
        #[arg(long)]
        heap: bool,
        /// Lists those of `idle` instead, which the other commands do not have
        #[arg(long, conflicts_with = "heap")]
        idle: bool,
    },
    /// Measures time, the two sides of a pair by turns
    Wall {
        #[command(flatten)]
        choice: Choice,
        /// Fewer and shorter rounds
        #[arg(long)]
        quick: bool,
    },
    /// Measures the heap of a connection
    Heap {
        #[command(flatten)]
        choice: Choice,
        /// How many connections to hold at once
        #[arg(long, default_value_t = 10_000)]
        connections: usize,
    },
    /// Measures what a server computes while nothing happens
    Idle {
        #[command(flatten)]
        choice: Choice,
        /// How many connections to hold at once
        #[arg(long, default_value_t = 5_000)]
        connections: usize,
        /// For how many seconds
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
        seconds: u64,
    },
    /// Counts reads and writes of the transport
    Calls {
        #[command(flatten)]
        choice: Choice,
    },
    /// Does one side of a pair so many times, for callgrind to look at
    Run {
        /// The scenario
        id: String,
        /// The backend
        #[arg(value_parser = scenario::BACKENDS)]
        backend: String,
        /// The side
        side: Side,
        /// How many times
        count: usize,
    },
    /// Tells the libraries and the machine, as one JSON object
    About,
    /// Tries an event loop with crowds of connections, idle and hostile ones
    Soak(soak::Options),
    /// Plays the clients of `soak`, as the standard input orders
    #[command(name = soak::clients::COMMAND, hide = true)]
    SoakClients {
        /// The backend
        #[arg(value_parser = soak::BACKENDS)]
        backend: String,
    },
}

/// Which scenarios.
#[derive(clap::Args)]
struct Choice {
    /// Only ids that contain this
    #[arg(long, default_value = "")]
    filter: String,
    /// Only this backend
    #[arg(long, value_parser = scenario::BACKENDS)]
    backend: Option<String>,
}

impl Choice {
    fn takes(&self, id: &str, backend: &str) -> bool {
        id.contains(&self.filter) && self.backend.as_ref().is_none_or(|one| one == backend)
    }

    fn scenarios(&self) -> Vec<Scenario> {
        let mut chosen = match &self.backend {
            Some(backend) => scenario::of(backend),
            None => scenario::all(),
        };
        chosen.retain(|scenario| self.takes(&scenario.id, scenario.backend));
        chosen
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Side {
    Ours,
    Raw,
}

fn main() -> ExitCode {
    match run(Args::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("backend-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Outcome<()> {
    match command {
        Command::List {
            choice, idle: true, ..
        } => {
            for idle in idle::all() {
                if choice.takes(Idle::ID, idle.backend) {
                    line(format_args!("{} {}", Idle::ID, idle.backend))?;
                }
            }
        }
        Command::List {
            choice, heap: true, ..
        } => {
            for heap in heap::all() {
                if choice.takes(&heap.id, heap.backend) {
                    line(format_args!("{} {}", heap.id, heap.backend))?;
                }
            }
        }
        Command::List { choice, .. } => {
            for scenario in choice.scenarios() {
                line(format_args!("{} {}", scenario.id, scenario.backend))?;
            }
        }
        Command::Wall { choice, quick } => {
            let effort = if quick { Effort::QUICK } else { Effort::FULL };
            for scenario in choice.scenarios() {
                eprintln!("wall {} {}", scenario.id, scenario.backend);
                wall::measure(&scenario, effort)?
                    .iter()
                    .try_for_each(json)?;
            }
        }
        Command::Heap {
            choice,
            connections,
        } => {
            for heap in heap::all() {
                if choice.takes(&heap.id, heap.backend) {
                    eprintln!("heap {} {}", heap.id, heap.backend);
                    json(&heap.measure(connections)?)?;
                }
            }
        }
        Command::Idle {
            choice,
            connections,
            seconds,
        } => {
            for idle in idle::all() {
                if choice.takes(Idle::ID, idle.backend) {
                    eprintln!("idle {} {}", Idle::ID, idle.backend);
                    json(&idle.measure(connections, Duration::from_secs(seconds))?)?;
                }
            }
        }
        Command::Calls { choice } => {
            for scenario in choice.scenarios() {
                eprintln!("calls {} {}", scenario.id, scenario.backend);
                calls::measure(&scenario)?.iter().try_for_each(json)?;
            }
        }
        Command::Run {
            id,
            backend,
            side,
            count,
        } => {
            let mut scenarios = scenario::of(&backend).into_iter();
            let scenario = scenarios.find(|scenario| scenario.id == id);
            let scenario = scenario.ok_or_else(|| format!("there is no {id} on {backend}"))?;
            let mut bench = scenario.bench(match side {
                Side::Ours => Kind::Ours,
                Side::Raw => Kind::Raw,
            })?;
            bench.run(WARM_UP, &mut Meter::idle())?;
            bench.run(count, &mut Meter::new())?;
        }
        Command::About => json(&About::here())?,
        Command::Soak(options) => soak::run(&options)?,
        Command::SoakClients { backend } => soak::clients::play(&backend)?,
    }
    Ok(())
}

/// How many operations go before those that are measured: what a library does
/// once is not theirs.
const WARM_UP: usize = 20;

fn json(value: &impl Serialize) -> Outcome<()> {
    line(format_args!("{}", serde_json::to_string(value)?))
}

/// A reader that has seen enough is a failure and no panic.
fn line(text: std::fmt::Arguments<'_>) -> Outcome<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
