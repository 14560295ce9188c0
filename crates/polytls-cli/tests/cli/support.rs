//! Programs that are started, watched and stopped by a test.

use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use serde::Deserialize;

/// The command under test.
pub(crate) fn polytls(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polytls"));
    command.args(args);
    command
}

/// A backend in this build: its name, and what it says that it can do.
#[derive(Deserialize)]
pub(crate) struct Backend {
    name: String,
    client: Vec<String>,
    server: Vec<String>,
}

impl Backend {
    /// Whether clients have these capabilities.
    pub(crate) fn connects_with(&self, capabilities: &[&str]) -> bool {
        has_all(&self.client, capabilities)
    }

    /// Whether servers have these capabilities.
    pub(crate) fn serves_with(&self, capabilities: &[&str]) -> bool {
        has_all(&self.server, capabilities)
    }

    /// Asserts that a server with this setting is refused for want of the
    /// capability.
    pub(crate) fn refuses_to_serve(&self, files: &Files, args: &[&str], capability: &str) {
        let (cert, key) = files.identity("server");
        let own = ["serve", "--backend", self, "--cert", &cert, "--key", &key];
        let output = run(&mut polytls(&[&own, args].concat()), b"");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{self}: {said}");
        assert!(said.contains(capability), "{self}: {said}");
    }
}

fn has_all(own: &[String], capabilities: &[&str]) -> bool {
    let has = |capability: &&str| own.iter().any(|own| own == capability);
    capabilities.iter().all(has)
}

impl Deref for Backend {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

/// The backends in this build.
pub(crate) fn backends() -> Vec<Backend> {
    let output = polytls(&["backends", "--json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs to the end with this on standard input.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; run `cargo xtask setup`"));
    let mut stdin = child.stdin.take().unwrap();
    // A program that fails early does not read it.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Longer than any program takes to start, so that one which does not fails
/// the test instead of hanging it.
const START: Duration = Duration::from_secs(30);

/// A server in the background, stopped when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts it and waits for the line with this word and the address behind it.
    pub(crate) fn start(command: &mut Command, word: &'static str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}; run `cargo xtask setup`"));
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (told, address) = mpsc::channel();
        // Reads to the end, so that the server never waits for a full pipe.
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some((_, rest)) = line.split_once(word) {
                    let _ = told.send(
                        rest.split_whitespace()
                            .next()
                            .unwrap_or_default()
                            .to_owned(),
                    );
                }
            }
        });
        let mut server = Self {
            child,
            address: String::new(),
        };
        server.address = address
            .recv_timeout(START)
            .unwrap_or_else(|error| panic!("{command:?} does not tell its address: {error}"));
        server
    }

    pub(crate) fn polytls(args: &[&str]) -> Self {
        Self::start(
            &mut polytls(&[&["serve", "--listen", "127.0.0.1:0"], args].concat()),
            "listening on ",
        )
    }

    /// `polytls serve` on this backend, as who this certificate is for.
    pub(crate) fn serving(backend: &str, files: &Files, leaf: &str, args: &[&str]) -> Self {
        let (cert, key) = files.identity(leaf);
        let own = ["--backend", backend, "--cert", &cert, "--key", &key];
        Self::polytls(&[&own, args].concat())
    }

    /// `openssl s_server` as the server.
    pub(crate) fn openssl(files: &Files, args: &[&str]) -> Self {
        let (cert, key) = files.identity("server");
        let mut command = Command::new("openssl");
        command
            .args([
                "s_server",
                "-accept",
                "127.0.0.1:0",
                "-cert",
                &cert,
                "-key",
                &key,
            ])
            .args(args);
        Self::start(&mut command, "ACCEPT ")
    }

    /// `localhost` with the server's port.
    pub(crate) fn localhost(&self) -> String {
        let port = self.address.rsplit_once(':').unwrap().1;
        format!("localhost:{port}")
    }

    /// Writes to its standard input, which stays open.
    pub(crate) fn say(&mut self, line: &str) {
        self.child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(line.as_bytes())
            .unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Certificates in files, as programs want them.
pub(crate) struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    /// A CA; a server for localhost, one that has expired and one for another
    /// name; a client; and another CA that signed nothing.
    pub(crate) fn new() -> Self {
        let files = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let ca = files.ca("ca");
        files.ca("other-ca");
        files.leaf(
            "server",
            &ca,
            "localhost",
            ExtendedKeyUsagePurpose::ServerAuth,
            2125,
        );
        files.leaf(
            "expired",
            &ca,
            "localhost",
            ExtendedKeyUsagePurpose::ServerAuth,
            2001,
        );
        files.leaf(
            "elsewhere",
            &ca,
            "elsewhere.example",
            ExtendedKeyUsagePurpose::ServerAuth,
            2125,
        );
        files.leaf(
            "client",
            &ca,
            "client.example",
            ExtendedKeyUsagePurpose::ClientAuth,
            2125,
        );
        files
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// The files of a certificate and its key.
    pub(crate) fn identity(&self, leaf: &str) -> (String, String) {
        (
            self.path(&format!("{leaf}.pem")),
            self.path(&format!("{leaf}.key")),
        )
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, contents: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, contents).unwrap();
        path
    }

    fn ca(&self, name: &str) -> Issuer<'static, KeyPair> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        self.write(
            &format!("{name}.pem"),
            params.self_signed(&key).unwrap().pem().as_bytes(),
        );
        Issuer::new(params, key)
    }

    fn leaf(
        &self,
        name: &str,
        ca: &Issuer<'_, KeyPair>,
        host: &str,
        purpose: ExtendedKeyUsagePurpose,
        until: i32,
    ) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![purpose];
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, ca).unwrap();
        self.write(&format!("{name}.pem"), certificate.pem().as_bytes());
        self.write(&format!("{name}.key"), key.serialize_pem().as_bytes());
    }
}
