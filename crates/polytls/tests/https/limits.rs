//! A server without a descriptor left.

use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use polytls::Backend;
use polytls::tls::TlsBackend;
use tempfile::TempDir;

use crate::negotiates;
use crate::program::{Server, curl, example, run, text};

/// How many descriptors the server may have.
const DESCRIPTORS: usize = 32;

#[test]
fn a_server_without_descriptors_rests_and_recovers() {
    let folder = TempDir::new().unwrap();
    let ca = folder.path().join("ca.pem");
    let limited = format!("ulimit -n {DESCRIPTORS}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limited]);
    command
        .arg(example("https_server"))
        .arg("--write-ca")
        .arg(&ca);
    let backend = &Backend::available()[0];
    command.args(["--backend", backend.info().name]);
    if !negotiates(backend) {
        command.arg("--no-alpn");
    }
    let server = Server::start_as(&mut command);

    let start = Instant::now();
    let clients: Vec<TcpStream> = (0..2 * DESCRIPTORS)
        .map(|_| TcpStream::connect(server.address()).unwrap())
        .collect();
    // It tries again, and rests before.
    for _ in 0..5 {
        server.wait_for("cannot accept: ");
    }
    let rested = start.elapsed();
    assert!(
        rested >= Duration::from_millis(400),
        "{rested:?} for 4 rests"
    );

    drop(clients);
    let output = run(curl().arg("--cacert").arg(&ca).arg(server.url("/")));
    assert!(output.status.success(), "{}", text(&output.stderr));
}
