//! `polytls serve` and `polytls connect` with programs that others wrote.

use std::fs;
use std::process::Command;

use crate::server::Server;
use crate::support::{Backend, Files, backends, curl, polytls, run, text};

/// A version as `polytls` and curl spell it, as `openssl` does, as the facts
/// do, and its capability.
const VERSIONS: [(&str, &str, &str, &str); 2] = [
    ("1.2", "-tls1_2", "TLSv1.2", "TLS12"),
    ("1.3", "-tls1_3", "TLSv1.3", "TLS13"),
];

/// What a server needs to negotiate an application protocol.
pub(crate) const SERVER_ALPN: &[&str] = &["ALPN", "ALPN_STRICT"];

/// The versions that clients of this backend have.
fn client_versions(backend: &Backend) -> impl Iterator<Item = (&str, &str, &str)> {
    versions(|capability| backend.connects_with(&[capability]))
}

/// The versions that its servers have.
fn server_versions(backend: &Backend) -> impl Iterator<Item = (&str, &str, &str)> {
    versions(|capability| backend.serves_with(&[capability]))
}

fn versions<'v>(has: impl Fn(&str) -> bool) -> impl Iterator<Item = (&'v str, &'v str, &'v str)> {
    VERSIONS
        .into_iter()
        .filter_map(move |(own, flag, name, capability)| {
            has(capability).then_some((own, flag, name))
        })
}

#[test]
fn curl_reads_a_folder_from_every_backend_in_both_versions() {
    let files = Files::new();
    let www = files.folder().join("www");
    fs::create_dir(&www).unwrap();
    let body: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    fs::write(www.join("data.bin"), &body).unwrap();
    for backend in backends() {
        let server = Server::serving(&backend, &files, "server", &[www.to_str().unwrap()]);
        let url = format!("https://{}/data.bin", server.localhost());
        for (version, _, _) in server_versions(&backend) {
            let ca = files.path("ca.pem");
            let at_least = format!("--tlsv{version}");
            // Twice over one connection, so that it is kept alive.
            let output = curl(&["--cacert", &ca, &at_least, "--tls-max", version, &url, &url]);
            assert!(
                output.status.success(),
                "{backend} {version}: {}",
                text(&output.stderr)
            );
            assert!(
                output.stdout == [&body[..], &body].concat(),
                "{backend} {version}: other bytes came"
            );
        }
        let distrusting = curl(&["--cacert", &files.path("other-ca.pem"), &url]);
        assert_eq!(
            distrusting.status.code(),
            Some(60),
            "{backend}: {}",
            text(&distrusting.stderr)
        );
        let missing = curl(&[
            "--cacert",
            &files.path("ca.pem"),
            "--fail",
            &format!("{url}.none"),
        ]);
        assert_eq!(missing.status.code(), Some(22), "{backend}");
    }
}

#[test]
fn a_server_without_certificate_makes_one_that_curl_can_verify() {
    let files = Files::new();
    files.write("hello.txt", b"hello");
    for backend in backends() {
        let ca = files.path("made-ca.pem");
        let server = Server::polytls(&[
            "--backend",
            &backend,
            "--write-ca",
            &ca,
            files.folder().to_str().unwrap(),
        ]);
        let url = format!("https://{}/hello.txt", server.address);
        let output = curl(&["--cacert", &ca, &url]);
        assert_eq!(
            text(&output.stdout),
            "hello",
            "{backend}: {}",
            text(&output.stderr)
        );
    }
}

fn s_client(server: &Server, files: &Files, args: &[&str], input: &str) -> (bool, String) {
    let mut command = Command::new("openssl");
    command
        .args([
            "s_client",
            "-connect",
            &server.address,
            "-servername",
            "localhost",
        ])
        .args([
            "-verify_hostname",
            "localhost",
            "-verify_return_error",
            "-ign_eof",
        ])
        .args(["-CAfile", &files.path("ca.pem")])
        .args(args);
    let output = run(&mut command, input.as_bytes());
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.success(), said)
}

#[test]
fn openssl_s_client_is_served_by_every_backend_in_both_versions() {
    let files = Files::new();
    files.write("hello.txt", b"hello from a file");
    for backend in backends() {
        let server = Server::serving(
            &backend,
            &files,
            "server",
            &[files.folder().to_str().unwrap()],
        );
        let negotiates = backend.serves_with(SERVER_ALPN);
        let protocol = if negotiates {
            "ALPN protocol: http/1.1"
        } else {
            "No ALPN negotiated"
        };
        for (_, flag, name) in server_versions(&backend) {
            let request = "GET /hello.txt HTTP/1.0\r\n\r\n";
            let (good, said) = s_client(&server, &files, &[flag, "-alpn", "http/1.1"], request);
            assert!(good, "{backend} {name}: {said}");
            for part in ["Verification: OK", name, "hello from a file", protocol] {
                assert!(
                    said.contains(part),
                    "{backend} {name}: no {part:?} in {said}"
                );
            }
        }
        if negotiates {
            let (good, said) = s_client(&server, &files, &["-alpn", "smtp"], "");
            assert!(
                !good && said.contains("no application protocol"),
                "{backend}: {said}"
            );
        } else {
            backend.refuses_to_serve(&files, &["--echo", "--alpn", "smtp"], "ALPN");
        }
        let (good, said) = s_client(
            &server,
            &files,
            &["-tls1_1", "-cipher", "ALL@SECLEVEL=0"],
            "",
        );
        assert!(
            !good && said.contains("alert protocol version"),
            "{backend}: {said}"
        );
    }
}

