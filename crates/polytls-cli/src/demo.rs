//! `polytls demo`.

use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use anstream::stdout;
use polytls::tls::{
    AnyBackend, Capabilities, ClientConfig, ServerConfig, SessionFacts, TlsBackend,
    parse_server_name,
};
use polytls::{Backend, Error, HANDSHAKE_TIMEOUT, Listener, SHUTDOWN_TIMEOUT, Socket};

use crate::failure::Failure;
use crate::pki::Pki;
use crate::settings::SERVER_ALPN;
use crate::{args, describe, style};

const HOST: &str = "localhost";
const CHUNK: usize = 16 * 1024;
/// Longer than any transfer of the largest volume takes, so that a fault ends
/// the demonstration instead of hanging it.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(300);

pub(crate) fn run(args: &args::Demo) -> Result<(), Failure> {
    let backends = Backend::available();
    if backends.is_empty() {
        return Err(Failure::setting("backend", "this build has none"));
    }
    let pki = Pki::new(&[HOST, "127.0.0.1"])?;
    let volume = u64::from(args.volume) << 20;
    introduce(&backends, args.volume).map_err(Failure::output)?;
    for client in &backends {
        for server in &backends {
            let row = exchange(client, server, &pki, volume)?;
            tell(client, server, &row).map_err(Failure::output)?;
        }
    }
    let pairs = backends.len() * backends.len();
    writeln!(
        stdout(),
        "\nAll {pairs} pairs agree: every byte arrived, both sides tell the same facts, and both \
         closed cleanly."
    )
    .map_err(Failure::output)
}

fn introduce(backends: &[AnyBackend], mib: u32) -> io::Result<()> {
    let mut out = stdout().lock();
    for backend in backends {
        let info = backend.info();
        writeln!(out, "{:10} is {}", info.name, info.library)?;
    }
    writeln!(
        out,
        "\nA CA and a server certificate were made in memory. Each pair connects over loopback TCP,\n\
         does the handshake with full verification, and sends {mib} MiB each way.\n"
    )?;
    writeln!(
        out,
        "{}{:11}{:11}{:9}{:48}{:16}{:9}{:>10}{:>10}{}",
        style::HEAD,
        "client",
        "server",
        "version",
        "suite",
        "group",
        "protocol",
        "handshake",
        "MiB/s",
        style::END
    )
}

fn tell(client: &AnyBackend, server: &AnyBackend, row: &Row) -> io::Result<()> {
    let facts = &row.facts;
    writeln!(
        stdout(),
        "{:11}{:11}{:9}{:48}{:16}{:9}{:>7.1} ms{:>10.0}",
        client.info().name,
        server.info().name,
        describe::or_unknown(facts.version),
        describe::or_unknown(facts.cipher_suite),
        describe::or_unknown(facts.group),
        facts
            .alpn
            .as_deref()
            .unwrap_or(b"none")
            .escape_ascii()
            .to_string(),
        row.handshake.as_secs_f64() * 1e3,
        row.speed,
    )
}

struct Row {
    facts: SessionFacts,
    handshake: Duration,
    speed: f64,
}

