//! `polytls serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::parts::{Protocol, RUNNING, Running, ServerSide, TLS, TOWARDS_CLIENTS};
use super::seconds;

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The folder to serve over HTTPS
    #[arg(value_name = "FOLDER", required_unless_present = "echo")]
    pub(crate) folder: Option<PathBuf>,
    /// Send back what clients send instead
    #[arg(long, conflicts_with = "folder")]
    pub(crate) echo: bool,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8443")]
    pub(crate) listen: SocketAddr,
    /// What drives the connections
    #[arg(long, value_name = "NAME", default_value = "loop")]
    pub(crate) runtime: Runtime,
    /// How long a handshake, a request's head, or a client that says nothing or takes nothing, may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,
    #[command(flatten, next_help_heading = TOWARDS_CLIENTS)]
    pub(crate) side: ServerSide,
    #[command(flatten, next_help_heading = RUNNING)]
    pub(crate) running: Running,
    #[command(flatten, next_help_heading = TLS)]
    pub(crate) protocol: Protocol,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runtime {
    /// The event loop of this project, on one thread: HTTP/1.1
    Loop,
    /// tokio, on all cores: HTTP/1.1 and h2
    Tokio,
}
