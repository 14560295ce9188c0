//! Exported keying material, and the key log.

use std::sync::{Arc, Mutex};

use polytls::tls::{Capabilities, Error, KeyLog, Role, TlsBackend};

use crate::pair::Side;
use crate::scenario::{Case, Scenario, scenario};
use crate::wire::ClientHello;

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("both_sides_export_the_same_keying_material", export_equal)
            .proves(Capabilities::EXPORTER),
        scenario(
            "keying_material_differs_by_label_and_context",
            export_differs,
        )
        .proves(Capabilities::EXPORTER),
        scenario("nothing_is_exported_before_the_handshake", export_too_early)
            .needs(Capabilities::EXPORTER),
        scenario("both_sides_log_the_same_secrets", key_log).proves(Capabilities::KEY_LOG),
    ]
}

fn export(side: &Side, length: usize, label: &str, context: Option<&[u8]>) -> Vec<u8> {
    let mut out = vec![0; length];
    let session = &side.session;
    let result = session.export_keying_material(&mut out, label, context);
    assert_eq!(result, Ok(()), "{length} octets of {label}");
    out
}

const LABELS: [&str; 2] = ["EXPORTER-polytls-one", "EXPORTER-polytls-two"];

fn export_equal<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    let long = [9; 300];
    for label in LABELS {
        for context in [None, Some(&b""[..]), Some(b"context"), Some(&long)] {
            for length in [1, 20, 32, 48, 100] {
                let client = export(&pair.client, length, label, context);
                let server = export(&pair.server, length, label, context);
                assert_eq!(client, server, "{length} octets of {label}, {context:?}");
            }
        }
    }
}

fn export_differs<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    let client = &pair.client;
    let one = export(client, 32, LABELS[0], Some(b"a"));
    assert_ne!(one, [0; 32]);
    assert_eq!(one, export(client, 32, LABELS[0], Some(b"a")));
    assert_ne!(one, export(client, 32, LABELS[1], Some(b"a")));
    assert_ne!(one, export(client, 32, LABELS[0], Some(b"b")));
    let absent = export(client, 32, LABELS[0], None);
    let empty = export(client, 32, LABELS[0], Some(b""));
    // RFC 5705, section 4, and RFC 8446, section 7.5.
    assert_eq!(absent == empty, !case.is_tls12());
    let mut other = case.standard();
    other.connect();
    assert_ne!(one, export(&other.client, 32, LABELS[0], Some(b"a")));
}

fn export_too_early<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    for role in [Role::Client, Role::Server] {
        let session = &pair.side(role).session;
        let result = session.export_keying_material(&mut [0; 32], LABELS[0], None);
        assert!(matches!(result, Err(Error::Config(_))), "{result:?}");
    }
    pair.connect();
    export(&pair.client, 32, LABELS[0], None);
}

#[derive(Debug, Default)]
struct Lines(Mutex<Vec<String>>);

impl KeyLog for Lines {
    fn log(&self, line: &str) {
        self.0.lock().expect("the lines").push(line.to_owned());
    }
}

impl Lines {
    fn sorted(&self) -> Vec<String> {
        let mut lines = self.0.lock().expect("the lines").clone();
        lines.sort();
        lines
    }
}

fn key_log<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let [client, server] = [(); 2].map(|()| Arc::new(Lines::default()));
    let mut pair = case.pair(
        case.client_config().key_log(Arc::clone(&client) as _),
        case.server_config().key_log(Arc::clone(&server) as _),
    );
    pair.connect();
    assert_eq!(pair.send(Role::Client, b"data"), b"data");
    let lines = client.sorted();
    assert_eq!(lines, server.sorted());
    let hello = ClientHello::read(&pair.wire.sent_by(Role::Client));
    let random = hex(&hello.random);
    let labels: Vec<_> = lines.iter().map(|line| label(line, &random)).collect();
    let expected: &[&str] = if case.is_tls12() {
        &["CLIENT_RANDOM"]
    } else {
        &[
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            "CLIENT_TRAFFIC_SECRET_0",
            "EXPORTER_SECRET",
            "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            "SERVER_TRAFFIC_SECRET_0",
        ]
    };
    assert_eq!(labels, expected);
}

/// The label of a line that has this client random and a secret.
#[track_caller]
fn label<'a>(line: &'a str, random: &str) -> &'a str {
    let [label, client_random, secret] = line.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{line:?} does not have three parts");
    };
    assert_eq!(client_random, random);
    let octets = secret.len() / 2;
    assert!(matches!(octets, 32 | 48), "a secret of {octets} octets");
    assert!(
        secret
            .bytes()
            .all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit)),
        "{secret:?} is not lower-case hexadecimal"
    );
    label
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
