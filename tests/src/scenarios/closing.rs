//! The end of a session, clean or not.

use polytls::tls::{Alert, Error, PeerMisbehaved, Role, Step, TlsBackend};

use crate::pipe::other;
use crate::scenario::{Case, Scenario, scenario};
use crate::wire::{HEADER, record, records};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("both_sides_close", both),
        scenario("one_side_closes_and_goes_on_reading", half),
        scenario("nothing_is_written_after_the_close", write_after),
        scenario("a_close_comes_behind_the_data", behind_data),
        scenario("a_blocked_close_is_continued", blocked),
        scenario("a_second_close_sends_nothing", twice),
        scenario("a_close_before_the_handshake_is_ready", too_early),
        scenario("a_close_amid_the_handshake_is_ready", amid_handshake),
        scenario("an_end_without_close_is_a_truncation", truncated),
        scenario(
            "an_end_at_every_record_boundary_is_a_truncation",
            at_boundaries,
        ),
        scenario("an_end_inside_a_record_is_a_truncation", inside_record),
        scenario("data_before_a_truncation_is_delivered", data_first),
        scenario("a_reset_is_an_error_of_the_transport", reset),
        scenario("a_received_alert_is_reported", alert),
        scenario("data_before_a_fault_is_delivered", data_before_fault),
        scenario("a_fault_after_the_own_close_is_an_error", fault_after_close),
    ]
}

const END: Result<Step<usize>, Error> = Ok(Step::Ready(0));

fn both<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for first in [Role::Client, Role::Server] {
        let mut pair = case.standard();
        pair.connect();
        for role in [first, other(first)] {
            assert_eq!(pair.side(role).close(), Ok(Step::Ready(())));
            assert_eq!(pair.side(other(role)).drain(), (Vec::new(), END));
        }
        // The end stays, whatever the transport does then.
        pair.wire.end(first);
        assert_eq!(pair.side(other(first)).drain(), (Vec::new(), END));
        pair.wire.reset();
        assert_eq!(pair.side(other(first)).drain(), (Vec::new(), END));
    }
}

fn half<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for role in [Role::Client, Role::Server] {
        let mut pair = case.standard();
        pair.connect();
        assert_eq!(pair.side(role).close(), Ok(Step::Ready(())));
        assert_eq!(pair.side(other(role)).drain(), (Vec::new(), END));
        let answer = [5; 40_000];
        assert!(pair.send(other(role), &answer) == answer);
        assert_eq!(pair.side(other(role)).close(), Ok(Step::Ready(())));
        assert_eq!(pair.side(role).drain(), (Vec::new(), END));
    }
}

fn write_after<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    assert_eq!(pair.client.close(), Ok(Step::Ready(())));
    let before = pair.wire.octets_sent_by(Role::Client);
    for _ in 0..2 {
        assert_eq!(pair.client.write(b"late"), Err(Error::Closed));
    }
    assert_eq!(pair.client.flush(), Ok(Step::Ready(())));
    assert_eq!(pair.wire.octets_sent_by(Role::Client), before);
    assert_eq!(pair.send(Role::Server, b"still heard"), b"still heard");
}

fn behind_data<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    assert_eq!(pair.server.write(b"last words"), Ok(Step::Ready(10)));
    assert_eq!(pair.server.close(), Ok(Step::Ready(())));
    pair.wire.end(Role::Server);
    assert_eq!(pair.client.drain(), (b"last words".to_vec(), END));
}

fn blocked<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    pair.wire.set_room(Role::Client, 0);
    for _ in 0..3 {
        let step = pair.client.close().expect("a close");
        assert!(!step.is_ready(), "nothing can have left");
    }
    pair.wire.set_room(Role::Client, 1 << 16);
    assert_eq!(pair.client.close(), Ok(Step::Ready(())));
    assert_eq!(pair.server.drain(), (Vec::new(), END));
}

fn twice<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    assert_eq!(pair.client.close(), Ok(Step::Ready(())));
    let before = pair.wire.octets_sent_by(Role::Client);
    assert_eq!(pair.client.close(), Ok(Step::Ready(())));
    assert_eq!(pair.wire.octets_sent_by(Role::Client), before);
}

fn too_early<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    assert_eq!(pair.client.close(), Ok(Step::Ready(())));
    assert_eq!(pair.server.close(), Ok(Step::Ready(())));
}

