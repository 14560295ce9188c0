//! Kernel TLS: the same behaviour, whoever makes the records.
//!
//! Every scenario passes where the kernel has it and where not; that it is
//! active where it can be is asserted throughout. In the microVM of
//! `cargo xtask ktls` the kernel does it.

use std::fs;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use polytls::tls::{
    Alert, Capabilities, CertificateError, CipherSuite, ClientAuth, ClientConfigBuilder,
    Error as TlsError, KernelTls, KeyLog, NamedGroup, PeerMisbehaved, ProtocolVersion, Role,
    ServerConfigBuilder, Step, TlsBackend, TlsSession,
};
use polytls::{Refusal, Route};

use super::ends::{End, LONG, Link, Setup, greet, pattern, receive_all, tls_error, together};
use crate::checked::Checked;
use crate::scenario::{Case, Scenario, Versions, scenario};
use crate::scenarios::Depth;
use crate::wire::record;

const KERNEL: Capabilities = Capabilities::KTLS_TX.union(Capabilities::KTLS_RX);

/// The suites that the kernel has.
const SUITES: [CipherSuite; 3] = [
    CipherSuite::TLS_AES_128_GCM_SHA256,
    CipherSuite::TLS_AES_256_GCM_SHA384,
    CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
];

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>(depth: Depth) -> Vec<Scenario<C, S>> {
    let tls13 = |name: &str, run: fn(&Case<C, S>)| {
        scenario(format!("kernel_tls::{name}"), run)
            .versions(Versions::Only(ProtocolVersion::Tls13))
    };
    let mut table = vec![
        tls13("it_is_active_where_it_is_promised", promised)
            .proves_client(KERNEL)
            .proves_server(KERNEL),
        tls13("data_flow_both_ways_at_once", both_ways),
        tls13("a_file_goes_through_the_kernel", file),
    ];
    if depth == Depth::Sample {
        return table;
    }
    table.extend([
        tls13("the_counters_of_the_kernel_rise", counted)
            .needs_client(KERNEL)
            .needs_server(KERNEL),
        tls13("it_is_not_active_unless_it_is_preferred", not_preferred),
        tls13("it_takes_a_tcp_connection", without_tcp),
        tls13("small_messages_alternate", small),
        tls13("nothing_is_lost_without_waiting", tries),
        tls13("data_that_wait_at_the_end_of_the_handshake_arrive", waiting),
        tls13("a_truncation_is_told_behind_the_data", truncated),
        tls13("both_sides_close", closes),
        tls13("the_end_comes_behind_all_data", end_behind_data),
        tls13("an_alert_behind_the_handshake_is_told", alert)
            .needs_server(Capabilities::CLIENT_AUTH_REQUIRED),
        tls13("facts_exports_and_key_log_stay", secrets)
            .needs(Capabilities::EXPORTER | Capabilities::KEY_LOG),
        tls13("the_peer_renews_its_keys", peer_renews).needs(Capabilities::KEY_UPDATE),
        tls13("keys_are_renewed_in_turns", turns).needs(Capabilities::KEY_UPDATE),
        tls13("tls_is_not_turned_off", not_turned_off),
        scenario("kernel_tls::tls_1_2_stays_with_the_library", tls12)
            .versions(Versions::Only(ProtocolVersion::Tls12)),
    ]);
    for fault in FAULTS {
        let name = format!("kernel_tls::{}_is_refused", fault.name);
        table.push(
            scenario(name, move |case| faulty(case, fault))
                .versions(Versions::Only(ProtocolVersion::Tls13)),
        );
    }
    table
}

/// Which of the sides prefer it: at least one.
const PREFERRED: [[bool; 2]; 3] = [[true, true], [true, false], [false, true]];

/// Two sockets over TCP whose handshakes are done.
#[track_caller]
fn connected<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    prefers: [bool; 2],
) -> (End<C>, End<S>) {
    let setup = preferring(case, prefers);
    let (client, server) = setup.connected(Link::Tcp4);
    assert_kernel(&case.client, Role::Client, prefers[0], &client);
    assert_kernel(&case.server, Role::Server, prefers[1], &server);
    (client, server)
}

