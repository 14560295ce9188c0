//! Who may connect.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::handshakes::{HandshakePermit, HandshakeTurn, Handshakes};
use super::rate::{Bucket, Rate};

/// Beyond so many addresses, those that have no connection and have not
/// connected lately are forgotten.
const MANY: usize = 1 << 16;

/// What a server admits.
///
/// # Defaults
/// 10,000 connections in all and 256 handshakes at once; no limit for one
/// address and no limit of the rate; IPv6 addresses count by their /64.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many connections there may be at once.
    pub connections: usize,
    /// How many of them one address may have; `None` is no limit.
    pub per_address: Option<usize>,
    /// How many handshakes may be under way at once. With 0 none ever begins.
    pub handshakes: usize,
    /// How often connections may come in all.
    pub rate: Option<Rate>,
    /// How often connections may come from one address.
    pub rate_per_address: Option<Rate>,
    /// How many leading bits of an IPv6 address stand for one client; more
    /// than 128 is 128. Clients have a /64 usually.
    pub ipv6_prefix: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            per_address: None,
            handshakes: 256,
            rate: None,
            rate_per_address: None,
            ipv6_prefix: 64,
        }
    }
}

/// Why a connection is not admitted. Close it: nothing was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There are as many connections as may be.
    #[error("there are too many connections")]
    Connections,
    /// The address has as many connections as it may have.
    #[error("the address has too many connections")]
    PerAddress,
    /// Connections come too often.
    #[error("connections come too often")]
    Rate {
        /// When the next one is admitted, if no other comes before it.
        until: Instant,
    },
    /// Connections of this address come too often.
    #[error("connections of the address come too often")]
    RatePerAddress {
        /// When the next one is admitted.
        until: Instant,
    },
    /// More addresses connect than can be told apart: 65,536.
    #[error("too many addresses connect at once")]
    Addresses,
}

/// What has been admitted and refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdmissionStatistics {
    /// Connections that there are now.
    pub connections: usize,
    /// Handshakes that are under way.
    pub handshakes: usize,
    /// Handshakes that wait for their turn.
    pub handshakes_waiting: usize,
    /// Connections that were admitted.
    pub admitted: u64,
    /// Connections that were refused.
    pub refused: u64,
    /// How often there was no room for a handshake that would not wait.
    pub handshakes_refused: u64,
}

/// The door of a server: limits how many connections there are and how often
/// they come. A clone is the same door. It has no clock and does no I/O, so it
/// works with any loop or runtime.
#[derive(Clone)]
pub struct Admission(Arc<Door>);

pub(super) struct Door {
    pub(super) limits: Limits,
    state: Mutex<DoorState>,
}

#[derive(Default)]
pub(super) struct DoorState {
    by_address: HashMap<IpAddr, Client>,
    bucket: Bucket,
    pub(super) handshakes: Handshakes,
    connections: usize,
    admitted: u64,
    refused: u64,
}

#[derive(Default)]
struct Client {
    connections: usize,
    bucket: Bucket,
}

impl Admission {
    /// Nobody is in.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Door {
            limits,
            state: Mutex::default(),
        }))
    }

    /// Admits a connection as long as the permit lives. `peer` is its address;
    /// a Unix socket has none, and then only the limits in all count.
    pub fn admit(&self, peer: Option<IpAddr>, now: Instant) -> Result<Permit, Refusal> {
        let limits = &self.0.limits;
        let client = peer.map(|peer| of_client(peer, limits.ipv6_prefix));
        let mut state = self.0.lock();
        match state.admit(limits, client, now) {
            Ok(()) => {
                state.connections += 1;
                state.admitted += 1;
                drop(state);
                Ok(Permit {
                    door: Arc::clone(&self.0),
                    client,
                })
            }
            Err(refusal) => {
                state.refused += 1;
                Err(refusal)
            }
        }
    }

    /// What has been admitted and refused.
    pub fn statistics(&self) -> AdmissionStatistics {
        let state = self.0.lock();
        AdmissionStatistics {
            connections: state.connections,
            handshakes: state.handshakes.under_way(),
            handshakes_waiting: state.handshakes.waiting(),
            admitted: state.admitted,
            refused: state.refused,
            handshakes_refused: state.handshakes.refused(),
        }
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission")
            .field("limits", &self.0.limits)
            .field("statistics", &self.statistics())
            .finish()
    }
}

impl Door {
    pub(super) fn lock(&self) -> MutexGuard<'_, DoorState> {
        // Nothing is left half done: no step calls anybody.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DoorState {
    fn admit(
        &mut self,
        limits: &Limits,
        client: Option<IpAddr>,
        now: Instant,
    ) -> Result<(), Refusal> {
        if self.connections >= limits.connections {
            return Err(Refusal::Connections);
        }
        if let Some(rate) = limits.rate {
            let taken = self.bucket.take(rate, now);
            taken.map_err(|until| Refusal::Rate { until })?;
        }
        let Some(client) = client else { return Ok(()) };
        let admitted = self.admit_client(limits, client, now);
        if let (Err(_), Some(rate)) = (&admitted, limits.rate) {
            self.bucket.put_back(rate);
        }
        admitted
    }

