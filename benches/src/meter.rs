//! Tells the subject's calls from those around them.

use std::hint;
use std::time::{Duration, Instant};

/// Adds up the time of the calls that are measured, and marks them for
/// callgrind.
#[derive(Debug, Default)]
pub struct Meter {
    elapsed: Duration,
    spans: u32,
    idle: bool,
}

impl Meter {
    /// Nothing measured yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Measures nothing: for warming up.
    pub fn idle() -> Self {
        Self {
            idle: true,
            ..Self::default()
        }
    }

    /// Does what is measured.
    pub fn measure<R>(&mut self, what: impl FnOnce() -> R) -> R {
        if self.idle {
            return what();
        }
        let start = Instant::now();
        let result = measured_by_callgrind(what);
        self.elapsed += start.elapsed();
        self.spans += 1;
        result
    }

    /// The time of all that was measured, without that of looking at the clock.
    pub fn elapsed(&self, clock: Duration) -> Duration {
        self.elapsed.saturating_sub(clock * self.spans)
    }
}

/// How long a measurement of nothing seems to take: the median of many.
pub fn clock_cost() -> Duration {
    let mut costs: Vec<_> = (0..4001)
        .map(|_| {
            let mut meter = Meter::new();
            meter.measure(|| hint::black_box(()));
            meter.elapsed
        })
        .collect();
    costs.sort_unstable();
    costs[costs.len() / 2]
}

/// `valgrind --tool=callgrind --collect-atstart=no
/// --toggle-collect='*measured_by_callgrind*'` counts what happens in here and
/// nothing else. A name suffices: neither client requests nor a runner of
/// their own (`gungraun`) have to be installed.
#[inline(never)]
fn measured_by_callgrind<R>(what: impl FnOnce() -> R) -> R {
    // Keeps the call from being the last thing done, and so from being a jump.
    hint::black_box(what())
}
