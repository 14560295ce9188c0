//! What scenarios over sockets, loops, pools and streams have in common.

use std::time::{Duration, Instant};

/// So long that only a hang takes it.
pub(super) const LONG: Duration = Duration::from_secs(20);

/// Runs what must take so long at least, and yet end in time.
#[track_caller]
pub(super) fn timed<T>(at_least: Duration, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    let took = start.elapsed();
    assert!(took >= at_least, "it was over after {took:?} only");
    assert!(took < LONG / 2, "it took {took:?}");
    result
}

/// Octets that tell when some of them are lost, sent twice or out of order:
/// their period is prime.
pub(super) fn pattern(octets: usize) -> Vec<u8> {
    let period: Vec<u8> = (0..=250).collect();
    let mut pattern = period.repeat(octets.div_ceil(period.len()));
    pattern.truncate(octets);
    pattern
}
