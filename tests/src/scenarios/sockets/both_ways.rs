//! Long transfers both ways at once, on one thread, in a loop of readiness.

use polytls::tls::{Capabilities, ProtocolVersion, TlsBackend};
use polytls::{Interest, Step};

use super::ends::{End, Link, Setup, pattern};
use super::poll::wait_for_either;
use crate::scenario::{Case, Scenario, Versions, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("both_sides_send_much_at_once_over_tcp", |case| {
            both_ways(case, Link::Tcp4, None, false);
        }),
        scenario("both_sides_send_much_at_once_with_little_room", |case| {
            both_ways(case, Link::Pair, None, true);
        }),
        scenario("keys_are_renewed_while_both_sides_send_much", |case| {
            both_ways(case, Link::Pair, Some(100_000), true);
        })
        .versions(Versions::Only(ProtocolVersion::Tls13))
        .needs(Capabilities::KEY_UPDATE),
    ]
}

const MUCH: usize = 1024 * 1024;

/// More turns than so much data has a use for.
const MOST_TURNS: usize = 100_000;

fn both_ways<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    link: Link,
    renew_every: Option<usize>,
    narrow: bool,
) {
    // The handshake is part of it.
    let (mut client, mut server) = Setup::new(case).turned_on(link);
    client.set_nonblocking(true).expect("a mode");
    server.set_nonblocking(true).expect("a mode");
    if narrow {
        client.set_send_buffer(10_000).expect("a buffer");
        server.set_send_buffer(10_000).expect("a buffer");
    }
    let data = pattern(MUCH);
    let (mut of_client, mut of_server) = (
        Talk::new(&data, renew_every),
        Talk::new(&data[..MUCH - 7], renew_every),
    );
    for _ in 0..MOST_TURNS {
        let waits = [of_client.turn(&mut client), of_server.turn(&mut server)];
        if of_client.is_over() && of_server.is_over() {
            break;
        }
        if let [Some(client_waits), Some(server_waits)] = waits {
            wait_for_either([
                (client.wait_fd(), client_waits),
                (server.wait_fd(), server_waits),
            ]);
        }
    }
    assert!(of_client.is_over() && of_server.is_over(), "no end");
    assert!(of_client.heard == data[..MUCH - 7]);
    assert!(of_server.heard == data);
    assert_eq!(client.statistics().sent.octets, MUCH as u64);
    assert_eq!(
        client.statistics().wire_sent.octets,
        server.statistics().wire_received.octets
    );
}

/// One side's part.
struct Talk<'a> {
    says: &'a [u8],
    sent: usize,
    heard: Vec<u8>,
    ended: bool,
    shut: bool,
    renew_every: Option<usize>,
    renewed: usize,
}

impl<'a> Talk<'a> {
    fn new(says: &'a [u8], renew_every: Option<usize>) -> Self {
        Self {
            says,
            sent: 0,
            heard: Vec::new(),
            ended: false,
            shut: false,
            renew_every,
            renewed: 0,
        }
    }

    fn is_over(&self) -> bool {
        self.ended && self.shut
    }

    /// Does some of what can be done now, and answers what to wait for; `None`
    /// if there is more to do at once.
    fn turn<B: TlsBackend>(&mut self, end: &mut End<B>) -> Option<Interest> {
        let mut moved = self.hear(end);
        moved |= self.say(end);
        if moved || (!self.ended && end.has_pending()) {
            return None;
        }
        let mut waits = end.interest();
        if end.facts().is_some() {
            waits.set(Interest::READ, !self.ended);
            waits.set(Interest::WRITE, !self.shut);
        }
        Some(waits)
    }

    fn hear<B: TlsBackend>(&mut self, end: &mut End<B>) -> bool {
        if self.ended {
            return false;
        }
        let mut buf = [0; 20_000];
        match end.try_recv(&mut buf).expect("data") {
            Step::Ready(0) => self.ended = true,
            Step::Ready(octets) => self.heard.extend_from_slice(&buf[..octets]),
            Step::Blocked(_) => return false,
        }
        true
    }

    fn say<B: TlsBackend>(&mut self, end: &mut End<B>) -> bool {
        if self.shut {
            return false;
        }
        if self.sent == self.says.len() {
            self.shut = end.try_shutdown_write().expect("an end").is_ready();
            return self.shut;
        }
        if let Some(every) = self.renew_every
            && self.sent >= self.renewed + every
        {
            if !end.try_key_update().expect("new keys").is_ready() {
                return false;
            }
            self.renewed = self.sent;
        }
        let rest = &self.says[self.sent..];
        let piece = &rest[..rest.len().min(50_000)];
        match end.try_send(piece).expect("a send") {
            Step::Ready(octets) => self.sent += octets,
            Step::Blocked(_) => return false,
        }
        true
    }
}
