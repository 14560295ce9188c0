//! Plaintext: volumes, slices, slow and blocked transports.

use std::io::IoSlice;

use polytls::tls::limits::{MAX_HELD_PLAINTEXT, MAX_RECORD_PLAINTEXT};
use polytls::tls::{Interest, Role, Step, TlsBackend, Transport, parse_server_name};

use crate::faults::{
    BlockedBeforeEveryCall, Dribbling, InterruptedBeforeEveryCall, OneByteAtATime,
};
use crate::pipe::End;
use crate::pki::HOST;
use crate::scenario::{Case, Scenario, scenario};
use crate::wire::records;

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("data_of_every_size_arrives_whole", sizes),
        scenario("an_empty_write_sends_nothing", empty_write),
        scenario("an_empty_read_takes_nothing", empty_read),
        scenario("slices_arrive_in_order", slices),
        scenario("many_small_slices_share_records", shared_records),
        scenario("a_small_read_leaves_the_rest_pending", pending),
        scenario("a_blocked_transport_bounds_what_is_accepted", back_pressure),
        scenario("a_blocked_write_does_not_stop_reading", read_while_blocked),
        scenario("data_sent_with_the_handshake_arrives", early),
        scenario(
            "an_exchange_survives_one_byte_at_a_time",
            |case: &Case<C, S>| {
                survives(case, &|end| Box::new(OneByteAtATime(end)));
            },
        ),
        scenario(
            "an_exchange_survives_blocks_before_every_call",
            |case: &Case<C, S>| {
                survives(case, &|end| Box::new(BlockedBeforeEveryCall::new(end)));
            },
        ),
        scenario("an_exchange_survives_interruptions", |case: &Case<C, S>| {
            survives(case, &|end| Box::new(InterruptedBeforeEveryCall::new(end)));
        }),
        scenario(
            "an_exchange_survives_single_blocked_bytes",
            |case: &Case<C, S>| {
                survives(case, &|end| {
                    Box::new(BlockedBeforeEveryCall::new(OneByteAtATime(end)))
                });
            },
        ),
        scenario(
            "an_exchange_survives_a_dribbling_transport",
            |case: &Case<C, S>| {
                for seed in 0..8 {
                    survives(case, &|end| Box::new(Dribbling::new(end, seed)));
                }
            },
        ),
    ]
}

/// Octets that show when some are lost, doubled or out of order.
pub(super) fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index ^ index >> 8 ^ index >> 16) as u8)
        .collect()
}

fn sizes<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    let record = MAX_RECORD_PLAINTEXT;
    for size in [
        0,
        1,
        2,
        record - 1,
        record,
        record + 1,
        2 * record,
        100_000,
        1 << 20,
    ] {
        let data = pattern(size);
        for role in [Role::Client, Role::Server] {
            assert!(
                pair.send(role, &data) == data,
                "{size} octets from {role:?}"
            );
        }
    }
}

fn empty_write<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    let before = pair.wire.octets_sent_by(Role::Client);
    assert_eq!(pair.client.write(b""), Ok(Step::Ready(0)));
    assert_eq!(pair.client.write_vectored(&[]), Ok(Step::Ready(0)));
    let slices = [IoSlice::new(b""), IoSlice::new(b"")];
    assert_eq!(pair.client.write_vectored(&slices), Ok(Step::Ready(0)));
    assert_eq!(pair.wire.octets_sent_by(Role::Client), before);
    assert_eq!(pair.send(Role::Client, b"more"), b"more");
}

/// An empty buffer is no end, and loses nothing.
fn empty_read<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    let _ = pair.server.read(&mut []).expect("an empty read");
    assert_eq!(pair.client.write(b"data"), Ok(Step::Ready(4)));
    let _ = pair.server.read(&mut []).expect("an empty read");
    let (got, last) = pair.server.drain();
    assert_eq!(got, b"data");
    assert_eq!(last, Ok(Step::Blocked(Interest::READ)));
}

fn slices<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    let data = pattern(60_000);
    for sizes in [
        &[1, 0, 3][..],
        &[0, 0, 20_000, 0, 1],
        &[16_384, 16_384],
        &[7; 200],
    ] {
        let mut rest = &data[..];
        let mut slices = Vec::new();
        for &size in sizes {
            let (slice, behind) = rest.split_at(size);
            slices.push(IoSlice::new(slice));
            rest = behind;
        }
        let whole = &data[..sizes.iter().sum()];
        let mut slices = &mut slices[..];
        let mut got = Vec::new();
        for _ in 0..100 {
            if slices.is_empty() {
                break;
            }
            let step = pair.client.write_vectored(slices).expect("a write");
            IoSlice::advance_slices(&mut slices, step.ready().unwrap_or(0));
            got.extend(pair.server.drain().0);
        }
        let _ = pair.client.flush().expect("a flush");
        got.extend(pair.server.drain().0);
        assert!(got == whole, "{sizes:?}");
    }
}

