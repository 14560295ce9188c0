//! What a pool may hold and how it connects.

use std::sync::Arc;
use std::time::Duration;

use socket::Keepalive;

use crate::{Error, Resolve};

/// How a pool holds and makes connections.
///
/// # Defaults
/// - 16 connections for each key and 256 in all, in use and idle together; all
///   of a key's may be idle.
/// - An idle connection is closed after 60 s; one that is older than 30 minutes
///   is not used again.
/// - 1,024 callers may wait.
/// - One checkout tries to connect 3 times, while it has time. Between two
///   attempts at an endpoint there is a random pause of up to 100 ms, which
///   doubles with each failure up to 30 s. Callers wait for its end.
/// - After 5 failures in a row nobody connects to the endpoint for 10 s; then
///   one caller tries.
/// - The addresses of a host are tried 250 ms apart (RFC 8305).
/// - Nagle's algorithm is off; no TCP keep-alive probes; the system resolves
///   names.
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a pool is made with them"]
pub struct Options {
    pub(crate) max_total: usize,
    pub(crate) max_per_key: usize,
    pub(crate) max_idle_per_key: usize,
    pub(crate) max_waiting: usize,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) max_age: Option<Duration>,
    pub(crate) attempts: u32,
    pub(crate) backoff: (Duration, Duration),
    pub(crate) wait_in_backoff: bool,
    pub(crate) breaker: Option<(u32, Duration)>,
    pub(crate) attempt_delay: Duration,
    pub(crate) nodelay: bool,
    pub(crate) keepalive: Option<Keepalive>,
    pub(crate) resolver: Option<Arc<dyn Resolve>>,
    pub(crate) seed: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The defaults above.
    pub const fn new() -> Self {
        Self {
            max_total: 256,
            max_per_key: 16,
            max_idle_per_key: usize::MAX,
            max_waiting: 1024,
            idle_timeout: Some(Duration::from_secs(60)),
            max_age: Some(Duration::from_secs(30 * 60)),
            attempts: 3,
            backoff: (Duration::from_millis(100), Duration::from_secs(30)),
            wait_in_backoff: true,
            breaker: Some((5, Duration::from_secs(10))),
            attempt_delay: Duration::from_millis(250),
            nodelay: true,
            keepalive: None,
            resolver: None,
            seed: None,
        }
    }

    /// How many connections there may be in all: in use, idle and being made.
    /// At least 1.
    pub const fn max_total(mut self, connections: usize) -> Self {
        self.max_total = connections;
        self
    }

    /// How many connections there may be for one key: one endpoint with one
    /// TLS config and server name. At least 1.
    pub const fn max_per_key(mut self, connections: usize) -> Self {
        self.max_per_key = connections;
        self
    }

    /// How many connections of one key may be idle. 0 keeps none.
    pub const fn max_idle_per_key(mut self, connections: usize) -> Self {
        self.max_idle_per_key = connections;
        self
    }

    /// How many callers may wait for a connection at once; one more is
    /// [`Error::TooManyWaiting`]. 0 lets nobody wait.
    pub const fn max_waiting(mut self, callers: usize) -> Self {
        self.max_waiting = callers;
        self
    }

    /// How long a connection may be idle. Servers close idle connections too,
    /// many after 60 to 75 s: less than theirs saves failed requests. `None` is
    /// no limit.
    pub const fn idle_timeout(mut self, time: Option<Duration>) -> Self {
        self.idle_timeout = time;
        self
    }

    /// How old a connection may be when it is given out, so that a change of
    /// the endpoint's addresses or certificate is noticed. `None` is no limit.
    pub const fn max_age(mut self, age: Option<Duration>) -> Self {
        self.max_age = age;
        self
    }

    /// How often one checkout tries to connect while it has time. Only an
    /// endpoint that is not there or does not answer is tried again. At least 1.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The pause after a failed attempt at an endpoint: a random time up to
    /// `first`, which doubles with each failure in a row, up to `most`. A
    /// success ends it. `first` must not be above `most`.
    pub const fn backoff(mut self, first: Duration, most: Duration) -> Self {
        self.backoff = (first, most);
        self
    }

    /// Whether a caller that comes in the pause waits for its end, within its
    /// time. If not, it gets [`Error::BackingOff`] at once.
    pub const fn wait_in_backoff(mut self, wait: bool) -> Self {
        self.wait_in_backoff = wait;
        self
    }

    /// After how many failures in a row nobody connects to an endpoint for a
    /// while ([`Error::CircuitOpen`]), and for how long; then one caller tries.
    /// Idle connections are still given out. At least 1 failure.
    pub const fn breaker(mut self, failures: u32, open_for: Duration) -> Self {
        self.breaker = Some((failures, open_for));
        self
    }

    /// Connects however often an endpoint has failed.
    pub const fn no_breaker(mut self) -> Self {
        self.breaker = None;
        self
    }

    /// How long one address of a host has before the next is tried beside it:
    /// the Connection Attempt Delay of RFC 8305, section 5; 10 ms to 2 s.
    pub const fn attempt_delay(mut self, delay: Duration) -> Self {
        self.attempt_delay = delay;
        self
    }

    /// Whether small segments are sent at once (`TCP_NODELAY`).
    pub const fn nodelay(mut self, nodelay: bool) -> Self {
        self.nodelay = nodelay;
        self
    }

    /// How TCP looks for a peer that has silently gone. `None`: not at all.
    pub const fn keepalive(mut self, keepalive: Option<Keepalive>) -> Self {
        self.keepalive = keepalive;
        self
    }

    /// Resolves names instead of the system.
    pub fn resolver(mut self, resolver: Arc<dyn Resolve>) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// Makes the random pauses the same in each run, for tests.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Whether a caller that has failed so often, at last like this, connects
    /// once more.
    pub(crate) fn tries_again(&self, failures: u32, error: &Error) -> bool {
        error.is_absence() && !error.is_timeout() && failures < self.attempts
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = |option, reason| Err(Error::Config { option, reason });
        if self.max_total == 0 {
            return wrong("max_total", "there must be room for one connection");
        }
        if self.max_per_key == 0 {
            return wrong("max_per_key", "there must be room for one connection");
        }
        if self.attempts == 0 {
            return wrong("attempts", "there must be one");
        }
        if self.backoff.0 > self.backoff.1 {
            return wrong("backoff", "the first pause is longer than the longest");
        }
        if let Some((0, _)) = self.breaker {
            return wrong("breaker", "it would open before any failure");
        }
        let range = Duration::from_millis(10)..=Duration::from_secs(2);
        if !range.contains(&self.attempt_delay) {
            return wrong("attempt_delay", "it must be between 10 ms and 2 s");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(Options::default().check(), Ok(()));
    }

    #[test]
    fn each_option_out_of_its_range_is_refused_by_name() {
        let second = Duration::from_secs(1);
        let cases = [
            ("max_total", Options::new().max_total(0)),
            ("max_per_key", Options::new().max_per_key(0)),
            ("attempts", Options::new().attempts(0)),
            ("backoff", Options::new().backoff(second, second / 2)),
            ("breaker", Options::new().breaker(0, second)),
            ("attempt_delay", Options::new().attempt_delay(second * 3)),
            ("attempt_delay", Options::new().attempt_delay(second / 200)),
        ];
        for (name, options) in cases {
            match options.check() {
                Err(Error::Config { option, .. }) => assert_eq!(option, name),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}
