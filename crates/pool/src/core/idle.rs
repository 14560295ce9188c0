//! The connections that wait to be used again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use crate::key::Key;

/// A connection, and when it was made.
#[derive(Debug)]
pub(crate) struct Held<C> {
    pub(crate) connection: C,
    pub(crate) born: Instant,
}

/// Idle connections by key, by the order in which they became idle, and by the
/// moment at which they are too old. Everything costs the logarithm of their
/// number, or the number of the same key's.
#[derive(Debug)]
pub(super) struct Idle<C> {
    timeout: Option<Duration>,
    max_age: Option<Duration>,
    /// Numbers grow with time: the first has been idle longest.
    all: BTreeMap<u64, Entry<C>>,
    by_key: HashMap<Key, Vec<u64>>,
    by_end: BTreeSet<(Instant, u64)>,
    last: u64,
}

#[derive(Debug)]
struct Entry<C> {
    key: Key,
    held: Held<C>,
    end: Option<Instant>,
}

impl<C> Idle<C> {
    pub(super) fn new(timeout: Option<Duration>, max_age: Option<Duration>) -> Self {
        Self {
            timeout,
            max_age,
            all: BTreeMap::new(),
            by_key: HashMap::new(),
            by_end: BTreeSet::new(),
            last: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn of(&self, key: &Key) -> usize {
        self.by_key.get(key).map_or(0, Vec::len)
    }

    /// Whether a connection that was made then may still be used.
    pub(super) fn is_young(&self, born: Instant, now: Instant) -> bool {
        self.max_age
            .is_none_or(|most| now.saturating_duration_since(born) < most)
    }

    pub(super) fn put(&mut self, key: &Key, held: Held<C>, now: Instant) {
        self.last += 1;
        let id = self.last;
        let ends = [
            self.timeout.and_then(|timeout| now.checked_add(timeout)),
            self.max_age.and_then(|age| held.born.checked_add(age)),
        ];
        let end = ends.into_iter().flatten().min();
        if let Some(end) = end {
            self.by_end.insert((end, id));
        }
        self.by_key.entry(key.clone()).or_default().push(id);
        let key = key.clone();
        self.all.insert(id, Entry { key, held, end });
    }

    /// The one of this key that became idle last: it is the least likely to
    /// have been closed by the peer.
    pub(super) fn take_newest(&mut self, key: &Key) -> Option<Held<C>> {
        let id = *self.by_key.get(key)?.last()?;
        self.remove(id)
    }

    /// The one of any key that has been idle longest.
    pub(super) fn take_oldest(&mut self) -> Option<Held<C>> {
        let (&id, _) = self.all.first_key_value()?;
        self.remove(id)
    }

    /// One that is too old, or has been idle too long.
    pub(super) fn take_expired(&mut self, now: Instant) -> Option<Held<C>> {
        let &(end, id) = self.by_end.first()?;
        if now < end {
            return None;
        }
        self.remove(id)
    }

    /// When [`take_expired`](Self::take_expired) finds something.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        let &(end, _) = self.by_end.first()?;
        Some(end)
    }

    fn remove(&mut self, id: u64) -> Option<Held<C>> {
        let entry = self.all.remove(&id)?;
        if let Some(end) = entry.end {
            self.by_end.remove(&(end, id));
        }
        if let Some(ids) = self.by_key.get_mut(&entry.key) {
            ids.retain(|&other| other != id);
            if ids.is_empty() {
                self.by_key.remove(&entry.key);
            }
        }
        Some(entry.held)
    }
}
