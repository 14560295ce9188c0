//! How endpoints have failed: the pause before the next attempt, and the
//! circuit breaker.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::{Endpoint, Error};

/// Beyond so many endpoints, those whose pause is long over are forgotten.
const MANY: usize = 1024;

/// The endpoints that have failed and not yet succeeded again.
#[derive(Debug)]
pub(super) struct Health {
    backoff: (Duration, Duration),
    breaker: Option<(u32, Duration)>,
    random: fastrand::Rng,
    failing: HashMap<Endpoint, Failing>,
}

#[derive(Debug)]
struct Failing {
    /// In a row.
    failures: u32,
    /// The last of them.
    at: Instant,
    error: Error,
    /// No attempt before.
    pause_end: Instant,
    /// The circuit is open until then, and half-open from then on.
    open_until: Option<Instant>,
    /// Whether the one attempt at a half-open circuit is under way.
    probing: bool,
}

/// Whether somebody may connect to an endpoint.
#[derive(Debug, PartialEq)]
pub(super) enum Permit<'a> {
    /// Yes.
    Go,
    /// Not before then: it has failed a moment ago, like this.
    Pause(Instant, &'a Error),
    /// The circuit is open until then. The last failure was this.
    Open(Instant, &'a Error),
    /// The circuit is half-open, and somebody is trying.
    Probing,
}

impl Health {
    pub(super) fn new(
        backoff: (Duration, Duration),
        breaker: Option<(u32, Duration)>,
        random: fastrand::Rng,
    ) -> Self {
        Self {
            backoff,
            breaker,
            random,
            failing: HashMap::new(),
        }
    }

    pub(super) fn permit(&self, endpoint: &Endpoint, now: Instant) -> Permit<'_> {
        let Some(failing) = self.failing.get(endpoint) else {
            return Permit::Go;
        };
        match failing.open_until {
            Some(until) if now < until => Permit::Open(until, &failing.error),
            Some(_) if failing.probing => Permit::Probing,
            Some(_) => Permit::Go,
            None if now < failing.pause_end => Permit::Pause(failing.pause_end, &failing.error),
            None => Permit::Go,
        }
    }

    /// An attempt begins.
    pub(super) fn begun(&mut self, endpoint: &Endpoint) {
        if let Some(failing) = self.failing.get_mut(endpoint) {
            failing.probing = true;
        }
    }

    /// The endpoint is there.
    pub(super) fn succeeded(&mut self, endpoint: &Endpoint) {
        self.failing.remove(endpoint);
    }

    /// An attempt was given up before it was over.
    pub(super) fn abandoned(&mut self, endpoint: &Endpoint) {
        if let Some(failing) = self.failing.get_mut(endpoint) {
            failing.probing = false;
        }
    }

    /// An attempt that began at `begun` has failed. Several that were under
    /// way at once, and failed for one reason, count as one failure.
    pub(super) fn failed(
        &mut self,
        endpoint: &Endpoint,
        begun: Instant,
        error: Error,
        now: Instant,
    ) {
        self.forget_some(now);
        let failing = self
            .failing
            .entry(endpoint.clone())
            .or_insert_with(|| Failing {
                failures: 0,
                at: begun,
                error: error.clone(),
                pause_end: now,
                open_until: None,
                probing: false,
            });
        if failing.failures > 0 && begun < failing.at {
            return;
        }
        failing.probing = false;
        failing.error = error;
        failing.failures = failing.failures.saturating_add(1);
        failing.at = now;
        failing.pause_end = now + pause(self.backoff, failing.failures, &mut self.random);
        if let Some((most, open_for)) = self.breaker
            && failing.failures >= most
        {
            failing.open_until = now.checked_add(open_for);
        }
    }

    /// How the last attempt at an endpoint that still fails has failed.
    pub(super) fn last_error(&self, endpoint: &Endpoint) -> Option<&Error> {
        Some(&self.failing.get(endpoint)?.error)
    }

    /// How many circuits are open or half-open.
    pub(super) fn open_circuits(&self) -> usize {
        let failing = self.failing.values();
        failing.filter(|one| one.open_until.is_some()).count()
    }

    /// An endpoint that nobody asks for any more must not be remembered for
    /// ever.
    fn forget_some(&mut self, now: Instant) {
        if self.failing.len() < MANY {
            return;
        }
        self.failing.retain(|_, failing| {
            let end = failing.open_until.unwrap_or(failing.pause_end);
            failing.probing || now < end
        });
    }
}

