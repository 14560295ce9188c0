//! Renewing the keys (RFC 8446, section 4.6.3).

use std::io;

use polytls::tls::{Capabilities, Error, ProtocolVersion, Role, Step, TlsBackend};

use super::data::pattern;
use crate::pair::Pair;
use crate::pipe::other;
use crate::scenario::{Case, Scenario, Versions, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    let tls13 = Versions::Only(ProtocolVersion::Tls13);
    vec![
        scenario("keys_are_renewed_many_times_by_both_sides", many)
            .versions(tls13)
            .proves(Capabilities::KEY_UPDATE),
        scenario("keys_are_renewed_while_data_is_in_flight", in_flight)
            .versions(tls13)
            .proves(Capabilities::KEY_UPDATE),
        scenario("a_renewal_that_blocks_is_continued", blocked)
            .versions(tls13)
            .needs(Capabilities::KEY_UPDATE),
        scenario(
            "data_behind_a_renewal_is_handed_out_although_the_peer_has_gone",
            gone,
        )
        .versions(tls13)
        .needs(Capabilities::KEY_UPDATE),
        scenario("tls12_has_no_renewal_and_goes_on", tls12)
            .versions(Versions::Only(ProtocolVersion::Tls12)),
        scenario("no_keys_are_renewed_before_the_handshake", too_early)
            .versions(tls13)
            .needs(Capabilities::KEY_UPDATE),
    ]
}

fn many<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    for round in 0..40_u8 {
        let role = if round % 2 == 0 {
            Role::Client
        } else {
            Role::Server
        };
        assert_eq!(pair.side(role).key_update(), Ok(Step::Ready(())));
        both_ways(&mut pair, round);
    }
}

/// Both sides renew at once, several times, with data before and between.
fn in_flight<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    for round in 0..10_u8 {
        for role in [Role::Client, Role::Server] {
            let side = pair.side(role);
            assert_eq!(side.write(&[round; 100]), Ok(Step::Ready(100)));
            assert_eq!(side.key_update(), Ok(Step::Ready(())));
            assert_eq!(side.write(&[round; 50]), Ok(Step::Ready(50)));
            assert_eq!(side.key_update(), Ok(Step::Ready(())));
        }
        for role in [Role::Client, Role::Server] {
            let (got, last) = pair.side(role).drain();
            assert_eq!(got, [round; 150]);
            assert!(matches!(last, Ok(Step::Blocked(_))), "{last:?}");
        }
        both_ways(&mut pair, round);
    }
}

fn blocked<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    pair.wire.set_room(Role::Client, 0);
    let step = pair.client.key_update().expect("a renewal");
    assert!(matches!(step, Step::Blocked(_)), "{step:?}");
    pair.wire.set_room(Role::Client, 1 << 16);
    assert_eq!(pair.client.key_update(), Ok(Step::Ready(())));
    both_ways(&mut pair, 1);
    // The answer of the peer is queued by its read and blocked there.
    pair.wire.set_room(Role::Server, 0);
    assert_eq!(pair.client.key_update(), Ok(Step::Ready(())));
    assert_eq!(pair.client.write(b"after"), Ok(Step::Ready(5)));
    let (got, _) = pair.server.drain();
    assert_eq!(got, b"after");
    pair.wire.set_room(Role::Server, 1 << 16);
    both_ways(&mut pair, 2);
}

/// The renewal cannot be answered, which is told behind what has come.
fn gone<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    for role in [Role::Client, Role::Server] {
        let mut pair = case.standard();
        pair.connect();
        let data = pattern(3000);
        let leaving = pair.side(other(role));
        for piece in data.chunks(1000) {
            assert_eq!(leaving.write(piece), Ok(Step::Ready(piece.len())));
            assert_eq!(leaving.key_update(), Ok(Step::Ready(())));
        }
        assert_eq!(leaving.write(b"end"), Ok(Step::Ready(3)));
        pair.wire.leave(other(role));
        let side = pair.side(role);
        let mut got = Vec::new();
        let mut buf = [0; 70];
        let error = loop {
            match side.read(&mut buf) {
                Ok(Step::Ready(octets @ 1..)) => got.extend_from_slice(&buf[..octets]),
                Ok(last) => panic!("{last:?} instead of an error"),
                Err(error) => break error,
            }
        };
        assert!(
            got == [&data[..], b"end"].concat(),
            "{} came, {error:?}",
            got.len()
        );
        assert_eq!(error, io::Error::from(io::ErrorKind::BrokenPipe).into());
        assert_eq!(side.read(&mut buf), Err(error.clone()));
        assert_eq!(side.write(b"more"), Err(error));
    }
}

fn tls12<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    pair.connect();
    for role in [Role::Client, Role::Server] {
        let name = match role {
            Role::Client => case.client.info().name,
            Role::Server => case.server.info().name,
        };
        let Err(Error::Unsupported(refusal)) = pair.side(role).key_update() else {
            panic!("{role:?} renews keys in TLS 1.2");
        };
        assert_eq!(refusal.capability, Capabilities::KEY_UPDATE);
        assert_eq!(refusal.backend, name);
        both_ways(&mut pair, 3);
    }
}

fn too_early<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let mut pair = case.standard();
    for role in [Role::Client, Role::Server] {
        let result = pair.side(role).key_update();
        assert!(matches!(result, Err(Error::Config(_))), "{result:?}");
    }
    pair.connect();
    both_ways(&mut pair, 4);
}

#[track_caller]
fn both_ways(pair: &mut Pair, octet: u8) {
    let data = [octet; 1000];
    assert_eq!(pair.send(Role::Client, &data), data);
    assert_eq!(pair.send(Role::Server, &data), data);
}