fn preferring<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    prefers: [bool; 2],
) -> Setup<'_, C, S> {
    let (client, server) = configs(case, prefers);
    Setup::of(case, client, server)
}

/// The usual configs, with groups that cost little in an emulated machine.
fn configs<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    prefers: [bool; 2],
) -> (ClientConfigBuilder, ServerConfigBuilder) {
    let client = case.client_config().prefer_kernel_tls(prefers[0]);
    let server = case.server_config().prefer_kernel_tls(prefers[1]);
    if !case.both_advertise(Capabilities::GROUPS) {
        return (client, server);
    }
    let groups = [NamedGroup::X25519, NamedGroup::Secp256r1];
    (client.groups(groups), server.groups(groups))
}

/// The kernel has the records exactly if that is preferred and promised.
#[track_caller]
fn assert_kernel<B: TlsBackend>(
    backend: &Checked<B>,
    role: Role,
    prefers: bool,
    end: &End<B>,
) -> bool {
    let promised = backend.info().capabilities(role).contains(KERNEL);
    let expected = match prefers && promised {
        true => KernelTls::active(),
        false => KernelTls::inactive(prefers),
    };
    assert_eq!(status(end), expected, "{role:?}");
    expected.transmit
}

fn status<B: TlsBackend>(end: &End<B>) -> KernelTls {
    end.session().expect("a session").kernel_tls()
}

fn is_active<B: TlsBackend>(end: &End<B>) -> bool {
    let status = status(end);
    status.transmit && status.receive
}

/// Plays a generic function over pairs in which one side prefers it at least.
/// Its first end is the client or the server; the kernel has the records of the
/// first, of the second, or of both.
macro_rules! in_all_roles {
    ($case:expr, $play:ident) => {{
        for prefers in PREFERRED {
            let (client, server) = connected($case, prefers);
            $play(client, server);
        }
        let (client, server) = connected($case, [false, true]);
        $play(server, client);
    }};
}

fn promised<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut kept = KernelTls::active();
    kept.required = KERNEL;
    for suite in SUITES {
        let (client, server) = configs(case, [true, true]);
        let client = client.cipher_suites([suite]).require(KERNEL);
        let server = server.cipher_suites([suite]).require(KERNEL);
        let setup = Setup::of(case, client, server);
        let (mut client, mut server) = setup.connected(Link::Tcp4);
        assert_eq!(status(&client), kept, "{suite}");
        assert_eq!(status(&server), kept, "{suite}");
        greet(&mut client, &mut server);
    }
}

/// A counter of `/proc/net/tls_stat`.
fn counter(name: &str) -> Option<u64> {
    let all = fs::read_to_string("/proc/net/tls_stat").ok()?;
    let mut lines = all.lines().map(str::split_ascii_whitespace);
    lines.find_map(|mut words| {
        let found = words.next() == Some(name);
        words.next().filter(|_| found)?.parse().ok()
    })
}

fn counted<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let counters = ["TlsTxSw", "TlsRxSw"];
    let before = counters.map(counter);
    let (mut client, mut server) = connected(case, [true, true]);
    greet(&mut client, &mut server);
    for (name, before) in counters.into_iter().zip(before) {
        let before = before.expect("the kernel counts");
        assert!(counter(name) >= Some(before + 2), "{name} did not rise");
    }
}

fn not_preferred<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (mut client, mut server) = connected(case, [false, false]);
    assert_eq!(status(&client), KernelTls::inactive(false));
    assert_eq!(status(&server), KernelTls::inactive(false));
    greet(&mut client, &mut server);
}

fn without_tcp<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for link in [Link::Unix, Link::Pair] {
        let (mut client, mut server) = preferring(case, [true, true]).connected(link);
        assert_eq!(status(&client), KernelTls::inactive(true));
        assert_eq!(status(&server), KernelTls::inactive(true));
        greet(&mut client, &mut server);
        assert_eq!(
            together(|| client.shutdown(LONG), || server.shutdown(LONG)),
            (Ok(0), Ok(0))
        );
    }
}

fn tls12<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (mut client, mut server) = preferring(case, [true, true]).connected(Link::Tcp4);
    assert_eq!(status(&client), KernelTls::inactive(true));
    assert_eq!(status(&server), KernelTls::inactive(true));
    greet(&mut client, &mut server);
    server.send_all(&pattern(100_000)).expect("a send");
    let mut got = vec![0; 100_000];
    client.recv_exact(&mut got).expect("data");
    assert!(got == pattern(100_000));
}

