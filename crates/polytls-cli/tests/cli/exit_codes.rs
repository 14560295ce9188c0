//! Each kind of failure has its exit code, and says where it happened and what
//! to do.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::server::Server;
use crate::support::{Backend, Files, backends, polytls, run, text};

/// `polytls connect` with these arguments: its exit code and what it said.
fn connect(backend: &str, args: &[&str]) -> (i32, String) {
    let mut command = polytls(&["connect", "--backend", backend, "--facts-only"]);
    let output = run(command.args(args), b"");
    (output.status.code().unwrap(), text(&output.stderr))
}

#[test]
fn a_refused_certificate_says_why_and_what_to_do() {
    let files = Files::new();
    let ca = files.path("ca.pem");
    for backend in backends() {
        for (leaf, ca, reason, advice) in [
            (
                "server",
                &files.path("other-ca.pem"),
                "trusted root",
                "--ca",
            ),
            ("expired", &ca, "expired", "clock"),
            ("elsewhere", &ca, "name", "--server-name"),
            ("client", &ca, "purpose", "serverAuth"),
        ] {
            let server = Server::serving(&backend, &files, leaf, &["--echo"]);
            // The client's certificate has another name as well.
            let name = if leaf == "client" {
                "client.example"
            } else {
                "localhost"
            };
            let (code, said) = connect(
                &backend,
                &[&server.localhost(), "--server-name", name, "--ca", ca],
            );
            assert_eq!(code, 7, "{backend} {leaf}: {said}");
            for part in ["the handshake failed", reason, advice] {
                assert!(
                    said.contains(part),
                    "{backend} {leaf}: no {part:?} in {said}"
                );
            }
        }
    }
}

#[test]
fn danger_relaxes_what_it_names_and_nothing_else() {
    let files = Files::new();
    let ca = files.path("ca.pem");
    for backend in backends() {
        let server = Server::serving(&backend, &files, "elsewhere", &["--echo"]);
        let target = server.localhost();
        let any_name = ["--danger-accept-any-name", "--ca"];
        let (code, said) = connect(&backend, &[&[&*target], &any_name[..], &[&*ca]].concat());
        assert_eq!(code, 0, "{backend}: {said}");
        let other = files.path("other-ca.pem");
        let (code, said) = connect(&backend, &[&[&*target], &any_name[..], &[&*other]].concat());
        assert_eq!(code, 7, "{backend}: {said}");
        let (code, said) = connect(&backend, &[&target, "--danger-accept-any-certificate"]);
        assert_eq!(code, 0, "{backend}: {said}");
        assert!(said.contains("verified    NO"), "{backend}: {said}");
        assert_eq!(connect(&backend, &[&target, "--insecure"]).0, 2);
    }
}

#[test]
fn wrong_settings_are_refused_before_anything_is_sent() {
    let files = Files::new();
    let ca = files.path("ca.pem");
    for backend in backends() {
        // Nothing listens on port 9 of this address: a connection would give 5.
        let target = "127.0.0.1:9";
        let broken = files.write(
            "broken.pem",
            b"-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n",
        );
        for (args, code, part) in [
            (&["--ca", "/no/such/file"][..], 3, "/no/such/file"),
            (&["--ca", broken.to_str().unwrap()], 3, "broken.pem"),
            (
                &["--ca", &ca, "--tls-min", "1.3", "--tls-max", "1.2"],
                3,
                "min_version",
            ),
            (&["--ca", &ca, "--alpn", ""], 3, "alpn"),
            (&["--ca", &ca, "--server-name", "a b"], 3, "server_name"),
            (
                &[
                    "--ca",
                    &ca,
                    "--cert",
                    &files.path("client.pem"),
                    "--key",
                    &files.path("server.key"),
                ],
                3,
                "identity",
            ),
            (&["--ca", &ca, "--suites", "NONE"], 2, "NONE"),
            (&["--ca", &ca, "--timeout", "0"], 2, "timeout"),
            (&["--ca", &ca, "--cert", "x"], 2, "--key"),
            (&["--ca", &ca], 5, "nothing listens"),
        ] {
            let (got, said) = connect(&backend, &[&[target], args].concat());
            assert_eq!(got, code, "{backend} {args:?}: {said}");
            assert!(
                said.contains(part),
                "{backend} {args:?}: no {part:?} in {said}"
            );
        }
    }
    let (code, said) = connect("none-such", &["127.0.0.1:9", "--ca", &ca]);
    assert_eq!(code, 3, "{said}");
}

#[test]
fn a_backend_that_lacks_a_setting_says_so() {
    let files = Files::new();
    let known = [("rustls", "secp521r1"), ("openssl", "SecP384r1MLKEM1024")];
    for (backend, group) in known {
        let listed = polytls(&["backends", "--json"]).output().unwrap();
        let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
        let info = listed
            .as_array()
            .unwrap()
            .iter()
            .find(|info| info["name"] == backend);
        let Some(info) = info else { continue };
        let has = info["groups"]
            .as_array()
            .unwrap()
            .iter()
            .any(|name| name == group);
        let args = [
            "127.0.0.1:9",
            "--ca",
            &files.path("ca.pem"),
            "--tls-min",
            "1.3",
            "--groups",
            group,
        ];
        let (code, said) = connect(backend, &args);
        let expected = if has { 5 } else { 4 };
        assert_eq!(code, expected, "{backend} {group}: {said}");
        assert!(
            has || said.contains("polytls backends"),
            "{backend}: {said}"
        );
    }
}

