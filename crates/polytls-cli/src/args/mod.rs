//! The command line.

mod parts;
mod proxy;
mod serve;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use parts::{ClientAuth, ClientSide, LogFormat, Protocol, Running, ServerSide};
use parts::{TLS, TOWARDS_THE_SERVER};
pub(crate) use proxy::Proxy;
pub(crate) use serve::{Runtime, Serve};

/// Talk TLS through any of several TLS libraries, with one set of options.
#[derive(Debug, Parser)]
#[command(
    name = "polytls",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = EXIT_CODES
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
   0  done
   1  something else failed
   2  the command line is wrong
   3  a setting is wrong, whatever the backend
   4  the backend does not support a setting
   5  the network or a file failed
   6  a deadline passed
   7  the peer's certificate was refused
   8  the peer refused us with an alert
   9  the peer shares no version, suite, group or protocol with us
  10  the peer broke the protocol, or does not speak TLS
  11  the connection ended without close_notify: data may be missing
  12  the TLS library failed";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the backends of this build and what each can do
    Backends(Backends),
    /// Connect to HOST:PORT, show what was negotiated, and pipe stdin and stdout
    Connect(Box<Connect>),
    /// Serve a folder over HTTPS, or echo what clients send
    Serve(Box<Serve>),
    /// Pass connections on to another server, with TLS taken off or put on
    Proxy(Box<Proxy>),
    /// Let every backend talk to every other over loopback, and show the facts
    Demo(Demo),
}

#[derive(Debug, Args)]
pub(crate) struct Backends {
    /// Print JSON, for programs
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Print a Markdown table, for documents
    #[arg(long)]
    pub(crate) markdown: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// Whom to connect to
    #[arg(value_name = "HOST:PORT")]
    pub(crate) target: String,
    /// Present this certificate chain (PEM) to a server that asks for one
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key (PEM) of --cert
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Show the facts and close, without piping stdin and stdout
    #[arg(long)]
    pub(crate) facts_only: bool,
    /// What to do when standard input ends: some servers answer only while the connection is whole
    #[arg(long, value_name = "WHAT", default_value = "close")]
    pub(crate) at_eof: AtEof,
    /// How long connecting and the handshake may take, each, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,
    #[command(flatten, next_help_heading = TOWARDS_THE_SERVER)]
    pub(crate) side: ClientSide,
    #[command(flatten, next_help_heading = TLS)]
    pub(crate) protocol: Protocol,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AtEof {
    /// Send close_notify, and show what still comes
    Close,
    /// Send nothing, and wait until the other side closes
    Wait,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// How much each pair sends in either direction, in MiB
    #[arg(long, value_name = "MIB", default_value = "4", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) volume: u32,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err("from 0.001 to 86400".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_wrong_suite_is_a_usage_error_that_names_it() {
        let error =
            Cli::try_parse_from(["polytls", "connect", "h:1", "--suites", "RC4"]).unwrap_err();
        assert!(error.to_string().contains("RC4"), "{error}");
    }

    #[test]
    fn timeouts_are_bounded() {
        assert!(seconds("0").is_err());
        assert!(seconds("NaN").is_err());
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
    }
}