fn both_ways<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for (suite, prefers) in SUITES.into_iter().zip(PREFERRED) {
        let (mut client, mut server) = configs(case, prefers);
        if case.both_advertise(Capabilities::CIPHER_SUITES_TLS13) {
            client = client.cipher_suites([suite]);
            server = server.cipher_suites([suite]);
        }
        let setup = Setup::of(case, client, server);
        stream_both_ways(setup.connected(Link::Tcp4));
    }
}

/// Each side sends and receives in one loop, so that neither waits for the
/// other with both buffers full.
fn stream_both_ways<A: TlsBackend, B: TlsBackend>((mut near, mut far): (End<A>, End<B>)) {
    let data = pattern(400_000);
    together(
        || talk(&mut near, &data, 50_000),
        || talk(&mut far, &data, 70_000),
    );
}

#[track_caller]
fn talk<B: TlsBackend>(end: &mut End<B>, data: &[u8], piece: usize) {
    let mut got = Vec::new();
    let mut sent = 0;
    let mut buf = vec![0; 100_000];
    while sent < data.len() || got.len() < data.len() {
        let mut moved = false;
        if sent < data.len() {
            let rest = &data[sent..];
            let rest = &rest[..rest.len().min(piece)];
            if let Step::Ready(octets) = end.try_send(rest).expect("a send") {
                sent += octets;
                moved = true;
            }
        } else {
            let _ = end.try_flush().expect("a flush");
        }
        if got.len() < data.len()
            && let Step::Ready(octets) = end.try_recv(&mut buf).expect("data")
        {
            assert!(octets > 0, "the end came too early");
            got.extend_from_slice(&buf[..octets]);
            moved = true;
        }
        if !moved {
            let interest = match sent < data.len() {
                true => rustix::event::PollFlags::IN | rustix::event::PollFlags::OUT,
                false => rustix::event::PollFlags::IN,
            };
            wait(end, interest);
        }
    }
    assert!(got == data, "lost, doubled or mixed up");
    assert_eq!(end.shutdown(LONG), Ok(0));
}

fn wait<B: TlsBackend>(end: &End<B>, flags: rustix::event::PollFlags) {
    let fd = end.wait_fd();
    let mut fds = [rustix::event::PollFd::new(&fd, flags)];
    let limit = rustix::event::Timespec {
        tv_sec: 20,
        tv_nsec: 0,
    };
    let ready = rustix::event::poll(&mut fds, Some(&limit)).expect("a poll");
    assert!(ready > 0, "nothing moves");
}

fn small<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_all_roles!(case, small_between);
}

fn small_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    near.set_nodelay(true).expect("an option");
    far.set_nodelay(true).expect("an option");
    for size in [1, 2, 100, 1_000, 16_384, 16_385, 40_000] {
        let data = pattern(size);
        let cut = size / 3;
        let mut slices = [
            IoSlice::new(&data[..cut]),
            IoSlice::new(&[]),
            IoSlice::new(&data[cut..]),
        ];
        let mut got = vec![0; size];
        near.send_all_vectored(&mut slices).expect("a send");
        far.recv_exact(&mut got).expect("data");
        assert!(got == data, "{size} octets came out wrong");
        far.send_all(&got).expect("a send");
        got.fill(0);
        // In pieces that end nowhere in particular.
        for piece in got.chunks_mut(size.div_ceil(7)) {
            near.recv_exact(piece).expect("data");
        }
        assert!(got == data, "{size} octets came back wrong");
        assert!(!near.has_pending(), "the kernel holds what is unread");
    }
    assert_eq!(near.send(&[]), Ok(0));
    assert_eq!(near.recv(&mut []), Ok(0));
}

fn tries<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_all_roles!(case, tries_between);
}

