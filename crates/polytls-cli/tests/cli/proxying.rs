//! `polytls proxy` carries octets and ends across.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use crate::client::Client;
use crate::interop::SERVER_ALPN;
use crate::server::Server;
use crate::support::{Files, LONG, backends, pattern, polytls, run, text};
use crate::upstream::{Reserved, answer, any_echo, connect, echo, exchange, listen, patient, rest};

/// More than is held on the way.
const MUCH: usize = 2 << 20;

/// A proxy that speaks TLS with clients.
pub(crate) fn terminating(backend: &str, files: &Files, upstream: &str, args: &[&str]) -> Server {
    let (cert, key) = files.identity("server");
    let own = [
        "--terminate",
        "--backend",
        backend,
        "--cert",
        &cert,
        "--key",
        &key,
    ];
    Server::proxy(upstream, &[&own, args].concat())
}

/// A proxy that speaks TLS with the upstream.
pub(crate) fn originating(backend: &str, files: &Files, upstream: &str, args: &[&str]) -> Server {
    let ca = files.path("ca.pem");
    let own = ["--originate", "--backend", backend, "--ca", &ca];
    Server::proxy(upstream, &[&own, args].concat())
}

/// The line of the connection that carried so much each way, and its facts.
fn carried(proxy: &Server, octets: usize, client_tls: bool, upstream_tls: bool) -> Value {
    let line = proxy.ended("closed");
    assert_eq!(line["to_upstream"], octets, "{line}");
    assert_eq!(line["to_client"], octets, "{line}");
    assert!(
        line["peer"].is_string() && line["upstream"].is_string(),
        "{line}"
    );
    assert!(line["ms"].is_u64() && line["by"].is_null(), "{line}");
    if !client_tls {
        assert!(line["client_version"].is_null(), "{line}");
    }
    if !upstream_tls {
        assert!(line["upstream_sni"].is_null(), "{line}");
    }
    line
}

#[test]
fn a_plain_proxy_carries_octets_and_both_ends() {
    let proxy = Server::proxy(&any_echo(), &[]);
    let (client, sent) = (connect(&proxy), pattern(MUCH));
    assert!(exchange(&client, &sent) == sent, "other octets came");
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&client), (vec![], false));
    carried(&proxy, MUCH, false, false);
}

#[test]
fn every_backend_takes_tls_off() {
    let (files, sent) = (Files::new(), pattern(MUCH));
    let upstream = any_echo();
    for backend in backends() {
        let proxy = terminating(&backend, &files, &upstream, &[]);
        let mut client = Client::connect(&backend, &files, &proxy, &[]);
        assert!(
            client.exchange(&sent) == sent,
            "{backend}: other octets came"
        );
        // Its end goes up, and that of the upstream comes down.
        client.end();
        assert_eq!(client.rest(), (vec![], 0), "{backend}");
        let line = carried(&proxy, MUCH, true, false);
        if backend.serves_with(&["FACT_VERSION", "FACT_CIPHER_SUITE", "SNI"]) {
            assert_eq!(line["client_version"], "TLSv1.3", "{backend}");
            assert!(line["client_suite"].is_string(), "{backend}: {line}");
            assert_eq!(line["client_sni"], "localhost", "{backend}");
        }
    }
}

#[test]
fn a_proxy_without_certificate_makes_one_that_can_be_verified() {
    let (files, upstream) = (Files::new(), any_echo());
    let ca = files.path("made-ca.pem");
    for backend in backends() {
        let args = ["--terminate", "--backend", &backend, "--write-ca", &ca];
        let proxy = Server::proxy(&upstream, &args);
        for (ca, code) in [(&ca, 0), (&files.path("ca.pem"), 7)] {
            let own = ["connect", &proxy.localhost(), "--backend", &backend];
            let output = run(polytls(&own).args(["--facts-only", "--ca", ca]), b"");
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{backend}: {said}");
        }
    }
}

