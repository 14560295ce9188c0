//! `polytls proxy`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};

use super::parts::{
    ClientSide, Protocol, RUNNING, Running, ServerSide, TLS, TOWARDS_CLIENTS, TOWARDS_THE_SERVER,
};
use super::seconds;

/// What belongs to one side of TLS asks for that side, so that no setting is
/// taken and then not used.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("tls").args(["terminate", "originate"]).multiple(true)),
    mut_group("ServerSide", |group| group.requires("terminate")),
    mut_group("ClientSide", |group| group.requires("originate")),
    mut_group("Protocol", |group| group.requires("tls")),
    mut_arg("handshakes", |arg| arg.requires("terminate")),
)]
pub(crate) struct Proxy {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: SocketAddr,
    /// Where connections are passed on to
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) upstream: String,
    /// Speak TLS with clients. Without it they are plain
    #[arg(long)]
    pub(crate) terminate: bool,
    /// Speak TLS with the upstream. Without it that is plain
    #[arg(long)]
    pub(crate) originate: bool,
    /// The TLS library to use with the upstream, if it is not --backend
    #[arg(long, value_name = "NAME", requires = "originate", help_heading = TOWARDS_THE_SERVER)]
    pub(crate) upstream_backend: Option<String>,
    /// Present this certificate chain (PEM) to an upstream that asks for one
    #[arg(
        long,
        value_name = "FILE",
        requires = "upstream_key",
        requires = "originate",
        help_heading = TOWARDS_THE_SERVER
    )]
    pub(crate) upstream_cert: Option<PathBuf>,
    /// The private key (PEM) of --upstream-cert
    #[arg(long, value_name = "FILE", requires = "upstream_cert", help_heading = TOWARDS_THE_SERVER)]
    pub(crate) upstream_key: Option<PathBuf>,
    /// How many connections to the upstream to hold ready. Of no use where the server speaks first
    #[arg(long, value_name = "N", default_value = "0", value_parser = clap::value_parser!(u32).range(0..=4096))]
    pub(crate) prewarm: u32,
    /// How long a handshake with a client may take, and how long it may take to get a connection to the upstream, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// How long nothing may pass in either direction before a connection is cut off, in seconds. No limit by default
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) idle_timeout: Option<Duration>,
    #[command(flatten, next_help_heading = TOWARDS_CLIENTS)]
    pub(crate) server: ServerSide,
    #[command(flatten, next_help_heading = TOWARDS_THE_SERVER)]
    pub(crate) client: ClientSide,
    #[command(flatten, next_help_heading = RUNNING)]
    pub(crate) running: Running,
    #[command(flatten, next_help_heading = TLS)]
    pub(crate) protocol: Protocol,
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clap::error::ErrorKind;

    use crate::args::{Cli, Command};

    fn parse(args: &[&str]) -> Result<Box<super::Proxy>, ErrorKind> {
        let common = ["polytls", "proxy", "--listen", "127.0.0.1:0"];
        let upstream = ["--upstream", "localhost:1"];
        let parsed = Cli::try_parse_from([&common, &upstream[..], args].concat());
        match parsed.map_err(|error| error.kind())?.command {
            Command::Proxy(proxy) => Ok(proxy),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_setting_of_a_side_without_tls_is_refused() {
        let of_server = [
            &["--cert", "c", "--key", "k"][..],
            &["--write-ca", "f"],
            &["--client-ca", "f"],
            &["--handshakes", "5"],
        ];
        let of_client = [
            &["--ca", "f"][..],
            &["--server-name", "n"],
            &["--no-sni"],
            &["--upstream-backend", "b"],
            &["--upstream-cert", "c", "--upstream-key", "k"],
            &["--danger-accept-any-certificate"],
            &["--danger-accept-any-name"],
        ];
        let of_both = [
            &["--tls-min", "1.3"][..],
            &["--alpn", "a"],
            &["--backend", "b"],
        ];
        let missing = ErrorKind::MissingRequiredArgument;
        for (settings, fits) in [
            (&of_server[..], &["--terminate"][..]),
            (&of_client[..], &["--originate"]),
            (&of_both[..], &["--terminate", "--originate"]),
        ] {
            for setting in settings {
                assert_eq!(parse(setting).unwrap_err(), missing, "{setting:?}");
                for side in ["--terminate", "--originate"] {
                    let parsed = parse(&[&[side][..], setting].concat());
                    match fits.contains(&side) {
                        true => assert!(parsed.is_ok(), "{side} {setting:?}: {parsed:?}"),
                        false => assert_eq!(parsed.unwrap_err(), missing, "{side} {setting:?}"),
                    }
                }
            }
        }
        let plain = parse(&["--connections", "5", "--drain-timeout", "1"]).unwrap();
        assert!(!plain.terminate && !plain.originate);
    }
}
