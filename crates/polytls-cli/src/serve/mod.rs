//! `polytls serve`.

mod answer;
mod files;
mod heads;
mod on_loop;
mod on_tokio;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use polytls::Listener;
use polytls::pool::server::Limits;
use polytls::tls::{AnyBackend, AnyContext, TlsBackend};

use crate::failure::Failure;
use crate::{args, log, settings};

/// What is done with connections, on either runtime.
struct Server {
    backend: AnyBackend,
    context: AnyContext,
    service: Service,
    limits: Limits,
    timeout: Duration,
    drain_timeout: Duration,
}

enum Service {
    Folder(Arc<Path>),
    Echo,
}

pub(crate) fn run(args: &args::Serve) -> Result<(), Failure> {
    let backend = settings::backend(args.protocol.backend.as_deref())?;
    let service = match &args.folder {
        Some(folder) if folder.is_dir() => Service::Folder(folder.as_path().into()),
        Some(folder) => {
            let folder = folder.display();
            return Err(Failure::setting("folder", format!("{folder} is no folder")));
        }
        None => Service::Echo,
    };
    let protocols = protocols(&service, args.runtime, &args.protocol.alpn)?;
    let config = settings::server(&backend, &args.protocol, &args.side, protocols)?;
    let context = backend.server(&config).map_err(Failure::config)?;

    let listener = Listener::<AnyBackend>::bind_tcp(args.listen)
        .map_err(|error| Failure::at("listening", error))?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::at("listening", error))?;
    log::start(args.running.log_format);
    let server = Server {
        backend,
        context,
        service,
        limits: settings::limits(&args.running),
        timeout: args.timeout,
        drain_timeout: args.running.drain_timeout,
    };
    let library = server.backend.info().library;
    // The first line on standard output tells where, for whoever asked for port 0.
    let ready = move || {
        let mut out = anstream::stdout();
        writeln!(out, "listening on {address} with {library}")
            .and_then(|()| out.flush())
            .map_err(Failure::output)
    };
    match args.runtime {
        args::Runtime::Loop => on_loop::run(&server, listener, ready),
        args::Runtime::Tokio => on_tokio::run(server, listener, ready),
    }
}

/// What is offered where the command line names no protocol. What it names
/// must be spoken.
fn protocols(
    service: &Service,
    runtime: args::Runtime,
    named: &[String],
) -> Result<&'static [&'static str], Failure> {
    let spoken: &[&str] = match (service, runtime) {
        // Whatever it is, it goes back.
        (Service::Echo, _) => return Ok(&[]),
        (Service::Folder(_), args::Runtime::Loop) => &["http/1.1"],
        (Service::Folder(_), args::Runtime::Tokio) => &["h2", "http/1.1"],
    };
    match named.iter().find(|name| !spoken.contains(&name.as_str())) {
        None => Ok(spoken),
        Some(name) if name == "h2" => Err(Failure::setting("alpn", "h2 needs --runtime tokio")),
        Some(name) => {
            let spoken = spoken.join(" and ");
            let reason = format!("a folder is served over {spoken}, and not over {name}");
            Err(Failure::setting("alpn", reason))
        }
    }
}
