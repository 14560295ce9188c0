//! How servers end.

use std::io::Read;
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::client::Client;
use crate::interop::SERVER_ALPN;
use crate::server::{Server, exit_of};
use crate::support::{Files, LONG, RUNTIMES, backends};

/// A client in the middle of a large download.
fn downloading(backend: &str, files: &Files, server: &Server) -> Client {
    let mut client = Client::connect(backend, files, server, &[]);
    client.say(b"GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let head = client.take_head();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    client
}

/// Waits until nobody is let in any more.
fn refuses(server: &Server) {
    let until = Instant::now() + LONG;
    while TcpStream::connect(&server.address).is_ok() {
        assert!(Instant::now() < until, "it still listens");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_drain_ends_who_is_idle_and_lets_the_others_finish() {
    let files = Files::new();
    let (www, large) = files.www();
    for backend in backends() {
        for (runtime, signal) in RUNTIMES.into_iter().zip([Signal::TERM, Signal::INT]) {
            let args = ["--runtime", runtime, &www];
            let server = Server::serving(&backend, &files, "server", &args);
            let busy = downloading(&backend, &files, &server);
            let mut idle = Client::connect(&backend, &files, &server, &[]);
            idle.say(b"GET /small.txt HTTP/1.1\r\nHost: localhost\r\n\r\n");
            idle.take_head();
            assert_eq!(idle.take(5), b"hello", "{backend} {runtime}");

            server.signal(signal);
            // With close_notify, or the exit code would be another.
            assert_eq!(idle.rest(), (vec![], 0), "{backend} {runtime}");
            refuses(&server);
            let (rest, code) = busy.rest();
            assert!(rest == large, "{backend} {runtime}: {} octets", rest.len());
            assert_eq!(code, 0, "{backend} {runtime}");
            assert_eq!(server.gone().code(), Some(0), "{backend} {runtime}");
        }
    }
}

#[test]
fn a_drain_lets_streams_of_http2_finish() {
    let files = Files::new();
    let (www, large) = files.www();
    let ca = files.path("ca.pem");
    for backend in backends() {
        if !backend.serves_with(SERVER_ALPN) {
            let args = ["--runtime", "tokio", "--alpn", "h2", &www];
            backend.refuses_to_serve(&files, &args, "ALPN");
            continue;
        }
        let args = ["--runtime", "tokio", "--alpn", "h2", &www];
        let server = Server::serving(&backend, &files, "server", &args);
        let url = format!("https://{}/large.bin", server.localhost());
        let mut curl = Command::new("curl")
            .args([
                "--silent",
                "--http2",
                "--max-time",
                "30",
                "--cacert",
                &ca,
                &url,
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = curl.stdout.take().unwrap();
        let mut body = vec![0; 1];
        stdout.read_exact(&mut body).unwrap();
        server.signal(Signal::TERM);
        refuses(&server);
        stdout.read_to_end(&mut body).unwrap();
        assert!(body == large, "{backend}: {} octets", body.len());
        assert_eq!(exit_of(&mut curl).code(), Some(0), "{backend}");
        assert_eq!(server.gone().code(), Some(0), "{backend}");
    }
}

#[test]
fn who_does_not_finish_in_time_is_cut_off() {
    let files = Files::new();
    let (www, large) = files.www();
    for backend in backends() {
        for runtime in RUNTIMES {
            let args = ["--runtime", runtime, "--drain-timeout", "0.3", &www];
            let server = Server::serving(&backend, &files, "server", &args);
            let busy = downloading(&backend, &files, &server);
            server.signal(Signal::TERM);
            assert_eq!(server.gone().code(), Some(0), "{backend} {runtime}");
            let (rest, code) = busy.rest();
            assert!(rest.len() < large.len(), "{backend} {runtime}");
            // Truncated: nothing is taken for the whole.
            assert_eq!(code, 11, "{backend} {runtime}");
        }
    }
}

#[test]
fn the_second_signal_ends_it_at_once() {
    let files = Files::new();
    let (www, _) = files.www();
    for backend in backends() {
        for runtime in RUNTIMES {
            let args = ["--runtime", runtime, &www];
            let server = Server::serving(&backend, &files, "server", &args);
            let _busy = downloading(&backend, &files, &server);
            server.signal(Signal::TERM);
            server.told(|line| line["message"] == "draining");
            server.signal(Signal::TERM);
            let signal = server.gone().signal();
            assert_eq!(signal, Some(Signal::TERM.as_raw()), "{backend} {runtime}");
        }
    }
}
