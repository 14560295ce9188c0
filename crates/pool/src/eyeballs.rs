//! Which address of a host is tried when: Happy Eyeballs (RFC 8305).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The schedule of the attempts at a host's addresses. It makes no connection
/// and has no clock.
///
/// The families alternate, beginning with the family of the address that the
/// resolver prefers (RFC 8305, section 4). The next attempt begins when the
/// delay is over or an attempt has failed, whichever comes first (section 5).
/// Whoever connects first wins, and the caller drops the others.
#[derive(Debug)]
pub(crate) struct Race {
    untried: VecDeque<SocketAddr>,
    running: usize,
    delay: Duration,
    /// When the next attempt begins, if none fails before.
    next: Instant,
}

impl Race {
    pub(crate) fn new(addresses: Vec<SocketAddr>, delay: Duration, now: Instant) -> Self {
        Self {
            untried: alternating(addresses),
            running: 0,
            delay,
            next: now,
        }
    }

    /// The address to try now, if it is time for one.
    pub(crate) fn start(&mut self, now: Instant) -> Option<SocketAddr> {
        if self.running > 0 && now < self.next {
            return None;
        }
        let address = self.untried.pop_front()?;
        self.running += 1;
        self.next = now + self.delay;
        Some(address)
    }

    /// One attempt has failed.
    pub(crate) fn failed(&mut self, now: Instant) {
        self.running = self.running.saturating_sub(1);
        self.next = now;
    }

    /// When to ask [`start`](Self::start) again, if there is something to
    /// start.
    pub(crate) fn next_start(&self) -> Option<Instant> {
        (!self.untried.is_empty()).then_some(self.next)
    }

    /// Whether every address has failed.
    pub(crate) fn is_lost(&self) -> bool {
        self.untried.is_empty() && self.running == 0
    }
}

/// Alternates between the two families; the order within each is kept.
fn alternating(addresses: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (VecDeque<_>, VecDeque<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut families = [first, second];
    let mut order = VecDeque::new();
    while families.iter().any(|family| !family.is_empty()) {
        order.extend(families.iter_mut().filter_map(VecDeque::pop_front));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_millis(250);

    fn v4(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 443).into()
    }

    fn v6(last: u16) -> SocketAddr {
        ([0x2001, 0xdb8, 0, 0, 0, 0, 0, last], 443).into()
    }

    fn order(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
        alternating(addresses.to_vec()).into()
    }

    #[test]
    fn families_alternate_from_the_resolvers_choice_on() {
        let mixed = [v6(1), v6(2), v6(3), v4(1), v4(2)];
        assert_eq!(order(&mixed), [v6(1), v4(1), v6(2), v4(2), v6(3)]);
        let v4_first = [v4(1), v4(2), v6(1)];
        assert_eq!(order(&v4_first), [v4(1), v6(1), v4(2)]);
        assert_eq!(order(&[v4(2), v4(1)]), [v4(2), v4(1)]);
        assert!(order(&[]).is_empty());
    }

    #[test]
    fn a_silent_address_gets_company_after_the_delay() {
        let now = Instant::now();
        let mut race = Race::new(vec![v6(1), v4(1)], DELAY, now);
        assert_eq!(race.start(now), Some(v6(1)));
        assert_eq!(race.start(now), None);
        assert_eq!(race.next_start(), Some(now + DELAY));
        assert_eq!(race.start(now + DELAY / 2), None);
        assert_eq!(race.start(now + DELAY), Some(v4(1)));
        assert_eq!(race.next_start(), None);
        assert!(!race.is_lost());
    }

    #[test]
    fn a_failure_starts_the_next_at_once() {
        let now = Instant::now();
        let mut race = Race::new(vec![v6(1), v4(1)], DELAY, now);
        assert_eq!(race.start(now), Some(v6(1)));
        let soon = now + Duration::from_millis(1);
        race.failed(soon);
        assert_eq!(race.next_start(), Some(soon));
        assert_eq!(race.start(soon), Some(v4(1)));
        assert!(!race.is_lost());
        race.failed(soon);
        assert!(race.is_lost());
    }

    #[test]
    fn nothing_to_try_is_lost_from_the_start() {
        assert!(Race::new(Vec::new(), DELAY, Instant::now()).is_lost());
    }
}