/// Into buffers that are soon full, and out of them late.
fn tries_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    near.set_send_buffer(20 * 1024).expect("a buffer");
    let data = pattern(700_000);
    let mut sent = 0;
    while let Step::Ready(octets) = near.try_send(&data[sent..]).expect("a send") {
        sent += octets;
        assert!(sent < data.len(), "there is no end to the room");
    }
    assert!(!near.try_recv(&mut [0]).expect("no data").is_ready());
    together(
        || {
            while sent < data.len() {
                match near.try_send(&data[sent..]).expect("a send") {
                    Step::Ready(octets) => sent += octets,
                    Step::Blocked(_) => wait(&near, rustix::event::PollFlags::OUT),
                }
            }
            near.shutdown_write(LONG).expect("an end");
        },
        || assert!(receive_all(&mut far) == data, "lost, doubled or mixed up"),
    );
}

fn waiting<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let data = pattern(50_000);
    for prefers in PREFERRED {
        // The client's data follow its last flight at once: they are there
        // before the server's handshake ends.
        let (mut client, mut server) = preferring(case, prefers).turned_on(Link::Tcp4);
        let (_, mut got) = (together)(
            || {
                client.send_all(&data).expect("a send");
                client.shutdown_write(LONG).expect("an end");
            },
            || receive_all(&mut server),
        );
        assert!(got == data, "lost, doubled or mixed up");
        got.clear();
        // And the server's with its own.
        let (mut client, mut server) = preferring(case, prefers).turned_on(Link::Tcp4);
        together(
            || assert!(receive_all(&mut client) == data),
            || {
                server.send_all(&data).expect("a send");
                server.shutdown_write(LONG).expect("an end");
            },
        );
    }
}

fn truncated<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_all_roles!(case, truncated_between);
}

fn truncated_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    far.send_all(b"the last words").expect("a send");
    drop(far);
    let mut got = [0; 14];
    near.recv_exact(&mut got).expect("data");
    assert_eq!(&got, b"the last words");
    for _ in 0..2 {
        assert_eq!(tls_error(near.recv(&mut got)), TlsError::Truncated);
    }
}

fn closes<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_all_roles!(case, closes_between);
}

fn closes_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    near.shutdown_write(LONG).expect("an end");
    assert_eq!(near.send(b"more"), Err(polytls::Error::Closed));
    for _ in 0..2 {
        assert_eq!(far.recv(&mut [0; 9]), Ok(0));
    }
    // The other direction is open still.
    far.send_all(b"an answer").expect("a send");
    let mut got = [0; 9];
    near.recv_exact(&mut got).expect("data");
    assert_eq!(&got, b"an answer");
    assert_eq!(
        together(|| near.shutdown(LONG), || far.shutdown(LONG)),
        (Ok(0), Ok(0))
    );
}

fn end_behind_data<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_all_roles!(case, end_behind_data_between);
}

/// The end is asked for while the buffers are full.
fn end_behind_data_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let data = pattern(8 << 20);
    let mut sent = 0;
    while let Step::Ready(octets) = near.try_send(&data[sent..]).expect("a send") {
        sent += octets;
        assert!(sent < data.len(), "there is no end to the room");
    }
    assert!(!near.try_shutdown_write().expect("an end").is_ready());
    assert_eq!(near.try_send(b"more"), Err(polytls::Error::Closed));
    together(
        || near.shutdown_write(LONG).expect("an end"),
        || assert!(receive_all(&mut far) == data[..sent], "lost or mixed up"),
    );
}

/// A client is done before the server has seen that it has no certificate.
fn alert<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for prefers in [[true, true], [true, false]] {
        let (client, server) = configs(case, prefers);
        let server = server.client_auth(ClientAuth::Required(case.pki.roots.clone()));
        let setup = Setup::of(case, client, server);
        let (mut client, mut server) = setup.turned_on(Link::Tcp4);
        together(
            || {
                client.handshake(LONG).expect("a handshake");
                assert_kernel(&case.client, Role::Client, true, &client);
                let told = tls_error(client.recv(&mut [0; 8]));
                if case
                    .server
                    .info()
                    .server
                    .contains(Capabilities::CERTIFICATE_RULES)
                {
                    let required = Alert::CERTIFICATE_REQUIRED;
                    assert_eq!(told, TlsError::AlertReceived(required));
                } else {
                    assert!(matches!(told, TlsError::AlertReceived(_)), "{told:?}");
                }
                assert_eq!(tls_error(client.recv(&mut [0; 8])), told, "it stays");
                assert_eq!(tls_error(client.send(b"x")), told, "for all");
            },
            || {
                let refused = tls_error(server.handshake(LONG));
                assert_eq!(refused, CertificateError::Missing.into());
            },
        );
    }
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
        // Some libraries log an exporter's secret, some do not.
        lines.retain(|line| line.contains("TRAFFIC_SECRET"));
        lines.sort();
        lines
    }
}