#[test]
fn openssl_s_client_must_have_a_certificate_where_one_is_required() {
    let files = Files::new();
    files.write("hello.txt", b"hello");
    let (cert, key) = files.identity("client");
    for backend in backends() {
        let ca = files.path("ca.pem");
        let args = ["--client-ca", &ca, files.folder().to_str().unwrap()];
        if !backend.serves_with(&["CLIENT_AUTH_REQUIRED"]) {
            backend.refuses_to_serve(&files, &args, "CLIENT_AUTH_REQUIRED");
            continue;
        }
        let server = Server::serving(&backend, &files, "server", &args);
        for (_, flag, name) in server_versions(&backend) {
            let request = "GET /hello.txt HTTP/1.0\r\n\r\n";
            let (good, said) = s_client(
                &server,
                &files,
                &[flag, "-cert", &cert, "-key", &key],
                request,
            );
            assert!(good && said.contains("200 OK"), "{backend} {name}: {said}");
            let (_, said) = s_client(&server, &files, &[flag], request);
            let alert = if flag == "-tls1_3" {
                "certificate required"
            } else {
                "handshake failure"
            };
            assert!(
                said.contains(alert) && !said.contains("200 OK"),
                "{backend} {name}: {said}"
            );
        }
    }
}

#[test]
fn every_backend_connects_to_openssl_s_server_in_both_versions() {
    let files = Files::new();
    for backend in backends() {
        let chain = if backend.connects_with(&["FACT_PEER_CHAIN"]) {
            "issued by CN=ca"
        } else {
            "CN=server"
        };
        for (version, flag, name) in client_versions(&backend) {
            let told = if backend.connects_with(&["FACT_VERSION"]) {
                name
            } else {
                "version     unknown"
            };
            let server = Server::openssl(&files, &[flag, "-alpn", "demo", "-rev"]);
            let mut connect = polytls(&[
                "connect",
                &server.localhost(),
                "--backend",
                &backend,
                "--ca",
                &files.path("ca.pem"),
                "--alpn",
                "other,demo",
                "--tls-max",
                version,
            ]);
            let output = run(&mut connect, b"desrever\n");
            let facts = text(&output.stderr);
            assert!(output.status.success(), "{backend} {version}: {facts}");
            assert_eq!(
                text(&output.stdout),
                "reversed\n",
                "{backend} {version}: {facts}"
            );
            for part in [
                told,
                "protocol    demo",
                "name sent   localhost",
                "verified    yes",
                "CN=server",
                chain,
            ] {
                assert!(
                    facts.contains(part),
                    "{backend} {version}: no {part:?} in {facts}"
                );
            }
        }
    }
}

#[test]
fn every_backend_presents_its_certificate_to_openssl_s_server() {
    let files = Files::new();
    for backend in backends() {
        for (version, flag, _) in client_versions(&backend) {
            let server = Server::openssl(
                &files,
                &[
                    flag,
                    "-CAfile",
                    &files.path("ca.pem"),
                    "-Verify",
                    "3",
                    "-verify_return_error",
                    "-rev",
                ],
            );
            let common = [
                "connect",
                &server.localhost(),
                "--backend",
                &backend,
                "--ca",
                &files.path("ca.pem"),
            ];
            let (cert, key) = files.identity("client");
            let with = run(
                polytls(&common).args(["--cert", &cert, "--key", &key]),
                b"ba\n",
            );
            assert_eq!(
                text(&with.stdout),
                "ab\n",
                "{backend} {version}: {}",
                text(&with.stderr)
            );
            let without = run(&mut polytls(&common), b"ba\n");
            assert_eq!(
                without.status.code(),
                Some(8),
                "{backend} {version}: {}",
                text(&without.stderr)
            );
            assert!(text(&without.stdout).is_empty());
        }
    }
}

#[test]
fn what_the_server_says_first_arrives_before_anything_is_sent() {
    let files = Files::new();
    for backend in backends() {
        let mut server = Server::openssl(&files, &["-naccept", "1"]);
        server.say("220 ready\n");
        let mut connect = polytls(&[
            "connect",
            &server.localhost(),
            "--backend",
            &backend,
            "--ca",
            &files.path("ca.pem"),
        ]);
        let output = run(&mut connect, b"");
        let said = text(&output.stdout);
        assert!(
            said.starts_with("220 ready\n"),
            "{backend}: {said} {}",
            text(&output.stderr)
        );
    }
}
