//! `polytls serve` and `polytls connect` with programs that others wrote.

use std::fs;
use std::process::Command;

use crate::support::{Files, Server, backends, polytls, run, text};

const VERSIONS: [(&str, &str, &str); 2] =
    [("1.2", "-tls1_2", "TLSv1.2"), ("1.3", "-tls1_3", "TLSv1.3")];

fn curl(args: &[&str]) -> std::process::Output {
    let mut command = Command::new("curl");
    run(
        command
            .args(["--silent", "--show-error", "--max-time", "20"])
            .args(args),
        b"",
    )
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
        for (version, _, _) in VERSIONS {
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
        for (_, flag, name) in VERSIONS {
            let request = "GET /hello.txt HTTP/1.0\r\n\r\n";
            let (good, said) = s_client(&server, &files, &[flag, "-alpn", "http/1.1"], request);
            assert!(good, "{backend} {name}: {said}");
            for part in [
                "Verification: OK",
                name,
                "hello from a file",
                "ALPN protocol: http/1.1",
            ] {
                assert!(
                    said.contains(part),
                    "{backend} {name}: no {part:?} in {said}"
                );
            }
        }
        let (good, said) = s_client(&server, &files, &["-alpn", "smtp"], "");
        assert!(
            !good && said.contains("no application protocol"),
            "{backend}: {said}"
        );
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
        let server = Server::serving(
            &backend,
            &files,
            "server",
            &[
                "--client-ca",
                &files.path("ca.pem"),
                files.folder().to_str().unwrap(),
            ],
        );
        for (_, flag, name) in VERSIONS {
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
        for (version, flag, name) in VERSIONS {
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
                name,
                "protocol    demo",
                "name sent   localhost",
                "verified    yes",
                "CN=server",
                "issued by CN=ca",
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
        for (version, flag, _) in VERSIONS {
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
