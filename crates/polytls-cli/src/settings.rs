//! From the command line to configs.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use polytls::Backend;
use polytls::pool::server::Limits;
use polytls::tls::{
    AnyBackend, Capabilities, ClientAuth, ClientConfig, Error, Identity, KeyLogFile, Roots,
    ServerConfig, TlsBackend,
};

use crate::args;
use crate::failure::Failure;
use crate::pki::Pki;

/// The backend that was named, or the only one there is.
pub(crate) fn backend(name: Option<&str>) -> Result<AnyBackend, Failure> {
    Backend::choose(name).map_err(Failure::config)
}

/// Client and server builders have the same setters, but no trait in common.
macro_rules! with_protocol {
    ($builder:expr, $args:expr) => {{
        let (mut builder, args): (_, &args::Protocol) = ($builder, $args);
        if let Some(version) = args.tls_min {
            builder = builder.min_version(version);
        }
        if let Some(version) = args.tls_max {
            builder = builder.max_version(version);
        }
        if !args.suites.is_empty() {
            builder = builder.cipher_suites(args.suites.iter().copied());
        }
        if !args.groups.is_empty() {
            builder = builder.groups(args.groups.iter().copied());
        }
        if !args.alpn.is_empty() {
            builder = builder.alpn(&args.alpn);
        }
        if let Some(path) = &args.key_log {
            builder = builder.key_log(Arc::new(KeyLogFile::open(path)?));
        }
        builder
    }};
}

/// A client's config; `files` are its certificate and key.
pub(crate) fn client(
    protocol: &args::Protocol,
    side: &args::ClientSide,
    files: Option<(&Path, &Path)>,
) -> Result<ClientConfig, Failure> {
    client_config(protocol, side, files).map_err(Failure::config)
}

fn client_config(
    protocol: &args::Protocol,
    side: &args::ClientSide,
    files: Option<(&Path, &Path)>,
) -> Result<ClientConfig, Error> {
    let mut builder = with_protocol!(ClientConfig::builder(), protocol).sni(!side.no_sni);
    if side.danger_accept_any_certificate {
        builder = builder.danger().accept_any_certificate();
    } else {
        builder = builder.roots(match &side.ca {
            Some(path) => Roots::from_pem_file(path)?,
            None => Roots::system()?,
        });
    }
    if side.danger_accept_any_name {
        builder = builder.danger().accept_any_name();
    }
    if let Some((cert, key)) = files {
        builder = builder.identity(Identity::from_pem_files(cert, key)?);
    }
    builder.build()
}

/// What a server needs to negotiate application protocols.
pub(crate) const SERVER_ALPN: Capabilities = Capabilities::ALPN.union(Capabilities::ALPN_STRICT);

/// A server's config, with a certificate for localhost that is made where the
/// command line names none. `alpn` is offered if it names no protocol either:
/// a client that offers none is served as well, so this much is not worth a
/// refusal by a backend that cannot negotiate.
pub(crate) fn server(
    backend: &AnyBackend,
    protocol: &args::Protocol,
    side: &args::ServerSide,
    alpn: &[&str],
) -> Result<ServerConfig, Failure> {
    let files = pair(side.cert.as_deref(), side.key.as_deref());
    let identity = match files {
        Some((cert, key)) => Identity::from_pem_files(cert, key).map_err(Failure::config)?,
        None => made(side.write_ca.as_deref())?,
    };
    let negotiates = backend.info().server.contains(SERVER_ALPN);
    let alpn = if negotiates { alpn } else { &[] };
    server_config(protocol, side, alpn, identity).map_err(Failure::config)
}

fn server_config(
    protocol: &args::Protocol,
    side: &args::ServerSide,
    alpn: &[&str],
    identity: Identity,
) -> Result<ServerConfig, Error> {
    let mut builder = with_protocol!(ServerConfig::builder(), protocol).identity(identity);
    if protocol.alpn.is_empty() && !alpn.is_empty() {
        builder = builder.alpn(alpn);
    }
    if let Some(path) = &side.client_ca {
        let roots = Roots::from_pem_file(path)?;
        builder = builder.client_auth(match side.client_auth {
            args::ClientAuth::Optional => ClientAuth::Optional(roots),
            args::ClientAuth::Required => ClientAuth::Required(roots),
        });
    }
    builder.build()
}

/// How many connections a server has.
pub(crate) fn limits(args: &args::Running) -> Limits {
    Limits {
        connections: args.connections as usize,
        per_address: args.per_address.map(|most| most as usize),
        handshakes: args.handshakes as usize,
        ..Limits::default()
    }
}

/// The host and the port in `HOST:PORT`, without the brackets of an IPv6
/// address.
pub(crate) fn host_and_port<'a>(
    field: &'static str,
    target: &'a str,
) -> Result<(&'a str, u16), Failure> {
    let wrong = || Failure::setting(field, format!("{target:?} is not HOST:PORT"));
    let (host, port) = target.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().map_err(|_| wrong())?;
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match bare.unwrap_or(host) {
        "" => Err(wrong()),
        host => Ok((host, port)),
    }
}

/// A certificate and its key, which the command line names together.
pub(crate) fn pair<'a>(
    cert: Option<&'a Path>,
    key: Option<&'a Path>,
) -> Option<(&'a Path, &'a Path)> {
    cert.zip(key)
}

fn made(write_ca: Option<&Path>) -> Result<Identity, Failure> {
    let pki = Pki::new(&["localhost", "127.0.0.1", "::1"])?;
    if let Some(path) = write_ca {
        fs::write(path, &pki.ca_pem).map_err(|error| Failure::io("writing the CA", &error))?;
    }
    Ok(pki.server)
}
