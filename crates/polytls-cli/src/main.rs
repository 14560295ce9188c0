//! The `polytls` command.

mod access;
mod args;
mod backends;
mod connect;
mod demo;
mod describe;
mod door;
mod failure;
mod log;
mod pki;
mod proxy;
mod serve;
mod settings;
mod signals;
mod style;
mod watched;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let done = match args::Cli::parse().command {
        args::Command::Backends(args) => backends::run(&args),
        args::Command::Connect(args) => connect::run(&args),
        args::Command::Serve(args) => serve::run(&args),
        args::Command::Proxy(args) => proxy::run(&args),
        args::Command::Demo(args) => demo::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