/// Full jitter: any time up to a bound that doubles with each failure.
fn pause(
    (first, most): (Duration, Duration),
    failures: u32,
    random: &mut fastrand::Rng,
) -> Duration {
    let doubled = 2_u32.checked_pow(failures.saturating_sub(1));
    let bound = doubled.and_then(|times| first.checked_mul(times));
    bound.unwrap_or(most).min(most).mul_f64(random.f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);
    const MOST: Duration = Duration::from_secs(30);
    const OPEN: Duration = Duration::from_secs(10);

    fn health(breaker: Option<(u32, Duration)>) -> Health {
        Health::new((FIRST, MOST), breaker, fastrand::Rng::with_seed(7))
    }

    fn endpoint() -> Endpoint {
        Endpoint::host("example.com", 443)
    }

    #[test]
    fn pauses_are_random_and_their_bound_doubles_to_the_most() {
        let mut random = fastrand::Rng::with_seed(1);
        for failures in 1..100 {
            let bound = FIRST * 2_u32.pow((failures - 1).min(20));
            let mut longest = Duration::ZERO;
            for _ in 0..100 {
                let pause = pause((FIRST, MOST), failures, &mut random);
                assert!(pause <= bound.min(MOST), "{failures}: {pause:?}");
                longest = longest.max(pause);
            }
            assert!(longest > bound.min(MOST) / 2, "{failures}: {longest:?}");
        }
    }

    #[test]
    fn a_success_ends_the_pause() {
        let (mut health, now) = (health(None), Instant::now());
        assert_eq!(health.permit(&endpoint(), now), Permit::Go);
        health.failed(&endpoint(), now, Error::Drained, now);
        let Permit::Pause(until, _) = health.permit(&endpoint(), now) else {
            panic!("no pause");
        };
        assert!(until > now && until <= now + FIRST);
        assert_eq!(health.permit(&endpoint(), until), Permit::Go);
        assert_eq!(health.last_error(&endpoint()), Some(&Error::Drained));
        health.succeeded(&endpoint());
        assert_eq!(health.permit(&endpoint(), now), Permit::Go);
        assert_eq!(health.last_error(&endpoint()), None);
    }

    #[test]
    fn the_circuit_opens_lets_one_try_and_closes() {
        let (mut health, mut now) = (health(Some((3, OPEN))), Instant::now());
        for _ in 0..2 {
            health.failed(&endpoint(), now, Error::Drained, now);
            assert!(matches!(health.permit(&endpoint(), now), Permit::Pause(..)));
            now += MOST;
        }
        health.failed(&endpoint(), now, Error::Drained, now);
        assert_eq!(
            health.permit(&endpoint(), now),
            Permit::Open(now + OPEN, &Error::Drained)
        );
        assert_eq!(health.open_circuits(), 1);
        now += OPEN;
        assert_eq!(health.permit(&endpoint(), now), Permit::Go);
        health.begun(&endpoint());
        assert_eq!(health.permit(&endpoint(), now), Permit::Probing);
        health.abandoned(&endpoint());
        assert_eq!(health.permit(&endpoint(), now), Permit::Go);
        health.begun(&endpoint());
        health.failed(&endpoint(), now, Error::Drained, now);
        assert_eq!(
            health.permit(&endpoint(), now),
            Permit::Open(now + OPEN, &Error::Drained)
        );
        now += OPEN;
        health.begun(&endpoint());
        health.succeeded(&endpoint());
        assert_eq!(health.permit(&endpoint(), now), Permit::Go);
        assert_eq!(health.open_circuits(), 0);
    }

    #[test]
    fn attempts_that_fail_together_count_as_one_failure() {
        let (mut health, start) = (health(Some((2, OPEN))), Instant::now());
        let end = start + Duration::from_millis(1);
        for _ in 0..10 {
            health.failed(&endpoint(), start, Error::Drained, end);
        }
        assert!(matches!(health.permit(&endpoint(), end), Permit::Pause(..)));
    }

    #[test]
    fn endpoints_fail_apart_and_old_failures_are_forgotten() {
        let (mut health, now) = (health(None), Instant::now());
        for port in 0..2 * MANY as u16 {
            let later = now + MOST * u32::from(port);
            health.failed(&Endpoint::host("a", port), later, Error::Drained, later);
        }
        assert!(health.failing.len() <= MANY);
        assert_eq!(health.permit(&Endpoint::host("b", 0), now), Permit::Go);
    }
}