/// "As few records as it takes."
fn shared_records<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    let _ = pair.server.drain();
    let before = pair.wire.octets_sent_by(Role::Client);
    let slices = [IoSlice::new(b"header "); 30];
    assert_eq!(pair.client.write_vectored(&slices), Ok(Step::Ready(210)));
    let sent = &pair.wire.sent_by(Role::Client)[before..];
    assert_eq!(records(sent).len(), 1, "one record has room for 210 octets");
    assert_eq!(pair.server.drain().0, b"header ".repeat(30));
}

fn pending<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    let _ = pair.server.drain();
    assert!(!pair.server.session.pending(), "nothing has come");
    assert_eq!(pair.client.write(b"abcdef"), Ok(Step::Ready(6)));
    let mut buf = [0; 2];
    for expected in [b"ab", b"cd"] {
        assert_eq!(pair.server.read(&mut buf), Ok(Step::Ready(2)));
        assert_eq!(&buf, expected);
        assert_eq!(pair.wire.waiting_from(Role::Client), 0);
        assert!(pair.server.session.pending(), "there is more to read");
    }
    assert_eq!(pair.server.read(&mut buf), Ok(Step::Ready(2)));
    assert_eq!(&buf, b"ef");
    assert_eq!(
        pair.server.read(&mut buf),
        Ok(Step::Blocked(Interest::READ))
    );
    assert!(!pair.server.session.pending(), "all was read");
}

fn back_pressure<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let data = pattern(200_000);
    for role in [Role::Client, Role::Server] {
        let mut pair = case.standard();
        pair.connect();
        pair.wire.set_room(role, 0);
        let mut accepted = 0;
        let mut blocked = false;
        for _ in 0..20 {
            match pair.side(role).write(&data[accepted..]).expect("a write") {
                Step::Ready(octets) => {
                    assert!(!blocked, "a write is accepted although nothing moved");
                    accepted += octets;
                }
                Step::Blocked(interest) => {
                    assert_eq!(interest, Interest::WRITE);
                    blocked = true;
                }
            }
        }
        assert!(
            blocked,
            "a transport that takes nothing never blocks a write"
        );
        assert!(
            accepted <= MAX_HELD_PLAINTEXT,
            "{accepted} octets were accepted"
        );
        let flushed = pair.side(role).flush();
        if accepted > 0 {
            assert_eq!(flushed, Ok(Step::Blocked(Interest::WRITE)));
            assert!(pair.side(role).session.interest().contains(Interest::WRITE));
        }
        // A little at a time, then all of it.
        pair.wire.set_room(role, 700);
        let got = pair.finish_sending(role, &data, accepted);
        assert!(got == data, "octets are lost, doubled or out of order");
    }
}

/// Both directions stand apart: a full one does not stop the other.
fn read_while_blocked<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    let data = pattern(50_000);
    pair.wire.set_room(Role::Client, 0);
    let mut accepted = 0;
    while let Step::Ready(octets) = pair.client.write(&data[accepted..]).expect("a write") {
        accepted += octets;
    }
    assert!(pair.send(Role::Server, &data) == data);
    pair.wire.set_room(Role::Client, 1 << 20);
    let _ = pair.client.flush().expect("a flush");
    assert!(pair.server.drain().0 == data[..accepted]);
}

/// The client's last flight and its first data come in one read.
fn early<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    for _ in 0..8 {
        let client = pair.client.write(b"request").expect("a write");
        if client.is_ready() {
            break;
        }
        let _ = pair.server.handshake().expect("the server's part");
    }
    let (got, _) = pair.server.drain();
    assert_eq!(got, b"request");
    assert_eq!(pair.send(Role::Server, b"response"), b"response");
}

fn survives<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    decorate: &dyn Fn(End) -> Box<dyn Transport>,
) {
    let name = parse_server_name(HOST).expect("a server name");
    let contexts = case.contexts(case.client_config(), case.server_config());
    let mut pair = contexts
        .expect("both backends take the configs")
        .pair(&name, decorate, decorate);
    let (question, answer) = (pattern(3_000), pattern(20_000));
    let exchange = pair.exchange(&question, &answer);
    assert_eq!(exchange.client.end, Ok(()));
    assert_eq!(exchange.server.end, Ok(()));
    assert!(exchange.server.heard == question && exchange.client.heard == answer);
    assert!(!exchange.stood_still);
}