fn secrets<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for prefers in PREFERRED {
        let logs = [Arc::new(Lines::default()), Arc::new(Lines::default())];
        let (client, server) = configs(case, prefers);
        let setup = Setup::of(
            case,
            client.key_log(logs[0].clone()),
            server.key_log(logs[1].clone()),
        );
        let (mut client, mut server) = setup.connected(Link::Tcp4);
        let logged = logs.map(|log| log.sorted());
        assert_eq!(logged[0], logged[1]);
        assert_eq!(logged[0].len(), 4, "{:?}", logged[0]);
        for log in &logged[0] {
            let secret = log.rsplit(' ').next().expect("a secret");
            let shown = format!("{client:?}{server:?}");
            assert!(!shown.contains(secret), "a secret is shown");
        }
        let facts = [client.facts(), server.facts()].map(|facts| facts.expect("facts").clone());
        assert_eq!(facts[0].cipher_suite, facts[1].cipher_suite);
        assert_eq!(facts[0].version, Some(ProtocolVersion::Tls13));
        greet(&mut client, &mut server);
        let mut exported = [[0; 32]; 2];
        let label = "EXPORTER-polytls-kernel";
        let [one, two] = &mut exported;
        client
            .export_keying_material(one, label, Some(b"c"))
            .expect("an export");
        server
            .export_keying_material(two, label, Some(b"c"))
            .expect("an export");
        assert_eq!(exported[0], exported[1]);
    }
}

/// Whether the kernel takes new keys (Linux 6.14): then it counts them.
fn kernel_renews() -> bool {
    counter("TlsRxRekeyOk").is_some()
}

fn peer_renews<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let (client, server) = connected(case, [true, false]);
    peer_renews_between(client, server);
    let (client, server) = connected(case, [false, true]);
    peer_renews_between(server, client);
}

/// The kernel may have the records of the near side.
fn peer_renews_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    far.send_all(b"old keys").expect("a send");
    far.key_update().expect("new keys");
    far.send_all(b"new keys").expect("a send");
    let mut got = [0; 8];
    near.recv_exact(&mut got).expect("data");
    assert_eq!(&got, b"old keys");
    if !is_active(&near) || kernel_renews() {
        near.recv_exact(&mut got).expect("data");
        assert_eq!(&got, b"new keys");
        for _ in 0..3 {
            far.key_update().expect("new keys");
            greet(&mut near, &mut far);
            greet(&mut far, &mut near);
        }
        return;
    }
    for _ in 0..2 {
        let refused = tls_error(near.recv_exact(&mut got));
        let TlsError::Unsupported(refusal) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(refusal.capability, Capabilities::KEY_UPDATE);
    }
    let told = tls_error(far.recv(&mut got));
    assert_eq!(told, TlsError::AlertReceived(Alert::INTERNAL_ERROR));
}

fn turns<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_all_roles!(case, turns_between);
}

fn turns_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    if (is_active(&near) || is_active(&far)) && !kernel_renews() {
        if is_active(&near) {
            refuses_and_goes_on(&mut near, &mut far);
        }
        if is_active(&far) {
            refuses_and_goes_on(&mut far, &mut near);
        }
        return;
    }
    let data = pattern(30_000);
    near.set_nodelay(true).expect("an option");
    far.set_nodelay(true).expect("an option");
    together(
        || renew_and_talk(&mut near, &data, 3),
        || renew_and_talk(&mut far, &data, 4),
    );
}

#[track_caller]
fn refuses_and_goes_on<A: TlsBackend, B: TlsBackend>(near: &mut End<A>, far: &mut End<B>) {
    for _ in 0..2 {
        let TlsError::Unsupported(refusal) = tls_error(near.key_update()) else {
            panic!("no refusal");
        };
        assert_eq!(refusal.capability, Capabilities::KEY_UPDATE);
        greet(near, far);
    }
}