fn amid_handshake<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    let _ = pair.client.handshake().expect("the ClientHello leaves");
    let _ = pair.server.handshake().expect("the server's flight leaves");
    assert_eq!(pair.client.close(), Ok(Step::Ready(())));
    assert_eq!(pair.server.close(), Ok(Step::Ready(())));
}

fn truncated<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for role in [Role::Client, Role::Server] {
        let mut pair = case.standard();
        pair.connect();
        pair.wire.end(role);
        let (got, last) = pair.side(other(role)).drain();
        assert_eq!((got, last), (Vec::new(), Err(Error::Truncated)));
    }
}

/// A server's data in three records, cut behind each; the close, which would
/// be the fourth, never comes.
fn at_boundaries<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for whole in 0..=3 {
        cut_data(case, whole, 0);
    }
}

fn inside_record<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for whole in 0..3 {
        for extra in [1, HEADER - 1, HEADER, HEADER + 1, HEADER + 50] {
            cut_data(case, whole, extra);
        }
    }
}

/// Delivers so many whole records of three and so many octets of the next.
#[track_caller]
fn cut_data<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, whole: usize, extra: usize) {
    let mut pair = case.standard();
    pair.connect();
    let _ = pair.client.drain();
    for octet in 0..3 {
        assert_eq!(pair.server.write(&[octet; 100]), Ok(Step::Ready(100)));
    }
    let sent = pair.wire.intercept(Role::Server);
    let records = records(&sent);
    assert_eq!(records.len(), 3);
    let boundary = records
        .get(whole)
        .map_or(sent.len(), |record| record.offset);
    pair.wire.inject(Role::Server, &sent[..boundary + extra]);
    pair.wire.end(Role::Server);
    let (got, last) = pair.client.drain();
    assert_eq!(last, Err(Error::Truncated));
    assert_eq!(
        got.len(),
        whole * 100,
        "whole records are delivered, others are not"
    );
}

fn data_first<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    assert_eq!(pair.client.write(b"almost"), Ok(Step::Ready(6)));
    pair.wire.end(Role::Client);
    let expected = (b"almost".to_vec(), Err(Error::Truncated));
    assert_eq!(pair.server.drain(), expected);
}

fn reset<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    pair.wire.reset();
    let expected = Error::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    assert_eq!(pair.client.drain(), (Vec::new(), Err(expected.clone())));
    let write = pair.server.write(b"into the void");
    assert_eq!(write, Err(expected));
}

/// No library sends just any alert on demand, so each is staged in the clear,
/// where the handshake still allows it: in answer to the other's first flight.
fn alert<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for alert in [
        Alert::ACCESS_DENIED,
        Alert::INTERNAL_ERROR,
        Alert::HANDSHAKE_FAILURE,
    ] {
        let fatal = record(21, &[2, alert.0]);
        for role in [Role::Client, Role::Server] {
            let mut pair = case.standard();
            let _ = pair.client.handshake().expect("the ClientHello leaves");
            if role == Role::Server {
                let _ = pair.server.handshake().expect("the server's flight leaves");
            }
            pair.wire.inject(other(role), &fatal);
            let result = pair.side(role).handshake();
            assert_eq!(result, Err(Error::AlertReceived(alert)), "{role:?}");
        }
    }
}

/// Both come in one read of the transport.
fn data_before_fault<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for role in [Role::Client, Role::Server] {
        let mut pair = case.standard();
        pair.connect();
        let _ = pair.side(other(role)).drain();
        assert_eq!(pair.side(role).write(b"good"), Ok(Step::Ready(4)));
        pair.wire.inject(role, &record(23, &[0; 64]));
        let (got, last) = pair.side(other(role)).drain();
        assert_eq!(got, b"good");
        assert!(matches!(last, Err(Error::PeerMisbehaved(_))), "{last:?}");
    }
}

/// The own close stands for the alert, which cannot be sent any more.
fn fault_after_close<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for role in [Role::Client, Role::Server] {
        let mut pair = case.standard();
        pair.connect();
        let _ = pair.side(role).drain();
        assert_eq!(pair.side(role).close(), Ok(Step::Ready(())));
        pair.wire.inject(other(role), &record(23, &[0; 64]));
        let (got, last) = pair.side(role).drain();
        assert_eq!(got, []);
        assert_eq!(
            last,
            Err(PeerMisbehaved::BadCryptography.into()),
            "{role:?}"
        );
    }
}
