//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use polytls::tls::{CipherSuite, NamedGroup, ProtocolVersion};

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
    Connect(Connect),
    /// Serve a folder over HTTPS, or echo what clients send
    Serve(Serve),
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

/// What `connect` and `serve` have in common.
#[derive(Debug, Args)]
pub(crate) struct Protocol {
    /// The TLS library to use; needed when this build has several (see `polytls backends`)
    #[arg(long, value_name = "NAME")]
    pub(crate) backend: Option<String>,
    /// The lowest version that may be negotiated: 1.2 or 1.3
    #[arg(long, value_name = "VERSION")]
    pub(crate) tls_min: Option<ProtocolVersion>,
    /// The highest version that may be negotiated: 1.2 or 1.3
    #[arg(long, value_name = "VERSION")]
    pub(crate) tls_max: Option<ProtocolVersion>,
    /// The cipher suites by their IANA names, most preferred first
    #[arg(long, value_name = "SUITE,...", value_delimiter = ',')]
    pub(crate) suites: Vec<CipherSuite>,
    /// The key exchange groups by their IANA names, most preferred first
    #[arg(long, value_name = "GROUP,...", value_delimiter = ',')]
    pub(crate) groups: Vec<NamedGroup>,
    /// The application protocols, most preferred first, for example h2,http/1.1
    #[arg(long, value_name = "PROTOCOL,...", value_delimiter = ',')]
    pub(crate) alpn: Vec<String>,
    /// Append the session's secrets to this file, for Wireshark: whoever reads it can read the traffic
    #[arg(long, value_name = "FILE")]
    pub(crate) key_log: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// Whom to connect to
    #[arg(value_name = "HOST:PORT")]
    pub(crate) target: String,
    /// The name to ask for and to verify, if it is not HOST
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: Option<String>,
    /// Trust the certificates in this PEM file instead of the operating system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Present this certificate chain (PEM) to a server that asks for one
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key (PEM) of --cert
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// DANGER: accept any certificate, so that anybody in between can read and change everything
    #[arg(long, conflicts_with = "ca")]
    pub(crate) danger_accept_any_certificate: bool,
    /// DANGER: verify the chain, but accept it for any name
    #[arg(long, conflicts_with = "danger_accept_any_certificate")]
    pub(crate) danger_accept_any_name: bool,
    /// Do not send the server name
    #[arg(long)]
    pub(crate) no_sni: bool,
    /// Show the facts and close, without piping stdin and stdout
    #[arg(long)]
    pub(crate) facts_only: bool,
    /// What to do when standard input ends: some servers answer only while the connection is whole
    #[arg(long, value_name = "WHAT", default_value = "close")]
    pub(crate) at_eof: AtEof,
    /// How long connecting and the handshake may take, each, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
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
    /// The certificate chain (PEM), the server's own first. Without it a certificate for localhost is made
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key (PEM) of --cert
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Where to write the CA (PEM) of the certificate that is made, for `connect --ca` or `curl --cacert`
    #[arg(long, value_name = "FILE", conflicts_with = "cert")]
    pub(crate) write_ca: Option<PathBuf>,
    /// Ask clients for a certificate that leads to one of these (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) client_ca: Option<PathBuf>,
    /// Whether a client must have a certificate when --client-ca is given
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "required",
        requires = "client_ca"
    )]
    pub(crate) client_auth: ClientAuth,
    /// How many connections may be open at once; more wait in the listen queue
    #[arg(long, value_name = "N", default_value = "256", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) connections: u32,
    /// How long a handshake, or a client that says nothing, may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) protocol: Protocol,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClientAuth {
    /// It may have none; one that it shows is verified
    Optional,
    /// Without one the handshake fails
    Required,
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
