//! `polytls serve` on both runtimes.

use std::io::Read;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::client::Client;
use crate::interop::SERVER_ALPN;
use crate::server::Server;
use crate::support::{Files, LARGE, LONG, RUNTIMES, backends, curl, pattern, polytls, run, text};

#[test]
fn curl_reads_a_large_file_from_both_runtimes_in_each_protocol() {
    let version = text(&curl(&["--version"]).stdout);
    assert!(
        version.contains("HTTP2"),
        "curl lacks HTTP/2, which this test needs; run `cargo xtask setup`: {version}"
    );
    let files = Files::new();
    let ca = files.path("ca.pem");
    let (www, large) = files.www();
    for backend in backends() {
        let negotiates = backend.serves_with(SERVER_ALPN);
        for runtime in RUNTIMES {
            let args = ["--runtime", runtime, &www];
            let server = Server::serving(&backend, &files, "server", &args);
            let url = format!("https://{}/large.bin", server.localhost());
            for asked in ["--http1.1", "--http2"] {
                let h2 = asked == "--http2" && runtime == "tokio" && negotiates;
                let told = ["--write-out", "%{stderr}%{http_version}"];
                let output = curl(&[&["--cacert", &ca, asked, &url], &told[..]].concat());
                let said = text(&output.stderr);
                let what = format!("{backend} {runtime} {asked}: {said}");
                assert_eq!(said, if h2 { "2" } else { "1.1" }, "{what}");
                assert!(output.stdout == large, "{what}: other octets came");
            }
            let part = curl(&["--cacert", &ca, "--range", "250-252", &url]);
            assert_eq!(part.stdout, [250, 0, 1], "{backend} {runtime}");
            let head = text(&curl(&["--cacert", &ca, "--head", &url]).stdout).to_lowercase();
            assert!(head.contains("\r\ncontent-length: 9437184\r\n"), "{head}");
            let posted = curl(&["--cacert", &ca, "--data", "body", "--include", &url]);
            assert!(text(&posted.stdout).contains(" 400"), "{backend} {runtime}");

            let line = server.told(|line| line["message"] == "request" && line["status"] == 200);
            assert_eq!(line["method"], "GET");
            assert_eq!(line["path"], "/large.bin");
            assert_eq!(line["octets"], LARGE);
            assert_eq!(line["outcome"], "complete");
            server.told(|line| line["status"] == 206 && line["octets"] == 3);
            server.told(|line| line["method"] == "HEAD" && line["octets"] == 0);
            let line = server.ended("closed");
            assert_eq!(line["requests"], 1);
            if backend.serves_with(&["FACT_VERSION"]) {
                assert!(line["version"].is_string(), "{backend}: {line}");
            }
        }
    }
}

