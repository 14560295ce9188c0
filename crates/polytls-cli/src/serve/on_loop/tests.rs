//! HTTP on the loop, without TLS beneath.

use std::fs;
use std::io::Read;

use polytls::poll::{Event, Events, Options, Poll};
use polytls::tls::AnyBackend;
use polytls::{SHUTDOWN_TIMEOUT, Socket};

use super::http::Http;
use super::talk::{Talk, Turn};
use crate::serve::heads::MAX_HEAD;

fn folder() -> tempfile::TempDir {
    let outer = tempfile::tempdir().unwrap();
    fs::write(outer.path().join("secret"), "secret").unwrap();
    let folder = outer.path().join("www");
    fs::create_dir_all(folder.join("a <b>")).unwrap();
    fs::write(folder.join("a <b>/page.txt"), "page").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("../secret", folder.join("link")).unwrap();
    outer
}

/// Serves one connection until it closes or breaks, and tells which.
fn serve(server: Socket<AnyBackend>, mut talk: Talk) -> bool {
    let mut poll = Poll::new().unwrap();
    let token = poll.add(server, &Options::new()).unwrap();
    let (mut events, mut buf) = (Events::new(), vec![0; 64 * 1024]);
    let mut again = false;
    loop {
        let wait = again.then_some(std::time::Duration::ZERO);
        poll.poll(&mut events, wait).unwrap();
        for event in &events {
            match event {
                Event::Ended(_) => talk.ended(),
                last if last.is_final() => return false,
                _ => {}
            }
        }
        let mut connection = poll.connection(token).unwrap();
        again = match talk.turn(&mut connection, &mut buf) {
            Turn::Waits => false,
            Turn::Again => true,
            Turn::Close => {
                connection.shutdown_write();
                return true;
            }
            Turn::Broken(_) => return false,
        };
        match talk.reads() {
            true => connection.resume_reading(),
            false => connection.pause_reading(),
        }
    }
}

fn ask(requests: &str) -> String {
    let outer = folder();
    let (mut client, server) = Socket::<AnyBackend>::pair().unwrap();
    // Both directions have room for all of it.
    client.send_all(requests.as_bytes()).unwrap();
    client.shutdown_write(SHUTDOWN_TIMEOUT).unwrap();
    let folder = outer.path().join("www").as_path().into();
    let talk = Talk::Http(Box::new(Http::new(folder, "peer")));
    assert!(serve(server, talk), "it was cut off");
    let mut answers = String::new();
    let ended = client.read_to_string(&mut answers);
    // Requests that were not read make a reset of the end.
    assert!(ended.is_ok() || !answers.is_empty(), "{ended:?}");
    answers
}

fn get(path: &str) -> String {
    ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
}

#[test]
fn a_file_is_sent_with_its_length_and_type() {
    let answer = get("/a%20%3Cb%3E/page.txt?query");
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Type: text/plain\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\npage"), "{answer}");
}

#[test]
fn nothing_outside_the_folder_is_sent() {
    for path in [
        "/../secret",
        "/%2e%2e/secret",
        "/a%20%3Cb%3E/../../secret",
        "/link",
        "/..%5csecret",
        "/%00",
        "//etc/passwd",
    ] {
        let answer = get(path);
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
}

#[test]
fn a_folder_is_listed_with_escaped_names() {
    let answer = get("/");
    assert!(
        answer.contains("<a href=\"./a%20%3Cb%3E/\">a &lt;b>/</a>"),
        "{answer}"
    );
    assert!(get("/a%20%3Cb%3E").contains("Location: /a%20%3Cb%3E/\r\n"));
}

#[test]
fn connections_are_kept_and_closed_as_asked() {
    let answer = ask(
        "HEAD /a%20%3Cb%3E/page.txt HTTP/1.1\r\n\r\nGET /none HTTP/1.1\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    );
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 2, "{answer}");
    assert!(!answer.contains("page\n"));
    assert!(answer.contains("Connection: close"));
    assert_eq!(
        ask("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n")
            .matches("HTTP/1.1 ")
            .count(),
        1
    );
}

#[test]
fn bad_requests_get_an_answer_and_the_end() {
    for (request, status) in [
        ("POST / HTTP/1.1\r\n\r\n", "405"),
        ("GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /", "400"),
        (
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "400",
        ),
        ("nonsense\r\n\r\n", "400"),
        ("GET / HTTP/9.9\r\n\r\n", "505"),
        (
            &format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(MAX_HEAD)),
            "431",
        ),
    ] {
        let answer = ask(request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
}

#[test]
fn a_request_that_breaks_off_has_no_clean_end() {
    let outer = folder();
    let (mut client, server) = Socket::<AnyBackend>::pair().unwrap();
    client.send_all(b"GET / HTTP/1.1\r\nHost:").unwrap();
    client.shutdown_write(SHUTDOWN_TIMEOUT).unwrap();
    let http = Http::new(outer.path().into(), "peer");
    assert!(!serve(server, Talk::Http(Box::new(http))));
}