#[test]
fn every_backend_puts_tls_on() {
    let (files, sent) = (Files::new(), pattern(MUCH));
    for backend in backends() {
        let upstream = Server::serving(&backend, &files, "server", &["--echo"]);
        let proxy = originating(&backend, &files, &upstream.localhost(), &[]);
        let client = connect(&proxy);
        assert!(
            exchange(&client, &sent) == sent,
            "{backend}: other octets came"
        );
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(rest(&client), (vec![], false), "{backend}");
        let line = carried(&proxy, MUCH, false, true);
        assert_eq!(line["upstream_sni"], "localhost", "{backend}");
        // The upstream saw a clean end as well.
        upstream.ended("closed");
    }
}

#[test]
fn every_backend_is_on_both_sides_of_a_proxy_with_another() {
    let (files, sent) = (Files::new(), pattern(MUCH));
    let all = backends();
    for (backend, other) in all.iter().zip(all.iter().cycle().skip(1)) {
        let upstream = Server::serving(other, &files, "server", &["--echo"]);
        let ca = files.path("ca.pem");
        let args = ["--originate", "--ca", &ca, "--upstream-backend", other];
        let proxy = terminating(backend, &files, &upstream.localhost(), &args);
        let mut client = Client::connect(backend, &files, &proxy, &[]);
        assert!(
            client.exchange(&sent) == sent,
            "{backend} {other}: other octets came"
        );
        client.end();
        assert_eq!(client.rest(), (vec![], 0), "{backend} {other}");
        carried(&proxy, MUCH, true, true);
    }
}

#[test]
fn the_upstreams_end_goes_down_while_the_client_still_sends() {
    let (listener, address) = listen();
    let proxy = Server::proxy(&address, &[]);
    let client = connect(&proxy);
    let mut upstream = patient(listener.accept().unwrap().0);
    upstream.write_all(b"bye").unwrap();
    upstream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&client), (b"bye".to_vec(), false));
    let mut sending = &client;
    sending.write_all(b"but one more thing").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut came = String::new();
    upstream.read_to_string(&mut came).unwrap();
    assert_eq!(came, "but one more thing");
    proxy.ended("closed");
}

#[test]
fn an_upstream_that_is_not_there_is_told_and_may_come_back() {
    let files = Files::new();
    for backend in backends() {
        let nobody = Reserved::new();
        let proxy = terminating(&backend, &files, &nobody.address(), &["--timeout", "20"]);
        let client = Client::connect(&backend, &files, &proxy, &[]);
        // The end must not look clean.
        assert_eq!(client.rest(), (vec![], 11), "{backend}");
        let line = proxy.ended("connect");
        assert_eq!(line["by"], "upstream", "{backend}: {line}");
        assert!(
            line["error"].as_str().unwrap().contains("cannot connect"),
            "{line}"
        );

        echo(nobody.listen());
        let mut client = Client::connect(&backend, &files, &proxy, &[]);
        assert_eq!(client.exchange(b"there"), b"there", "{backend}");
        client.end();
        assert_eq!(client.rest().1, 0, "{backend}");
    }
    let nobody = Reserved::new();
    let proxy = Server::proxy(&nobody.address(), &[]);
    assert_eq!(rest(&connect(&proxy)), (vec![], true));
}

#[test]
fn an_upstream_that_is_not_trusted_gets_nothing() {
    let files = Files::new();
    for backend in backends() {
        let upstream = Server::serving(&backend, &files, "elsewhere", &["--echo"]);
        let proxy = originating(&backend, &files, &upstream.localhost(), &[]);
        let client = connect(&proxy);
        assert_eq!(rest(&client), (vec![], true), "{backend}");
        assert_eq!(proxy.ended("certificate")["by"], "upstream", "{backend}");
        let named = ["--server-name", "elsewhere.example"];
        let proxy = originating(&backend, &files, &upstream.localhost(), &named);
        assert_eq!(exchange(&connect(&proxy), b"hello"), b"hello", "{backend}");
    }
}