/// Accepts one connection, reads a little, answers this, and hangs up; or
/// stays silent until the client leaves.
fn other_server(answer: Option<&'static [u8]>) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buf = [0; 4096];
        match answer {
            Some(answer) => {
                let _ = stream.read(&mut buf);
                let _ = stream.write_all(answer);
            }
            None => while stream.read(&mut buf).is_ok_and(|read| read > 0) {},
        }
    });
    (format!("localhost:{port}"), serving)
}

#[test]
fn a_peer_that_does_not_speak_tls_or_says_nothing_is_told_apart() {
    let files = Files::new();
    let ca = files.path("ca.pem");
    for backend in backends() {
        for (answer, code, part) in [
            (
                Some(&b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"[..]),
                10,
                "does not speak TLS",
            ),
            (Some(b"220 mail.example ESMTP\r\n"), 10, "STARTTLS"),
            (Some(b""), 11, "close_notify"),
            (None, 6, "--timeout"),
        ] {
            let (target, serving) = other_server(answer);
            let (got, said) = connect(&backend, &[&target, "--ca", &ca, "--timeout", "1"]);
            assert_eq!(got, code, "{backend}: {said}");
            assert!(said.contains(part), "{backend}: no {part:?} in {said}");
            assert!(said.contains("the handshake failed"), "{backend}: {said}");
            serving.join().unwrap();
        }
    }
}

#[test]
fn settings_that_the_sides_do_not_share_are_told() {
    let files = Files::new();
    let ca = files.path("ca.pem");
    let strict = ["--echo", "--tls-min", "1.3", "--alpn", "demo"];
    // Who serves is not the matter here, but somebody must.
    let serves = |backend: &Backend| backend.serves_with(&["TLS13", "ALPN", "ALPN_STRICT"]);
    let Some(serving) = backends().into_iter().find(serves) else {
        for backend in backends() {
            backend.refuses_to_serve(&files, &strict, "TLS13");
        }
        return;
    };
    for backend in backends() {
        let by = if serves(&backend) { &backend } else { &serving };
        let server = Server::serving(by, &files, "server", &strict);
        let target = server.localhost();
        let (code, said) = connect(&backend, &[&target, "--ca", &ca, "--tls-max", "1.2"]);
        assert_eq!(code, 8, "{backend}: {said}");
        assert!(
            said.contains("protocol_version") && said.contains("--tls-m"),
            "{backend}: {said}"
        );
        let (code, said) = connect(&backend, &[&target, "--ca", &ca, "--alpn", "other"]);
        assert_eq!(code, 8, "{backend}: {said}");
        assert!(
            said.contains("no_application_protocol"),
            "{backend}: {said}"
        );
    }
}

#[test]
fn every_pair_passes_the_demonstration() {
    let output = run(&mut polytls(&["demo", "--volume", "1"]), b"");
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    for client in backends() {
        for server in backends() {
            let speaks =
                |version| client.connects_with(&[version]) && server.serves_with(&[version]);
            let told =
                client.connects_with(&["FACT_VERSION"]) || server.serves_with(&["FACT_VERSION"]);
            let version = match told {
                false => "unknown",
                true if speaks("TLS13") => "TLSv1.3",
                true => "TLSv1.2",
            };
            let row = format!("{client:11}{server:11}{version}");
            assert!(said.contains(&row), "no {row:?} in {said}");
        }
    }
}

#[test]
fn help_is_there_for_every_command() {
    for command in ["backends", "connect", "serve", "proxy", "demo"] {
        let output = run(&mut polytls(&[command, "--help"]), b"");
        assert!(output.status.success(), "{command}");
        assert!(text(&output.stdout).contains("Usage: polytls"), "{command}");
    }
    assert!(text(&run(&mut polytls(&["--help"]), b"").stdout).contains("Exit codes"));
    assert_eq!(run(&mut polytls(&[]), b"").status.code(), Some(2));
}

#[test]
fn the_guide_tells_the_same_exit_codes() {
    let guide = include_str!("../../../../docs/src/command.md");
    let (_, guide) = guide.split_once("## Exit codes").unwrap();
    let told: Vec<_> = guide
        .lines()
        .filter_map(|line| {
            let (code, meaning) = line.strip_prefix("| ")?.split_once(" | ")?;
            let code: u8 = code.parse().ok()?;
            let meaning = meaning.strip_suffix(" |")?.replace('`', "");
            Some(format!("{code:4}  {meaning}"))
        })
        .collect();
    let help = text(&run(&mut polytls(&["--help"]), b"").stdout);
    let (_, help) = help.split_once("Exit codes:\n").unwrap();
    let help: Vec<_> = help.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(told, help);
}
