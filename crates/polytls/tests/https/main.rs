//! The examples of HTTPS, with each other and with curl, over every backend of
//! the build.

#[cfg(unix)]
mod limits;
mod program;
#[cfg(unix)]
mod stopping;

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use polytls::Backend;
use polytls::tls::{AnyBackend, Capabilities, TlsBackend};
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use program::{Server, curl, example, run, text};

/// A server on one backend, and the CA of its certificate.
struct Site {
    server: Server,
    ca: PathBuf,
    _folder: TempDir,
}

impl Site {
    fn on(backend: &AnyBackend) -> Self {
        let folder = TempDir::new().unwrap();
        let ca = folder.path().join("ca.pem");
        let name = backend.info().name;
        let mut args: Vec<&OsStr> = vec!["--backend".as_ref(), name.as_ref()];
        args.extend::<[&OsStr; 2]>(["--write-ca".as_ref(), ca.as_ref()]);
        if !negotiates(backend) {
            args.push("--no-alpn".as_ref());
        }
        Self {
            server: Server::start(&args),
            ca,
            _folder: folder,
        }
    }

    /// Fetches with this option, and gives the body and the version.
    fn curl(&self, options: &[&str], path: &str) -> (String, String) {
        let output = run(curl()
            .args(options)
            .arg("--cacert")
            .arg(&self.ca)
            .args(["--fail", "--write-out", "\n%{http_version}"])
            .arg(self.server.url(path)));
        assert!(output.status.success(), "{}", text(&output.stderr));
        let output = text(&output.stdout);
        let (body, version) = output.rsplit_once('\n').unwrap();
        (body.to_owned(), version.to_owned())
    }
}

fn negotiates(backend: &AnyBackend) -> bool {
    backend.info().server.contains(Capabilities::ALPN)
}

#[test]
fn curl_speaks_the_versions_that_a_backend_can_negotiate() {
    for backend in Backend::available() {
        let name = backend.info().name;
        let site = Site::on(&backend);
        let first = ("Hello over HTTP/1.1\n".to_owned(), "1.1".to_owned());
        let second = ("Hello over HTTP/2.0\n".to_owned(), "2".to_owned());
        // Without ALPN curl asks for HTTP/2 in vain, and goes on with HTTP/1.1.
        let best = if negotiates(&backend) {
            &second
        } else {
            &first
        };
        assert_eq!(site.curl(&["--http1.1"], "/"), first, "{name}");
        assert_eq!(site.curl(&["--http2"], "/"), *best, "{name}");
        let posted = "octets ".repeat(50_000);
        let file = site.ca.with_file_name("posted");
        fs::write(&file, &posted).unwrap();
        let data = format!("@{}", file.to_str().unwrap());
        for version in ["--http1.1", "--http2"] {
            let (echoed, _) = site.curl(&[version, "--data-binary", &data], "/echo");
            assert!(echoed == posted, "{name} {version}: other octets came back");
        }
    }
}

#[test]
fn curl_refuses_a_server_whose_ca_it_does_not_know() {
    let refused = Some(60);
    for backend in Backend::available() {
        let [site, other] = [Site::on(&backend), Site::on(&backend)];
        let output = run(curl()
            .arg("--cacert")
            .arg(&other.ca)
            .arg(site.server.url("/")));
        assert_eq!(output.status.code(), refused, "{}", text(&output.stderr));
        let told = site.server.wait_for("127.0.0.1:");
        assert!(told.contains(": no handshake: "), "{told}");
    }
}

#[test]
fn what_a_backend_cannot_negotiate_is_refused_before_it_listens() {
    for backend in Backend::available() {
        let name = backend.info().name;
        let mut command = Command::new(example("https_server"));
        command.args(["--backend", name]);
        if negotiates(&backend) {
            Server::start_as(&mut command);
            continue;
        }
        let output = run(command.args(["--listen", "127.0.0.1:0"]));
        assert!(!output.status.success() && output.stdout.is_empty());
        let said = text(&output.stderr);
        assert!(said.contains(name) && said.contains("ALPN"), "{said}");
    }
}

#[test]
fn the_client_is_served_over_every_pair() {
    for server in Backend::available() {
        let site = Site::on(&server);
        let best = if negotiates(&server) { "2.0" } else { "1.1" };
        for client in Backend::available() {
            // What begins with the preface of HTTP/2 needs no ALPN.
            for (options, version) in [(&[][..], best), (&["1.1"], "1.1"), (&["2"], "2.0")] {
                let mut command = Command::new(example("https_client"));
                for option in options {
                    command.args(["--http", option]);
                }
                let output = run(command
                    .args(["--backend", client.info().name, "--ca"])
                    .args([site.ca.as_os_str(), site.server.url("/").as_ref()]));
                let expected = format!("HTTP/{version} 200 OK\nHello over HTTP/{version}\n");
                let said = text(&output.stderr);
                let pair = [client.info().name, server.info().name];
                assert_eq!(text(&output.stdout), expected, "{pair:?}: {said}");
                assert!(output.status.success(), "{pair:?}: {said}");
            }
        }
    }
}

#[test]
fn the_client_says_why_it_refuses_a_server() {
    let backends = Backend::available();
    let [site, other] = [Site::on(&backends[0]), Site::on(&backends[0])];
    for client in backends {
        let output = run(Command::new(example("https_client"))
            .args(["--backend", client.info().name, "--ca"])
            .args([other.ca.as_os_str(), site.server.url("/").as_ref()]));
        let said = text(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty());
        assert!(
            said.contains("the peer's certificate was refused"),
            "{said}"
        );
    }
}

#[test]
fn a_certificate_from_files_is_served() {
    let folder = TempDir::new().unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let [cert_file, key_file] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    fs::write(&cert_file, certificate.pem()).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();
    let [backend, ..] = &Backend::available()[..] else {
        panic!("no backend is compiled in");
    };
    let mut command = Command::new(example("https_server"));
    command
        .args(["--backend", backend.info().name])
        .arg("--cert")
        .arg(&cert_file)
        .arg("--key")
        .arg(&key_file);
    if !negotiates(backend) {
        command.arg("--no-alpn");
    }
    let server = Server::start_as(&mut command);
    let output = run(curl().arg("--cacert").arg(&cert_file).arg(server.url("/")));
    assert!(output.status.success(), "{}", text(&output.stderr));
}