#[test]
fn connections_are_made_in_advance() {
    let (listener, address) = listen();
    let proxy = Server::proxy(&address, &["--prewarm", "2"]);
    for _ in 0..2 {
        answer(listener.accept().unwrap().0);
    }
    echo(listener);
    // A client that comes before they are in the pool gets one of its own.
    let was_ready = |line: &Value| line["upstream_was_ready"] == true;
    let until = Instant::now() + LONG;
    while !proxy.has_told(was_ready) {
        assert!(Instant::now() < until, "nobody got one of them");
        let client = connect(&proxy);
        assert_eq!(exchange(&client, b"hello"), b"hello");
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(rest(&client), (vec![], false));
    }
}

#[test]
fn the_upstream_is_offered_what_the_client_chose() {
    let files = Files::new();
    let ca = files.path("ca.pem");
    for backend in backends() {
        if !(backend.serves_with(SERVER_ALPN) && backend.connects_with(&["ALPN"])) {
            let (cert, key) = files.identity("server");
            let own = [
                "proxy",
                "--listen",
                "127.0.0.1:0",
                "--upstream",
                "localhost:1",
            ];
            let tls = ["--terminate", "--backend", &backend, "--alpn", "h2"];
            let identity = ["--cert", &cert, "--key", &key];
            let output = run(&mut polytls(&[&own[..], &tls, &identity].concat()), b"");
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(4), "{backend}: {said}");
            continue;
        }
        let args = ["--echo", "--alpn", "http/1.1"];
        let upstream = Server::serving(&backend, &files, "server", &args);
        let args = ["--originate", "--ca", &ca, "--alpn", "h2,http/1.1"];
        let proxy = terminating(&backend, &files, &upstream.localhost(), &args);
        let mut client = Client::connect(&backend, &files, &proxy, &["--alpn", "http/1.1"]);
        assert_eq!(client.exchange(b"hello"), b"hello", "{backend}");
        client.end();
        assert_eq!(client.rest(), (vec![], 0), "{backend}");
        let line = proxy.ended("closed");
        assert_eq!(line["client_alpn"], "http/1.1", "{backend}");
        assert_eq!(line["upstream_alpn"], "http/1.1", "{backend}");
        // This one would be understood by the proxy alone.
        let client = Client::connect(&backend, &files, &proxy, &["--alpn", "h2"]);
        assert_eq!(client.rest(), (vec![], 11), "{backend}");
        assert_eq!(proxy.ended("alert-received")["by"], "upstream", "{backend}");
        // An upstream that negotiates nothing does not agree either.
        let upstream = Server::serving(&backend, &files, "server", &["--echo"]);
        let proxy = terminating(&backend, &files, &upstream.localhost(), &args);
        let client = Client::connect(&backend, &files, &proxy, &["--alpn", "h2"]);
        assert_eq!(client.rest(), (vec![], 11), "{backend}");
        assert_eq!(proxy.ended("alpn")["client_alpn"], "h2", "{backend}");
    }
}

#[test]
fn a_drain_ends_what_is_unused_and_lets_the_rest_go_on() {
    let files = Files::new();
    let (listener, address) = listen();
    for backend in backends() {
        let proxy = terminating(&backend, &files, &address, &[]);
        let mut busy = Client::connect(&backend, &files, &proxy, &[]);
        let of_busy = listener.accept().unwrap().0;
        answer(of_busy);
        assert_eq!(busy.exchange(b"one"), b"one", "{backend}");
        let unused = Client::connect(&backend, &files, &proxy, &[]);
        let of_unused = patient(listener.accept().unwrap().0);
        proxy.signal(Signal::TERM);
        assert_eq!(unused.rest(), (vec![], 0), "{backend}");
        assert_eq!(busy.exchange(b"two"), b"two", "{backend}");
        busy.end();
        assert_eq!(busy.rest(), (vec![], 0), "{backend}");
        // It went back to the pool, which ends it in order.
        assert_eq!(rest(&of_unused), (vec![], false), "{backend}");
        assert_eq!(proxy.gone().code(), Some(0), "{backend}");
    }
}
