//! Programs that are started, watched and stopped by a test.

use std::fmt;
use std::fs;
use std::io::Write;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
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

/// Longer than anything here takes, so that what hangs fails the test.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// What `serve` can run on.
pub(crate) const RUNTIMES: [&str; 2] = ["loop", "tokio"];

/// More octets than systems hold for a connection.
pub(crate) const LARGE: usize = 9 << 20;

/// Octets that tell when some of them are lost, sent twice or out of order:
/// their period is prime.
pub(crate) fn pattern(octets: usize) -> Vec<u8> {
    (0..=250_u8).cycle().take(octets).collect()
}

pub(crate) fn curl(args: &[&str]) -> Output {
    let mut command = Command::new("curl");
    let common = ["--silent", "--show-error", "--max-time", "20"];
    run(command.args(common).args(args), b"")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
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

    /// A folder with a large file and a small one, and what is in the large one.
    pub(crate) fn www(&self) -> (String, Vec<u8>) {
        let www = self.folder().join("www");
        fs::create_dir(&www).unwrap();
        let large = pattern(LARGE);
        fs::write(www.join("large.bin"), &large).unwrap();
        fs::write(www.join("small.txt"), "hello").unwrap();
        (www.to_str().unwrap().to_owned(), large)
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