#[test]
fn a_body_that_does_not_come_is_refused_all_the_same() {
    let files = Files::new();
    let (www, _) = files.www();
    for backend in backends() {
        for runtime in RUNTIMES {
            let args = ["--runtime", runtime, &www];
            let server = Server::serving(&backend, &files, "server", &args);
            let mut client = Client::connect(&backend, &files, &server, &[]);
            client.say(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n1234");
            let head = client.take_head();
            assert!(
                head.starts_with("HTTP/1.1 400 "),
                "{backend} {runtime}: {head}"
            );
        }
    }
}

#[test]
fn protocols_that_are_not_spoken_are_refused() {
    let files = Files::new();
    let folder = files.folder().to_str().unwrap();
    for backend in backends() {
        for (runtime, alpn, part) in [
            ("loop", "h2", "h2 needs --runtime tokio"),
            ("loop", "http/1.1,h2", "h2 needs --runtime tokio"),
            ("loop", "smtp", "not over smtp"),
            ("tokio", "smtp", "h2 and http/1.1"),
        ] {
            let own = ["serve", "--backend", &backend, "--alpn", alpn, folder];
            let output = run(
                &mut polytls(&[&own[..], &["--runtime", runtime]].concat()),
                b"",
            );
            let said = text(&output.stderr);
            assert_eq!(
                output.status.code(),
                Some(3),
                "{backend} {runtime} {alpn}: {said}"
            );
            assert!(said.contains(part), "{backend} {runtime} {alpn}: {said}");
        }
        if !backend.serves_with(SERVER_ALPN) {
            let args = ["--runtime", "tokio", "--alpn", "h2", folder];
            backend.refuses_to_serve(&files, &args, "ALPN");
        }
    }
}

#[test]
fn a_client_that_reads_slowly_holds_nobody_up() {
    let files = Files::new();
    let (www, large) = files.www();
    for backend in backends() {
        let server = Server::serving(&backend, &files, "server", &[&www]);
        let mut slow = Client::connect(&backend, &files, &server, &[]);
        slow.say(b"GET /large.bin HTTP/1.1\r\nConnection: close\r\n\r\n");
        slow.take_head();
        let url = format!("https://{}/small.txt", server.localhost());
        let output = curl(&["--cacert", &files.path("ca.pem"), &url]);
        let said = text(&output.stderr);
        assert_eq!(text(&output.stdout), "hello", "{backend}: {said}");
        assert!(slow.is_there());
        let (rest, code) = slow.rest();
        assert!(rest == large, "{backend}: other octets came");
        assert_eq!(code, 0, "{backend}");
    }
}

#[test]
fn both_runtimes_answer_alike() {
    let files = Files::new();
    let (www, _) = files.www();
    let too_long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(20_000));
    let Some(backend) = backends().into_iter().next() else {
        return;
    };
    for runtime in RUNTIMES {
        let args = ["--runtime", runtime, &www];
        let server = Server::serving(&backend, &files, "server", &args);
        for (request, status) in [
            ("GET /small.txt HTTP/1.0\r\n\r\n", "200"),
            ("HEAD /small.txt HTTP/1.1\r\n\r\n", "200"),
            ("GET /small.txt HTTP/1.1\r\nRange: bytes=9-\r\n\r\n", "416"),
            ("GET /../ca.pem HTTP/1.1\r\n\r\n", "404"),
            ("GET /%2e%2e/ca.pem HTTP/1.1\r\n\r\n", "404"),
            ("GET /none HTTP/1.1\r\n\r\n", "404"),
            ("DELETE /small.txt HTTP/1.1\r\n\r\n", "405"),
            ("GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /", "400"),
            ("nonsense\r\n\r\n", "400"),
            (&too_long, "431"),
        ] {
            let mut client = Client::connect(&backend, &files, &server, &[]);
            client.say(request.as_bytes());
            client.end();
            let (answer, code) = client.rest();
            let answer = text(&answer);
            assert_eq!(code, 0, "{runtime} {request}: {answer}");
            let told = answer.split(' ').nth(1);
            assert_eq!(told, Some(status), "{runtime} {request}: {answer}");
            let has_body = answer.ends_with("hello");
            assert_eq!(
                has_body,
                request.starts_with("GET /small.txt HTTP/1.0"),
                "{answer}"
            );
        }
    }
}

#[test]
fn a_client_that_has_ended_its_direction_gets_its_answers() {
    let files = Files::new();
    let (www, large) = files.www();
    for backend in backends() {
        for runtime in RUNTIMES {
            let args = ["--runtime", runtime, &www];
            let server = Server::serving(&backend, &files, "server", &args);
            let mut client = Client::connect(&backend, &files, &server, &[]);
            client.say(b"GET /small.txt HTTP/1.1\r\nHost: localhost\r\n\r\n");
            client.say(b"GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n");
            client.end();
            client.take_head();
            assert_eq!(client.take(5), b"hello", "{backend} {runtime}");
            client.take_head();
            let (rest, code) = client.rest();
            assert!(rest == large, "{backend} {runtime}: {} octets", rest.len());
            assert_eq!(code, 0, "{backend} {runtime}");
        }
    }
}

#[test]
fn both_runtimes_send_back_what_comes() {
    let files = Files::new();
    // More than is held on the way: what finds no room waits.
    let sent = pattern(2 << 20);
    for backend in backends() {
        for runtime in RUNTIMES {
            let args = ["--echo", "--runtime", runtime];
            let server = Server::serving(&backend, &files, "server", &args);
            let mut client = Client::connect(&backend, &files, &server, &[]);
            let back = client.exchange(&sent);
            assert!(back == sent, "{backend} {runtime}: other octets came");
            client.end();
            assert_eq!(client.rest(), (vec![], 0), "{backend} {runtime}");
            let line = server.ended("closed");
            assert_eq!(line["received"], sent.len(), "{backend} {runtime}");
            assert_eq!(line["sent"], sent.len(), "{backend} {runtime}");
        }
    }
}