/// One pair: handshake, `volume` octets each way, close.
fn exchange(
    client: &AnyBackend,
    server: &AnyBackend,
    pki: &Pki,
    volume: u64,
) -> Result<Row, Failure> {
    // Where one side cannot negotiate a protocol there is none.
    let mut server_config = ServerConfig::builder().identity(pki.server.clone());
    if server.info().server.contains(SERVER_ALPN) {
        server_config = server_config.alpn(["demo"]);
    }
    let mut client_config = ClientConfig::builder().roots(pki.roots.clone());
    if client.info().client.contains(Capabilities::ALPN) {
        client_config = client_config.alpn(["demo"]);
    }
    let server_context = server_config
        .build()
        .and_then(|config| server.server(&config))
        .map_err(Failure::config)?;
    let client_context = client_config
        .build()
        .and_then(|config| client.client(&config))
        .map_err(Failure::config)?;
    let name = parse_server_name(HOST).map_err(Failure::config)?;
    let failed = |error: Error| Failure::at("the exchange", error);

    let mut listener = Listener::bind_tcp("127.0.0.1:0").map_err(failed)?;
    listener.set_timeout(Some(HANDSHAKE_TIMEOUT));
    let address = listener.local_addr().map_err(failed)?.ip();
    let address = address.ok_or_else(|| Failure::other("the exchange", "no IP address"))?;
    thread::scope(|scope| {
        let accepting = scope.spawn(|| {
            let (mut socket, _) =
                listener.accept_tls(server, &server_context, HANDSHAKE_TIMEOUT)?;
            socket.set_nodelay(true)?;
            let facts = socket.facts().cloned().unwrap_or_default();
            receive(&mut socket, volume)?;
            send(&mut socket, volume)?;
            socket.shutdown(SHUTDOWN_TIMEOUT)?;
            Ok(facts)
        });
        let connecting = || {
            let mut socket =
                Socket::connect_tls(address, client, &client_context, &name, HANDSHAKE_TIMEOUT)?;
            socket.set_nodelay(true)?;
            let facts = socket.facts().cloned().unwrap_or_default();
            let began = Instant::now();
            send(&mut socket, volume)?;
            receive(&mut socket, volume)?;
            let speed = 2.0 * (volume >> 20) as f64 / began.elapsed().as_secs_f64();
            let handshake = socket.statistics().handshake_time;
            socket.shutdown(SHUTDOWN_TIMEOUT)?;
            Ok(Row {
                facts,
                handshake,
                speed,
            })
        };
        let row = connecting();
        let accepted = accepting
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the server's thread panicked").into()));
        let (mut row, server_facts) = (row.map_err(failed)?, accepted.map_err(failed)?);
        row.facts = agreed(row.facts, &server_facts)
            .ok_or_else(|| Failure::other("the exchange", "the two sides tell different facts"))?;
        Ok(row)
    })
}

/// What the two sides tell; `None` where they contradict each other. A backend
/// that cannot tell a fact contradicts nobody.
fn agreed(mut client: SessionFacts, server: &SessionFacts) -> Option<SessionFacts> {
    client.version = either(client.version, server.version)?;
    client.cipher_suite = either(client.cipher_suite, server.cipher_suite)?;
    client.group = either(client.group, server.group)?;
    (client.alpn == server.alpn).then_some(client)
}

#[expect(clippy::option_option, reason = "a fact may be unknown to both")]
fn either<T: PartialEq>(a: Option<T>, b: Option<T>) -> Option<Option<T>> {
    match (&a, &b) {
        (Some(one), Some(other)) if one != other => None,
        _ => Some(a.or(b)),
    }
}

/// A stream whose octets repeat after a length that fits no record size.
struct Pattern(Vec<u8>);

impl Pattern {
    const PERIOD: u8 = 251;

    fn new() -> Self {
        Self(
            (0..Self::PERIOD)
                .cycle()
                .take(CHUNK + usize::from(Self::PERIOD))
                .collect(),
        )
    }

    /// The octets of the stream from `offset` on, [`CHUNK`] at most.
    fn at(&self, offset: u64, length: usize) -> &[u8] {
        let start = (offset % u64::from(Self::PERIOD)) as usize;
        &self.0[start..start + length]
    }
}

fn send(socket: &mut Socket<AnyBackend>, volume: u64) -> Result<(), Error> {
    socket.set_write_timeout(Some(TRANSFER_TIMEOUT));
    let pattern = Pattern::new();
    for offset in (0..volume).step_by(CHUNK) {
        socket.send_all(pattern.at(offset, CHUNK))?;
    }
    Ok(())
}

fn receive(socket: &mut Socket<AnyBackend>, volume: u64) -> Result<(), Error> {
    socket.set_read_timeout(Some(TRANSFER_TIMEOUT));
    let pattern = Pattern::new();
    let mut buf = vec![0; CHUNK];
    let mut received = 0;
    while received < volume {
        let got = socket.recv(&mut buf)?;
        if got == 0 || buf[..got] != *pattern.at(received, got) {
            return Err(io::Error::other("other bytes arrived than were sent").into());
        }
        received += got as u64;
    }
    Ok(())
}
