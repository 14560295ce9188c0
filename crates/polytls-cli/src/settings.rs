//! From the command line to configs.

use std::path::Path;
use std::sync::Arc;

use polytls::Backend;
use polytls::tls::{
    AnyBackend, Capabilities, ClientAuth, ClientConfig, Error, Identity, KeyLogFile, Roots,
    ServerConfig, TlsBackend,
};

use crate::args;
use crate::failure::Failure;

/// The backend that was named, or the only one there is.
pub(crate) fn backend(protocol: &args::Protocol) -> Result<AnyBackend, Failure> {
    Backend::choose(protocol.backend.as_deref()).map_err(Failure::config)
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

pub(crate) fn client(args: &args::Connect) -> Result<ClientConfig, Failure> {
    client_config(args).map_err(Failure::config)
}

fn client_config(args: &args::Connect) -> Result<ClientConfig, Error> {
    let mut builder = with_protocol!(ClientConfig::builder(), &args.protocol).sni(!args.no_sni);
    if args.danger_accept_any_certificate {
        builder = builder.danger().accept_any_certificate();
    } else {
        builder = builder.roots(match &args.ca {
            Some(path) => Roots::from_pem_file(path)?,
            None => Roots::system()?,
        });
    }
    if args.danger_accept_any_name {
        builder = builder.danger().accept_any_name();
    }
    if let Some(identity) = identity(args.cert.as_deref(), args.key.as_deref())? {
        builder = builder.identity(identity);
    }
    builder.build()
}

/// What a server needs to negotiate application protocols.
pub(crate) const SERVER_ALPN: Capabilities = Capabilities::ALPN.union(Capabilities::ALPN_STRICT);

/// `made` is the identity to use when the command line names none.
pub(crate) fn server(
    backend: &AnyBackend,
    args: &args::Serve,
    made: impl FnOnce() -> Result<Identity, Failure>,
) -> Result<ServerConfig, Failure> {
    let identity = identity(args.cert.as_deref(), args.key.as_deref()).map_err(Failure::config)?;
    let identity = identity.map_or_else(made, Ok)?;
    server_config(backend, args, identity).map_err(Failure::config)
}

fn server_config(
    backend: &AnyBackend,
    args: &args::Serve,
    identity: Identity,
) -> Result<ServerConfig, Error> {
    let mut builder = with_protocol!(ServerConfig::builder(), &args.protocol).identity(identity);
    // A client that names no protocol is served as well, so this much is not
    // worth a refusal by a backend that cannot negotiate one.
    let negotiates = backend.info().server.contains(SERVER_ALPN);
    if !args.echo && args.protocol.alpn.is_empty() && negotiates {
        builder = builder.alpn(["http/1.1"]);
    }
    if let Some(path) = &args.client_ca {
        let roots = Roots::from_pem_file(path)?;
        builder = builder.client_auth(match args.client_auth {
            args::ClientAuth::Optional => ClientAuth::Optional(roots),
            args::ClientAuth::Required => ClientAuth::Required(roots),
        });
    }
    builder.build()
}

fn identity(cert: Option<&Path>, key: Option<&Path>) -> Result<Option<Identity>, Error> {
    match (cert, key) {
        (Some(cert), Some(key)) => Identity::from_pem_files(cert, key).map(Some),
        _ => Ok(None),
    }
}
