//! What several commands have in common.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use polytls::tls::{CipherSuite, NamedGroup, ProtocolVersion};

use super::seconds;

/// Headings of the help.
pub(super) const TOWARDS_CLIENTS: &str = "Towards clients";
pub(super) const TOWARDS_THE_SERVER: &str = "Towards the server";
pub(super) const RUNNING: &str = "Running";
pub(super) const TLS: &str = "TLS";

/// How TLS is spoken.
#[derive(Clone, Debug, Args)]
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

/// Whom a client asks for and trusts.
#[derive(Debug, Args)]
pub(crate) struct ClientSide {
    /// The name to ask for and to verify, if it is not HOST
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: Option<String>,
    /// Trust the certificates in this PEM file instead of the operating system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// DANGER: accept any certificate, so that anybody in between can read and change everything
    #[arg(long, conflicts_with = "ca")]
    pub(crate) danger_accept_any_certificate: bool,
    /// DANGER: verify the chain, but accept it for any name
    #[arg(long, conflicts_with = "danger_accept_any_certificate")]
    pub(crate) danger_accept_any_name: bool,
    /// Do not send the server name
    #[arg(long)]
    pub(crate) no_sni: bool,
}

/// Who a server is, and whom it asks for a certificate.
#[derive(Debug, Args)]
pub(crate) struct ServerSide {
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClientAuth {
    /// It may have none; one that it shows is verified
    Optional,
    /// Without one the handshake fails
    Required,
}

/// How a server runs and ends.
#[derive(Debug, Args)]
pub(crate) struct Running {
    /// How many connections may be open at once; more wait in the listen queue
    #[arg(long, value_name = "N", default_value = "256", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) connections: u32,
    /// How many of them one address may have, or one /64 of IPv6; more are refused. No limit by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) per_address: Option<u32>,
    /// How many TLS handshakes may be under way at once; more wait
    #[arg(long, value_name = "N", default_value = "256", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) handshakes: u32,
    /// How long connections have to finish after SIGTERM or SIGINT, in seconds, before they are cut off
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) drain_timeout: Duration,
    /// How to write what happens to standard error
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line, for programs
    Json,
}
