//! The `polytls` command.

mod args;
mod backends;
mod connect;
mod demo;
mod describe;
mod failure;
mod http;
mod pki;
mod serve;
mod settings;
mod style;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let done = match args::Cli::parse().command {
        args::Command::Backends(args) => backends::run(&args),
        args::Command::Connect(args) => connect::run(&args),
        args::Command::Serve(args) => serve::run(&args),
        args::Command::Demo(args) => demo::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