fn renew_and_talk<B: TlsBackend>(end: &mut End<B>, data: &[u8], every: usize) {
    for turn in 0..24 {
        if turn % every == 0 {
            end.key_update().expect("new keys");
        }
        end.send_all(&data[turn..]).expect("a send");
        let mut got = vec![0; data.len() - turn];
        end.recv_exact(&mut got).expect("data");
        assert!(got == data[turn..], "turn {turn}");
    }
    assert_eq!(end.shutdown(LONG), Ok(0));
}

fn file<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_all_roles!(case, file_between);
}

fn file_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let mut file = tempfile::tempfile().expect("a file");
    let data = pattern(300_000);
    file.write_all(&data).expect("a file of this length");
    near.set_nonblocking(true).expect("a mode");
    let route = match is_active(&near) {
        true => Route::KernelTls,
        false => Route::Encrypted,
    };
    together(
        || {
            near.send_all(b"before").expect("a send");
            let mut offset = 1_000;
            let sent = near.send_file(&file, &mut offset, 250_000).expect("a file");
            assert_eq!((sent.octets, sent.route, offset), (250_000, route, 251_000));
            near.send_all(b"behind").expect("a send");
            near.shutdown_write(LONG).expect("an end");
        },
        || {
            let got = receive_all(&mut far);
            let expected = [b"before", &data[1_000..251_000], b"behind"].concat();
            assert!(got == expected, "lost, doubled or mixed up");
        },
    );
}

fn not_turned_off<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for prefers in PREFERRED {
        let (mut client, mut server) = connected(case, prefers);
        together(
            || turn_off(&mut client, prefers[0]),
            || turn_off(&mut server, prefers[1]),
        );
    }
}

fn turn_off<B: TlsBackend>(end: &mut End<B>, prefers: bool) {
    let active = is_active(end);
    end.close_tls(LONG).expect("our end");
    assert_eq!(end.recv(&mut [0]), Ok(0));
    let turned_off = end.disable_tls();
    if active {
        assert!(prefers);
        assert_eq!(turned_off, Err(Refusal::KernelTls.into()));
    } else {
        assert_eq!(turned_off, Ok(()));
    }
}

/// What is done to a record of data on its way.
struct Fault {
    name: &'static str,
    change: fn(&mut Vec<u8>),
    error: TlsError,
    /// The same where the kernel looks at the record.
    by_kernel: TlsError,
    /// What the other side is told, if anything.
    alerts: &'static [Alert],
}

const FORGED: TlsError = TlsError::PeerMisbehaved(PeerMisbehaved::BadCryptography);
const TOO_LONG: TlsError = TlsError::PeerMisbehaved(PeerMisbehaved::RecordOverflow);

const FAULTS: &[Fault] = &[
    Fault {
        name: "a_flipped_bit_in_the_tag",
        change: |octets| {
            if let Some(last) = octets.last_mut() {
                *last ^= 0x40;
            }
        },
        error: FORGED,
        by_kernel: FORGED,
        alerts: &[Alert::BAD_RECORD_MAC],
    },
    Fault {
        name: "a_flipped_bit_in_the_content",
        change: |octets| octets[5] ^= 1,
        error: FORGED,
        by_kernel: FORGED,
        alerts: &[Alert::BAD_RECORD_MAC],
    },
    Fault {
        name: "a_forged_record",
        change: |octets| *octets = record(23, &[7; 64]),
        error: FORGED,
        by_kernel: FORGED,
        alerts: &[Alert::BAD_RECORD_MAC],
    },
    Fault {
        name: "an_oversized_record",
        change: |octets| *octets = record(23, &[0; (1 << 14) + 2_049]),
        error: TOO_LONG,
        by_kernel: TOO_LONG,
        alerts: &[Alert::RECORD_OVERFLOW, Alert::DECODE_ERROR],
    },
    Fault {
        name: "a_record_of_an_unknown_type",
        change: |octets| *octets = record(99, &[0; 64]),
        error: TlsError::PeerMisbehaved(PeerMisbehaved::UnexpectedMessage),
        by_kernel: FORGED,
        alerts: &[
            Alert::UNEXPECTED_MESSAGE,
            Alert::DECODE_ERROR,
            Alert::BAD_RECORD_MAC,
        ],
    },
    Fault {
        name: "a_record_that_is_cut",
        change: |octets| octets.truncate(octets.len() / 2),
        error: TlsError::Truncated,
        by_kernel: TlsError::Truncated,
        alerts: &[],
    },
    Fault {
        name: "a_header_that_is_cut",
        change: |octets| octets.truncate(3),
        error: TlsError::Truncated,
        by_kernel: TlsError::Truncated,
        alerts: &[],
    },
];

