//! `polytls connect`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::AsFd;

use polytls::tls::{AnyBackend, Error as TlsError, TlsBackend, parse_server_name};
use polytls::{Error, Interest, SHUTDOWN_TIMEOUT, Socket, Step};
use rustix::event::{PollFd, PollFlags, poll};

use crate::failure::Failure;
use crate::{args, describe, settings};

/// What is read from one side and written to the other at once: a record's worth.
const CHUNK: usize = 16 * 1024;

pub(crate) fn run(args: &args::Connect) -> Result<(), Failure> {
    let backend = settings::backend(args.protocol.backend.as_deref())?;
    let files = settings::pair(args.cert.as_deref(), args.key.as_deref());
    let config = settings::client(&args.protocol, &args.side, files)?;
    let context = backend.client(&config).map_err(Failure::config)?;
    let (host, _) = settings::host_and_port("target", &args.target)?;
    let name = args.side.server_name.as_deref().unwrap_or(host);
    let name = parse_server_name(name).map_err(Failure::config)?;

    let addresses: Vec<SocketAddr> = args
        .target
        .to_socket_addrs()
        .map_err(|error| Failure::io("looking up the address", &error))?
        .collect();
    let connecting = |error| Failure::at("connecting", error);
    let mut socket =
        Socket::<AnyBackend>::connect_tcp(&*addresses, args.timeout).map_err(connecting)?;
    // The end of a chunk does not wait for an acknowledgement.
    socket.set_nodelay(true).map_err(connecting)?;
    socket
        .enable_tls_client(&backend, &context, &name)
        .map_err(|error| Failure::at("the settings", error))?;
    socket
        .handshake(args.timeout)
        .map_err(|error| Failure::at("the handshake", error))?;

    if let Some(facts) = socket.facts() {
        describe::facts(
            &mut anstream::stderr().lock(),
            &backend.info().library,
            facts,
        )
        .map_err(|error| Failure::io("writing to standard error", &error))?;
    }
    if !args.facts_only {
        pipe(&mut socket, args.at_eof)?;
    }
    match socket.shutdown(SHUTDOWN_TIMEOUT) {
        // The other side has every right to leave first or to stay silent.
        Ok(_) | Err(Error::Timeout { .. } | Error::Flooded { .. }) => Ok(()),
        // Nothing was asked for, so nothing can be missing.
        Err(Error::Io(_) | Error::Tls(TlsError::Truncated)) if args.facts_only => Ok(()),
        Err(error) => Err(Failure::at("closing", error)),
    }
}

/// Standard input goes to the other side and what it sends to standard output,
/// until the other side ends.
fn pipe(socket: &mut Socket<AnyBackend>, at_eof: args::AtEof) -> Result<(), Failure> {
    let lost = |error| Failure::at("the transfer", error);
    let mut stdout = io::stdout().lock();
    // Unbuffered: what a buffer holds, waiting on the descriptor does not see.
    let stdin = io::stdin().as_fd().try_clone_to_owned();
    let stdin = stdin.map_err(|error| Failure::io("reading standard input", &error))?;
    let mut stdin = Some(File::from(stdin));
    let mut buf = vec![0; CHUNK];
    loop {
        match socket.try_recv(&mut buf).map_err(lost)? {
            Step::Ready(0) => return Ok(()),
            Step::Ready(received) => {
                let written = stdout
                    .write_all(&buf[..received])
                    .and_then(|()| stdout.flush());
                written.map_err(Failure::output)?;
                continue;
            }
            // A session may stop for a breath although it has read ahead.
            Step::Blocked(_) if socket.has_pending() => continue,
            Step::Blocked(_) => {}
        }
        // The input is read only when all that came before has left, so that
        // no more than one chunk waits here.
        if !wait(socket, stdin.as_ref())? {
            continue;
        }
        let Some(input) = &mut stdin else { continue };
        let read = input.read(&mut buf);
        let read = read.map_err(|error| Failure::io("reading standard input", &error))?;
        if read > 0 {
            socket.send_all(&buf[..read]).map_err(lost)?;
            continue;
        }
        stdin = None;
        if at_eof == args::AtEof::Close {
            socket.shutdown_write(SHUTDOWN_TIMEOUT).map_err(lost)?;
        }
    }
}

/// Waits for the socket, or for the input: says whether the input has something.
fn wait(socket: &Socket<AnyBackend>, input: Option<&File>) -> Result<bool, Failure> {
    let mut flags = PollFlags::IN;
    if socket.interest().contains(Interest::WRITE) {
        flags |= PollFlags::OUT;
    }
    let fd = socket.wait_fd();
    let mut waits = vec![PollFd::new(&fd, flags)];
    waits.extend(input.map(|input| PollFd::new(input, PollFlags::IN)));
    match poll(&mut waits, None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(Failure::io("waiting", &error.into())),
    }
    Ok(waits
        .get(1)
        .is_some_and(|input| !input.revents().is_empty()))
}