#[test]
fn more_clients_than_may_be_wait_and_more_of_one_address_are_refused() {
    let files = Files::new();
    for backend in backends() {
        for runtime in RUNTIMES {
            let args = ["--echo", "--runtime", runtime, "--connections", "1"];
            let server = Server::serving(&backend, &files, "server", &args);
            let mut first = Client::connect(&backend, &files, &server, &[]);
            first.say(b"x");
            assert_eq!(first.take(1), b"x");
            let mut second = Client::connect(&backend, &files, &server, &["--facts-only"]);
            thread::sleep(Duration::from_millis(200));
            assert!(second.is_there(), "{backend} {runtime}");
            drop(first);
            assert_eq!(second.rest().1, 0, "{backend} {runtime}");

            let args = ["--echo", "--runtime", runtime, "--per-address", "1"];
            let server = Server::serving(&backend, &files, "server", &args);
            let mut first = Client::connect(&backend, &files, &server, &[]);
            first.say(b"x");
            assert_eq!(first.take(1), b"x");
            let second = Client::connect(&backend, &files, &server, &["--facts-only"]);
            assert_ne!(second.rest().1, 0, "{backend} {runtime}");
            server.ended("refused");
        }
    }
}

#[test]
fn more_handshakes_than_may_be_wait() {
    let files = Files::new();
    for backend in backends() {
        for runtime in RUNTIMES {
            let args = ["--echo", "--runtime", runtime, "--handshakes", "1"];
            let server = Server::serving(&backend, &files, "server", &args);
            let silent = TcpStream::connect(&server.address).unwrap();
            let mut second = Client::connect(&backend, &files, &server, &["--facts-only"]);
            thread::sleep(Duration::from_millis(200));
            assert!(second.is_there(), "{backend} {runtime}");
            drop(silent);
            assert_eq!(second.rest().1, 0, "{backend} {runtime}");
        }
    }
}

#[test]
fn who_says_nothing_is_closed() {
    let files = Files::new();
    let (www, _) = files.www();
    // All of them at once: they do little but wait.
    thread::scope(|scope| {
        for backend in backends() {
            for runtime in RUNTIMES {
                let (files, www, backend) = (&files, &www, backend.to_string());
                scope.spawn(move || says_nothing(&backend, runtime, files, www));
            }
        }
    });
}

fn says_nothing(backend: &str, runtime: &str, files: &Files, www: &str) {
    let args = ["--runtime", runtime, "--timeout", "2", www];
    let server = Server::serving(backend, files, "server", &args);
    // Before the handshake, and in a request's head that does not come to its
    // end, though it goes on and on.
    let mut silent = TcpStream::connect(&server.address).unwrap();
    let mut slow = Client::connect(backend, files, &server, &["--timeout", "20"]);
    slow.say(b"GET / HTTP/1.1\r\nHost:");
    let slow = thread::spawn(move || {
        slow.drip();
        slow.rest()
    });
    // An idle connection ends in order. On a slow machine the first ones may
    // be too late.
    let request = b"GET /small.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let clients =
        std::iter::repeat_with(|| Client::connect(backend, files, &server, &["--timeout", "20"]));
    let idle = clients
        .take(10)
        .find_map(|mut client| client.hears(request, b"\r\n\r\nhello").then_some(client))
        .unwrap_or_else(|| panic!("{backend} {runtime}: nobody was answered"));
    assert_eq!(idle.rest(), (vec![], 0), "{backend} {runtime}");
    let (rest, code) = slow.join().unwrap();
    assert!(rest.is_empty(), "{backend} {runtime}");
    // Truncated, or reset where something was not received.
    assert!([5, 11].contains(&code), "{backend} {runtime}: {code}");
    silent.set_read_timeout(Some(LONG)).unwrap();
    let end = silent.read(&mut [0; 64]);
    let waits = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
    assert!(
        !end.as_ref().is_err_and(waits),
        "{backend} {runtime}: {end:?}"
    );
}
