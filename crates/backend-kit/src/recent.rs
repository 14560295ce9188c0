//! What the sessions of one context have met last.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// How much is kept: for the peers that a pool has most to do with.
const MOST: usize = 8;

/// The last eight of something, the latest first. Asked once a session, when
/// its peer is known.
pub struct Recent<T>(Mutex<VecDeque<T>>);

impl<T> Recent<T> {
    /// Uses the first that is meant, which becomes the latest.
    pub fn recall<R>(
        &self,
        is_meant: impl FnMut(&T) -> bool,
        used: impl FnOnce(&T) -> R,
    ) -> Option<R> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(is_meant)?;
        let meant = kept.remove(place)?;
        let result = used(&meant);
        kept.push_front(meant);
        Some(result)
    }

    /// Keeps one more, the oldest of eight making room.
    pub fn keep(&self, latest: T) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.truncate(MOST - 1);
        kept.push_front(latest);
    }
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> fmt::Debug for Recent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knows(recent: &Recent<usize>, value: usize) -> bool {
        let found = recent.recall(|kept| *kept == value, |kept| *kept);
        assert!(found.is_none_or(|found| found == value));
        found.is_some()
    }

    #[test]
    fn the_last_eight_are_kept_and_what_is_recalled_is_the_latest() {
        let recent = Recent::default();
        assert!(!knows(&recent, 0));
        (0..MOST).for_each(|value| recent.keep(value));
        assert!(knows(&recent, 0), "eight are kept");
        recent.keep(MOST);
        assert!(knows(&recent, 0), "it was recalled");
        assert!(!knows(&recent, 1), "it was the oldest");
        assert!((2..=MOST).all(|value| knows(&recent, value)));
    }
}
