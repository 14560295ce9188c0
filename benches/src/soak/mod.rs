//! Crowds of connections on one event loop: whether it keeps all of them, and
//! what they cost when nothing happens.
//!
//! The loop under test is the server's and has this process for itself, so that
//! memory, descriptors and the thread's processor time are its own; the clients
//! are on a loop of [another process](clients). Two crowds are tried on each
//! backend:
//!
//! - **idle**: so many connections say something, are quiet for a while, say
//!   something again and are closed in order. All of them must be there to the
//!   end, the quiet must cost next to nothing, and nothing may be left.
//! - **storm**: so many clients connect at once, of which a tenth is
//!   [hostile]. Every good one must be served, and each hostile one
//!   must end in the event that is right for what it did.

mod backend;
pub mod clients;
mod faults;
pub mod hostile;
mod message;
mod orders;
mod server;
mod table;

use std::time::Duration;

use clap::Args;
use tls_boring::Boring;
use tls_native::Native;
use tls_openssl::OpenSsl;
use tls_rustls::Rustls;

use crate::library::Outcome;
use crate::limits::make_room;

/// What is tried.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Only this backend
    #[arg(long, value_parser = BACKENDS)]
    backend: Option<String>,
    /// How many connections are idle at once
    #[arg(long, default_value_t = 10_000, value_parser = at_least_one)]
    connections: usize,
    /// How long they are idle, in seconds
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    idle: u64,
    /// How many handshakes are begun at once, one in ten by a hostile client
    #[arg(long, default_value_t = 1_000, value_parser = at_least_one)]
    handshakes: usize,
    /// What decides who is hostile, and how
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// The backends that have a loop.
pub const BACKENDS: [&str; 4] = ["rustls", "openssl", "boring", "native-tls"];

/// So long that only a hang takes it.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a loop has to be quiet to be at rest.
const QUIET: Duration = Duration::from_millis(100);

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it takes one at least".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

/// Tries every backend that was chosen, and prints a table. Fails when one did.
pub fn run(options: &Options) -> Outcome<()> {
    // The clients' process has the same limit, and as many ends.
    make_room(options.connections.max(options.handshakes))?;
    let mut rows = Vec::new();
    for backend in BACKENDS {
        if options
            .backend
            .as_deref()
            .is_none_or(|only| only == backend)
        {
            eprintln!("soak {backend}");
            let tried = match backend {
                "rustls" => backend::soak::<Rustls>(backend, options),
                "openssl" => backend::soak::<OpenSsl>(backend, options),
                "boring" => backend::soak::<Boring>(backend, options),
                _ => backend::soak::<Native>(backend, options),
            };
            rows.push((backend, tried));
        }
    }
    print!("{}", table::of(&rows));
    let failed = rows.iter().filter(|(_, tried)| tried.is_err()).count();
    match failed {
        0 => Ok(()),
        _ => Err(format!("{failed} of {} backends failed", rows.len()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_of_nobody_is_refused() {
        assert_eq!(at_least_one("10000"), Ok(10_000));
        for wrong in ["0", "-1", "many", ""] {
            assert!(at_least_one(wrong).is_err(), "{wrong}");
        }
    }
}