/// A stream whose next write is changed.
struct Tampering {
    stream: TcpStream,
    change: Option<fn(&mut Vec<u8>)>,
}

impl Read for Tampering {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buf)
    }
}

impl Write for Tampering {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut octets = buf.to_vec();
        if let Some(change) = self.change.take() {
            change(&mut octets);
        }
        self.stream.write_all(&octets)?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn faulty<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, fault: &Fault) {
    let setup = preferring(case, [true, true]);
    // Of a record that is too long the kernel tells a writer as well.
    let tells_writers = fault.by_kernel == TOO_LONG;
    for writes_first in [false, true] {
        if writes_first && !tells_writers {
            continue;
        }
        let (mut near, stream) = tcp_end();
        setup.turn_client_on(&mut near);
        let far = case.server.accept(&setup.server).expect("a session");
        faulty_between(near, Box::new(far), stream, fault, writes_first);
        let (mut near, stream) = tcp_end();
        setup.turn_server_on(&mut near);
        let far = case.client.connect(&setup.client, &setup.name);
        let far = far.expect("a session");
        faulty_between(near, Box::new(far), stream, fault, writes_first);
    }
}

/// A socket, and the bare stream at its other end.
fn tcp_end<B: TlsBackend>() -> (End<B>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address can be bound");
    let address = listener.local_addr().expect("an address");
    let near = TcpStream::connect(address).expect("a connection");
    let (far, _) = listener.accept().expect("a client");
    far.set_read_timeout(Some(LONG)).expect("an option");
    let mut near = End::from(near);
    near.set_deadline(Some(Instant::now() + LONG));
    (near, far)
}

/// The far side sends a record, and another one with a fault.
fn faulty_between<B: TlsBackend>(
    mut near: End<B>,
    mut far: Box<dyn TlsSession>,
    stream: TcpStream,
    fault: &Fault,
    writes_first: bool,
) {
    let mut io = Tampering {
        stream,
        change: None,
    };
    together(
        || near.handshake(LONG).expect("a handshake"),
        || assert_eq!(far.handshake(&mut io), Ok(Step::Ready(()))),
    );
    let kernel = is_active(&near);
    // A library that has read ahead may know of the fault already.
    let writes_first = writes_first && kernel;
    let mut said = |io: &mut Tampering, words: &[u8]| {
        let slices = [IoSlice::new(words)];
        assert_eq!(far.write(io, &slices), Ok(Step::Ready(words.len())));
    };
    said(&mut io, b"sound");
    io.change = Some(fault.change);
    said(&mut io, b"not so sound");
    if fault.alerts.is_empty() {
        io.stream.shutdown(Shutdown::Write).expect("an end");
    }
    let mut got = [0; 5];
    near.recv_exact(&mut got).expect("data");
    assert_eq!(&got, b"sound");
    if writes_first {
        // To write says nothing of what is to be read.
        near.send_all(b"words").expect("a send");
    }
    let expected = match kernel {
        true => &fault.by_kernel,
        false => &fault.error,
    };
    for _ in 0..2 {
        assert_eq!(tls_error(near.recv(&mut got)), *expected);
    }
    assert_eq!(tls_error(near.send(b"more")), *expected);
    if fault.alerts.is_empty() {
        return;
    }
    if writes_first {
        assert_eq!(far.read(&mut io, &mut got), Ok(Step::Ready(5)));
        assert_eq!(&got, b"words");
    }
    let told = far.read(&mut io, &mut got);
    let Err(TlsError::AlertReceived(alert)) = told else {
        panic!("{told:?}");
    };
    assert!(fault.alerts.contains(&alert), "{alert}");
}
