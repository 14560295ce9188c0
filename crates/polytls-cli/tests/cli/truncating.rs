//! What breaks on one side of `polytls proxy` never ends cleanly on the other.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;

use crate::client::Client;
use crate::proxying::{originating, terminating};
use crate::server::Server;
use crate::support::{Files, backends};
use crate::upstream::{any_echo, connect, exchange, listen, patient, reset, rest};

/// Waits until this has come.
fn take(mut stream: &TcpStream, expected: &[u8]) {
    let mut taken = vec![0; expected.len()];
    stream.read_exact(&mut taken).unwrap();
    assert_eq!(taken, expected);
}

#[test]
fn a_client_that_breaks_off_resets_a_plain_upstream() {
    let files = Files::new();
    let (listener, address) = listen();
    for backend in backends() {
        let proxy = terminating(&backend, &files, &address, &[]);
        let mut client = Client::connect(&backend, &files, &proxy, &[]);
        client.say(b"half a message");
        let mut stream = patient(listener.accept().unwrap().0);
        take(&stream, b"half a message");
        // What a client leaves unread makes a reset of its end.
        stream.write_all(b"go on").unwrap();
        assert_eq!(client.take(5), b"go on", "{backend}");
        drop(client);
        assert_eq!(rest(&stream), (vec![], true), "{backend}");
        assert_eq!(proxy.ended("truncated")["by"], "client", "{backend}");
    }
    let proxy = Server::proxy(&address, &[]);
    let mut client = connect(&proxy);
    client.write_all(b"half a message").unwrap();
    let stream = patient(listener.accept().unwrap().0);
    take(&stream, b"half a message");
    reset(client);
    assert_eq!(rest(&stream), (vec![], true));
    assert_eq!(proxy.ended("reset")["by"], "client");
}

#[test]
fn a_client_that_breaks_off_truncates_an_upstream_under_tls() {
    let files = Files::new();
    for backend in backends() {
        let upstream = Server::serving(&backend, &files, "server", &["--echo"]);
        let proxy = originating(&backend, &files, &upstream.localhost(), &[]);
        let client = connect(&proxy);
        assert_eq!(exchange(&client, b"half"), b"half", "{backend}");
        reset(client);
        assert_eq!(proxy.ended("reset")["by"], "client", "{backend}");
        assert_eq!(upstream.ended("truncated")["received"], 4, "{backend}");

        let ca = files.path("ca.pem");
        let args = ["--originate", "--ca", &ca];
        let proxy = terminating(&backend, &files, &upstream.localhost(), &args);
        let mut client = Client::connect(&backend, &files, &proxy, &[]);
        assert_eq!(client.exchange(b"a part"), b"a part", "{backend}");
        drop(client);
        assert_eq!(proxy.ended("truncated")["by"], "client", "{backend}");
        let is_second = |line: &serde_json::Value| line["received"] == 6;
        let line = upstream.told(is_second);
        assert_eq!(line["outcome"], "truncated", "{backend}");
    }
}

#[test]
fn an_upstream_that_breaks_off_truncates_a_client_under_tls() {
    let files = Files::new();
    let (listener, address) = listen();
    for backend in backends() {
        let proxy = terminating(&backend, &files, &address, &[]);
        let mut client = Client::connect(&backend, &files, &proxy, &[]);
        let mut stream = patient(listener.accept().unwrap().0);
        stream.write_all(b"half an answer").unwrap();
        assert_eq!(client.take(14), b"half an answer", "{backend}");
        reset(stream);
        assert_eq!(client.rest(), (vec![], 11), "{backend}");
        assert_eq!(proxy.ended("reset")["by"], "upstream", "{backend}");
    }
}

#[test]
fn an_upstream_under_tls_that_breaks_off_is_no_clean_end() {
    let files = Files::new();
    for backend in backends() {
        let upstream = Server::serving(&backend, &files, "server", &["--echo"]);
        let plain = originating(&backend, &files, &upstream.localhost(), &[]);
        let ca = files.path("ca.pem");
        let args = ["--originate", "--ca", &ca];
        let both = terminating(&backend, &files, &upstream.localhost(), &args);
        let of_plain = connect(&plain);
        assert_eq!(exchange(&of_plain, b"half"), b"half", "{backend}");
        let mut of_both = Client::connect(&backend, &files, &both, &[]);
        assert_eq!(of_both.exchange(b"half"), b"half", "{backend}");
        // It has no time to say goodbye.
        upstream.signal(Signal::KILL);
        assert_eq!(rest(&of_plain), (vec![], true), "{backend}");
        assert_eq!(of_both.rest(), (vec![], 11), "{backend}");
        for proxy in [plain, both] {
            assert_eq!(proxy.ended("truncated")["by"], "upstream", "{backend}");
        }
    }
}

#[test]
fn what_the_proxy_cuts_off_does_not_look_complete() {
    let files = Files::new();
    let (listener, address) = listen();
    for backend in backends() {
        let proxy = terminating(&backend, &files, &address, &["--idle-timeout", "0.3"]);
        let client = Client::connect(&backend, &files, &proxy, &[]);
        let stream = patient(listener.accept().unwrap().0);
        assert_eq!(client.rest(), (vec![], 11), "{backend}");
        assert_eq!(rest(&stream), (vec![], true), "{backend}");
        proxy.ended("idle-timeout");

        let proxy = terminating(&backend, &files, &address, &["--drain-timeout", "0.3"]);
        let mut client = Client::connect(&backend, &files, &proxy, &[]);
        client.say(b"half a message");
        let stream = patient(listener.accept().unwrap().0);
        take(&stream, b"half a message");
        proxy.signal(Signal::TERM);
        assert_eq!(client.rest(), (vec![], 11), "{backend}");
        assert_eq!(rest(&stream), (vec![], true), "{backend}");
        proxy.ended("drained");
        assert_eq!(proxy.gone().code(), Some(0), "{backend}");
    }
    let proxy = Server::proxy(&any_echo(), &["--idle-timeout", "0.3"]);
    assert_eq!(rest(&connect(&proxy)), (vec![], true));
}