    fn admit_client(
        &mut self,
        limits: &Limits,
        client: IpAddr,
        now: Instant,
    ) -> Result<(), Refusal> {
        if self.by_address.len() >= MANY && !self.by_address.contains_key(&client) {
            self.by_address
                .retain(|_, client| client.connections > 0 || !client.bucket.is_full(now));
            if self.by_address.len() >= MANY {
                return Err(Refusal::Addresses);
            }
        }
        let client = self.by_address.entry(client).or_default();
        if limits
            .per_address
            .is_some_and(|most| client.connections >= most)
        {
            return Err(Refusal::PerAddress);
        }
        if let Some(rate) = limits.rate_per_address {
            let taken = client.bucket.take(rate, now);
            taken.map_err(|until| Refusal::RatePerAddress { until })?;
        }
        client.connections += 1;
        Ok(())
    }
}

/// One client: an IPv4 address (mapped into IPv6 or not), or a part of IPv6.
fn of_client(peer: IpAddr, prefix: u8) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let rest = 128 - u32::from(prefix.min(128));
            let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
        v4 => v4,
    }
}

/// A connection that was admitted. Dropping it makes room for another.
#[must_use = "a permit that is dropped admits nobody"]
pub struct Permit {
    door: Arc<Door>,
    client: Option<IpAddr>,
}

impl Permit {
    /// Room for a handshake, as long as the answer lives; `None` if as many
    /// are under way as may be, or others wait for their turn. Ask again when
    /// one of them is over, or wait with [`handshake_turn`](Self::handshake_turn).
    pub fn begin_handshake(&self) -> Option<HandshakePermit> {
        HandshakePermit::begin(&self.door)
    }

    /// Waits for room for a handshake, first come, first served, whoever else
    /// asks. It has no time limit of its own: bound it together with the
    /// handshake, because a client waits for both.
    pub fn handshake_turn(&self) -> HandshakeTurn {
        HandshakeTurn::new(&self.door)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.door.lock();
        state.connections -= 1;
        let Some(client) = self.client else { return };
        if let Some(entry) = state.by_address.get_mut(&client) {
            entry.connections -= 1;
            // An address without a rate to remember is forgotten at once.
            if entry.connections == 0 && self.door.limits.rate_per_address.is_none() {
                state.by_address.remove(&client);
            }
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.client).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn room_is_limited_in_all_and_comes_back() {
        let limits = Limits {
            connections: 2,
            ..Limits::default()
        };
        let (door, now) = (Admission::new(limits), Instant::now());
        let one = door.admit(None, now).unwrap();
        let _two = door.admit(ip("192.0.2.1"), now).unwrap();
        assert_eq!(door.admit(None, now).unwrap_err(), Refusal::Connections);
        drop(one);
        let _three = door.admit(None, now).unwrap();
        let found = door.statistics();
        assert_eq!(
            (found.connections, found.admitted, found.refused),
            (2, 3, 1)
        );
    }

    #[test]
    fn an_address_counts_however_it_is_written() {
        let limits = Limits {
            per_address: Some(1),
            ..Limits::default()
        };
        let (door, now) = (Admission::new(limits), Instant::now());
        let _v4 = door.admit(ip("192.0.2.1"), now).unwrap();
        for same in ["192.0.2.1", "::ffff:192.0.2.1"] {
            assert_eq!(door.admit(ip(same), now).unwrap_err(), Refusal::PerAddress);
        }
        let v6 = door.admit(ip("2001:db8::1"), now).unwrap();
        let neighbour = ip("2001:db8::2:3:4:5");
        assert_eq!(door.admit(neighbour, now).unwrap_err(), Refusal::PerAddress);
        let _other = door.admit(ip("2001:db8:0:1::1"), now).unwrap();
        drop(v6);
        let _neighbour = door.admit(neighbour, now).unwrap();
    }

    #[test]
    fn no_prefix_and_more_than_there_are_bits_are_prefixes() {
        let address: IpAddr = "2001:db8::1".parse().unwrap();
        assert_eq!(of_client(address, 200), address);
        assert_eq!(of_client(address, 0), IpAddr::from([0; 16]));
    }

    #[test]
    fn one_address_that_comes_too_often_takes_nothing_from_others() {
        let second = Duration::from_secs(1);
        let limits = Limits {
            rate: Some(Rate::new(2, second)),
            rate_per_address: Some(Rate::new(1, second)),
            ..Limits::default()
        };
        let (door, now) = (Admission::new(limits), Instant::now());
        drop(door.admit(ip("192.0.2.1"), now).unwrap());
        let until = now + second;
        for _ in 0..10 {
            let refusal = door.admit(ip("192.0.2.1"), now).unwrap_err();
            assert_eq!(refusal, Refusal::RatePerAddress { until });
        }
        drop(door.admit(ip("192.0.2.2"), now).unwrap());
        let refusal = door.admit(ip("192.0.2.3"), now).unwrap_err();
        assert_eq!(refusal, Refusal::Rate { until });
        drop(door.admit(ip("192.0.2.1"), until).unwrap());
    }

    #[test]
    fn addresses_are_not_remembered_for_ever() {
        let limits = Limits {
            rate_per_address: Some(Rate::per_second(1)),
            connections: usize::MAX,
            ..Limits::default()
        };
        let (door, now) = (Admission::new(limits), Instant::now());
        let address = |n: usize| Some(IpAddr::from((n as u32).to_be_bytes()));
        for n in 0..MANY {
            drop(door.admit(address(n), now).unwrap());
        }
        assert_eq!(
            door.admit(address(MANY), now).unwrap_err(),
            Refusal::Addresses
        );
        let later = now + Duration::from_secs(1);
        drop(door.admit(address(MANY), later).unwrap());
        assert_eq!(door.0.lock().by_address.len(), 1);
    }
}
