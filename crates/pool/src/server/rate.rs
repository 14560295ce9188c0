//! How often something may happen.

use std::time::{Duration, Instant};

/// So many at once, and then one in every interval: a token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    burst: u32,
    interval: Duration,
}

impl Rate {
    /// `burst` at once, at least 1 (0 counts as 1), and then one in every
    /// `interval`.
    pub const fn new(burst: u32, interval: Duration) -> Self {
        let burst = if burst == 0 { 1 } else { burst };
        Self { burst, interval }
    }

    /// So many in a second, and as many at once; at least 1.
    pub const fn per_second(count: u32) -> Self {
        let count = if count == 0 { 1 } else { count };
        Self::new(count, Duration::from_nanos(1_000_000_000 / count as u64))
    }
}

/// One bucket: the moment at which it will be full again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket(Option<Instant>);

impl Bucket {
    /// Takes one, or answers when there will be one.
    pub(super) fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Instant> {
        let full = self.0.map_or(now, |full| full.max(now));
        let room = rate.interval.saturating_mul(rate.burst - 1);
        let earliest = full.checked_sub(room).unwrap_or(now);
        if earliest > now {
            return Err(earliest);
        }
        self.0 = full.checked_add(rate.interval);
        Ok(())
    }

    /// Puts one back that was not used.
    pub(super) fn put_back(&mut self, rate: Rate) {
        self.0 = self.0.and_then(|full| full.checked_sub(rate.interval));
    }

    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.0.is_none_or(|full| full <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_an_interval() {
        let rate = Rate::new(3, Duration::from_secs(1));
        let (mut bucket, now) = (Bucket::default(), Instant::now());
        for _ in 0..3 {
            assert_eq!(bucket.take(rate, now), Ok(()));
        }
        let next = now + Duration::from_secs(1);
        assert_eq!(bucket.take(rate, now), Err(next));
        assert_eq!(bucket.take(rate, next), Ok(()));
        assert!(bucket.take(rate, next).is_err());
        bucket.put_back(rate);
        assert_eq!(bucket.take(rate, next), Ok(()));
        assert!(!bucket.is_full(next));
        assert!(bucket.is_full(next + Duration::from_secs(3)));
    }
}
