//! `polytls serve`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use polytls::tls::{AnyBackend, AnyContext, TlsBackend};
use polytls::{Address, Error, Listener, SHUTDOWN_TIMEOUT, Socket};

use crate::failure::Failure;
use crate::pki::Pki;
use crate::{args, describe, http, settings};

/// How long to let things settle when a connection cannot be accepted, for
/// example because no descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

pub(crate) fn run(args: &args::Serve) -> Result<(), Failure> {
    let backend = settings::backend(&args.protocol)?;
    let config = settings::server(&backend, args, || {
        let pki = Pki::new(&["localhost", "127.0.0.1", "::1"])?;
        if let Some(path) = &args.write_ca {
            fs::write(path, &pki.ca_pem).map_err(|error| Failure::io("writing the CA", &error))?;
        }
        Ok(pki.server)
    })?;
    let context = backend.server(&config).map_err(Failure::config)?;
    let service = match &args.folder {
        Some(folder) if folder.is_dir() => Service::Folder(folder.as_path().into()),
        Some(folder) => {
            let folder = folder.display();
            return Err(Failure::setting("folder", format!("{folder} is no folder")));
        }
        None => Service::Echo,
    };
    if matches!(service, Service::Folder(_))
        && args.protocol.alpn.iter().any(|name| name != "http/1.1")
    {
        return Err(Failure::setting(
            "alpn",
            "a folder is served over http/1.1 alone",
        ));
    }

    let listener = Listener::<AnyBackend>::bind_tcp(args.listen)
        .map_err(|error| Failure::at("listening", error))?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::at("listening", error))?;
    // The first line on standard output tells where, for whoever asked for port 0.
    let mut out = anstream::stdout();
    writeln!(
        out,
        "listening on {address} with {}",
        backend.info().library
    )
    .and_then(|()| out.flush())
    .map_err(Failure::output)?;

    let server = Arc::new(Server {
        backend,
        context,
        service,
        timeout: args.timeout,
    });
    let places = Places::new(args.connections);
    loop {
        let place = places.take();
        match listener.accept() {
            Ok((socket, peer)) => {
                let server = Arc::clone(&server);
                let spawned = thread::Builder::new().spawn(move || {
                    server.connection(socket, &peer);
                    drop(place);
                });
                if let Err(error) = spawned {
                    log(format_args!("no thread for a connection: {error}"));
                    thread::park_timeout(ACCEPT_PAUSE);
                }
            }
            Err(error) => {
                log(format_args!("a connection was not accepted: {error}"));
                thread::park_timeout(ACCEPT_PAUSE);
            }
        }
    }
}

enum Service {
    Folder(Box<Path>),
    Echo,
}

struct Server {
    backend: AnyBackend,
    context: AnyContext,
    service: Service,
    timeout: Duration,
}

impl Server {
    /// Serves one client to its end. A failure is that client's alone.
    fn connection(&self, mut socket: Socket<AnyBackend>, peer: &Address) {
        match self.serve(&mut socket) {
            Ok(done) => log(format_args!("{peer}: {done}")),
            Err(failure) => log(format_args!("{peer}: {}", failure.line())),
        }
    }

    fn serve(&self, socket: &mut Socket<AnyBackend>) -> Result<String, Failure> {
        socket
            .enable_tls_server(&self.backend, &self.context)
            .and_then(|()| socket.handshake(self.timeout))
            .map_err(|error| Failure::at("the handshake", error))?;
        let facts = socket.facts().cloned().unwrap_or_default();
        socket.set_read_timeout(Some(self.timeout));
        socket.set_write_timeout(Some(self.timeout));
        // Within a time limit the kernel sends files on such a descriptor alone.
        socket
            .set_nonblocking(true)
            .map_err(|error| Failure::at("the transfer", error))?;
        let done = match &self.service {
            Service::Folder(folder) => {
                http::serve(socket, folder).map(|requests| format!("{requests} requests answered"))
            }
            Service::Echo => echo(socket)
                .map(|()| format!("{} octets sent back", socket.statistics().sent.octets)),
        }
        .map_err(|error| Failure::at("the transfer", error))?;
        // The client may be gone already: it has had all that it asked for.
        let _ = socket.shutdown(SHUTDOWN_TIMEOUT);
        let (version, suite) = (facts.version, facts.cipher_suite);
        Ok(format!(
            "{} {}, {done}",
            describe::or_unknown(version),
            describe::or_unknown(suite)
        ))
    }
}

fn echo(socket: &mut Socket<AnyBackend>) -> Result<(), Error> {
    let mut buf = vec![0; 16 * 1024];
    loop {
        match socket.recv(&mut buf)? {
            0 => return Ok(()),
            received => socket.send_all(&buf[..received])?,
        }
    }
}

/// A log line on standard error; one that cannot be written is lost.
fn log(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// How many connections may still be opened.
struct Places {
    free: Mutex<u32>,
    freed: Condvar,
}

/// One connection's right to be open, given back when it is dropped.
struct Place(Arc<Places>);

impl Places {
    fn new(count: u32) -> Arc<Self> {
        Arc::new(Self {
            free: Mutex::new(count),
            freed: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, u32> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a connection may be opened.
    fn take(self: &Arc<Self>) -> Place {
        let free = self.freed.wait_while(self.lock(), |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Place(Arc::clone(self))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.lock() += 1;
        self.0.freed.notify_one();
    }
}
