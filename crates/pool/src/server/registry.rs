//! The connections that a server has, and how it ends them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use super::admission::Permit;
use crate::State;

/// A connection of a [`Registry`]. It is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(u64);

/// What has to be done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// It is idle: send `close_notify` and close it.
    Close,
    /// Let it finish what it does, and then close it. It is told once.
    Finish,
    /// Its time is over: drop it without waiting for anything.
    Force,
}

/// One connection, as the registry knows it.
#[derive(Debug)]
pub struct Entry<H> {
    /// How the server finds it: a token of its loop, a task's abort handle.
    pub handle: H,
    /// When it came.
    pub since: Instant,
    /// When it was last busy, or became so.
    pub active: Instant,
    /// Whether it is in the middle of something.
    pub busy: bool,
    told: Option<Action>,
    _permit: Option<Permit>,
}

/// The connections that a server has accepted: who they are, which of them are
/// idle too long, and how they end when the server does. It has no clock and
/// does no I/O, so it works with any loop or runtime; with several threads it
/// goes behind a lock.
pub struct Registry<H> {
    idle_timeout: Option<Duration>,
    entries: BTreeMap<Id, Entry<H>>,
    last: u64,
    state: State,
    deadline: Option<Instant>,
}

impl<H: Clone> Registry<H> {
    /// Nobody is there. `idle_timeout` is how long a connection may be idle;
    /// `None` is no limit.
    pub const fn new(idle_timeout: Option<Duration>) -> Self {
        Self {
            idle_timeout,
            entries: BTreeMap::new(),
            last: 0,
            state: State::Running,
            deadline: None,
        }
    }

    /// Takes a connection in, idle. The permit lives as long as its entry.
    /// `None` while the server drains: close it.
    pub fn insert(&mut self, handle: H, permit: Option<Permit>, now: Instant) -> Option<Id> {
        if self.state != State::Running {
            return None;
        }
        self.last += 1;
        let id = Id(self.last);
        let entry = Entry {
            handle,
            since: now,
            active: now,
            busy: false,
            told: None,
            _permit: permit,
        };
        self.entries.insert(id, entry);
        Some(id)
    }

    /// The connection begins or ends something: a request, say.
    pub fn set_busy(&mut self, id: Id, busy: bool, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.busy = busy;
            entry.active = now;
        }
    }

    /// The connection is closed.
    pub fn remove(&mut self, id: Id) -> Option<Entry<H>> {
        let entry = self.entries.remove(&id);
        self.end_drain();
        entry
    }

    /// One connection.
    pub fn get(&self, id: Id) -> Option<&Entry<H>> {
        self.entries.get(&id)
    }

    /// All connections, those that came first in front. Filter it as you like.
    pub fn iter(&self) -> impl Iterator<Item = (Id, &Entry<H>)> {
        self.entries.iter().map(|(&id, entry)| (id, entry))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether it takes connections in.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Takes nobody in any more, and has all of them end: those that are idle
    /// at once, the others when they are done, and those that are not by
    /// `deadline` by force. [`due`](Self::due) tells which. A second call can
    /// only bring the deadline forward.
    pub fn drain(&mut self, deadline: Instant) {
        if self.state == State::Running {
            self.state = State::Draining;
        }
        let sooner = self.deadline.map_or(deadline, |old| old.min(deadline));
        self.deadline = Some(sooner);
        self.end_drain();
    }

    /// What has to be done now, each thing once. The connection stays until
    /// it is [removed](Self::remove). It looks at every connection, so call it
    /// now and then, a second apart say, and after [`drain`](Self::drain).
    pub fn due(&mut self, now: Instant) -> Vec<(Id, H, Action)> {
        let mut due = Vec::new();
        for (&id, entry) in &mut self.entries {
            let action = match (self.state, self.deadline) {
                (State::Running, _) | (_, None) => {
                    let idle = now.saturating_duration_since(entry.active);
                    let is_over = self.idle_timeout.is_some_and(|most| idle >= most);
                    (is_over && !entry.busy).then_some(Action::Close)
                }
                (_, Some(deadline)) if now >= deadline => Some(Action::Force),
                _ if entry.busy => Some(Action::Finish),
                _ => Some(Action::Close),
            };
            // It was closed for being idle, and has come to life before.
            if action.is_none() && entry.told == Some(Action::Close) && entry.busy {
                entry.told = None;
            }
            if let Some(action) = action
                && entry.told != Some(action)
            {
                entry.told = Some(action);
                due.push((id, entry.handle.clone(), action));
            }
        }
        due
    }

    fn end_drain(&mut self) {
        if self.state == State::Draining && self.entries.is_empty() {
            self.state = State::Stopped;
        }
    }
}

impl<H> fmt::Debug for Registry<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("connections", &self.entries.len())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Admission, Limits};

    const SECOND: Duration = Duration::from_secs(1);

    fn actions(registry: &mut Registry<char>, now: Instant) -> Vec<(char, Action)> {
        let due = registry.due(now).into_iter();
        due.map(|(_, handle, action)| (handle, action)).collect()
    }

    #[test]
    fn who_is_idle_too_long_is_closed_and_told_once() {
        let now = Instant::now();
        let mut registry = Registry::new(Some(SECOND));
        let busy = registry.insert('b', None, now).unwrap();
        let idle = registry.insert('i', None, now).unwrap();
        registry.set_busy(busy, true, now);
        assert!(actions(&mut registry, now).is_empty());
        let later = now + SECOND;
        assert_eq!(actions(&mut registry, later), [('i', Action::Close)]);
        assert!(actions(&mut registry, later).is_empty());
        assert_eq!(registry.remove(idle).unwrap().handle, 'i');
        // Its time runs from the end of what it did.
        registry.set_busy(busy, false, later);
        assert!(actions(&mut registry, later).is_empty());
        assert_eq!(
            actions(&mut registry, later + SECOND),
            [('b', Action::Close)]
        );
    }

    #[test]
    fn a_drain_closes_finishes_and_forces() {
        let now = Instant::now();
        let mut registry = Registry::new(None);
        let busy = registry.insert('b', None, now).unwrap();
        let idle = registry.insert('i', None, now).unwrap();
        let stuck = registry.insert('s', None, now).unwrap();
        registry.set_busy(busy, true, now);
        registry.set_busy(stuck, true, now);
        registry.drain(now + SECOND);
        assert_eq!(registry.insert('n', None, now), None);
        let finish = Action::Finish;
        assert_eq!(
            actions(&mut registry, now),
            [('b', finish), ('i', Action::Close), ('s', finish)]
        );
        registry.remove(idle);
        // It is done, and is now told to close.
        registry.set_busy(busy, false, now);
        assert_eq!(actions(&mut registry, now), [('b', Action::Close)]);
        registry.remove(busy);
        let end = now + SECOND;
        assert_eq!(actions(&mut registry, end), [('s', Action::Force)]);
        assert!(actions(&mut registry, end).is_empty());
        assert_eq!(registry.state(), State::Draining);
        registry.remove(stuck);
        assert_eq!(registry.state(), State::Stopped);
    }

    #[test]
    fn a_drain_of_nobody_is_over_at_once() {
        let mut registry = Registry::<char>::new(None);
        registry.drain(Instant::now());
        assert_eq!(registry.state(), State::Stopped);
    }

    #[test]
    fn connections_can_be_filtered_and_their_permits_end_with_them() {
        let now = Instant::now();
        let door = Admission::new(Limits::default());
        let mut registry = Registry::new(None);
        for handle in ['a', 'b', 'c'] {
            let permit = door.admit(None, now).unwrap();
            registry.insert(handle, Some(permit), now).unwrap();
        }
        let found = registry.iter().find(|(_, entry)| entry.handle == 'b');
        let id = found.map(|(id, _)| id).unwrap();
        assert_eq!(registry.get(id).unwrap().since, now);
        assert_eq!(door.statistics().connections, 3);
        registry.remove(id);
        assert_eq!(door.statistics().connections, 2);
        assert_eq!(registry.len(), 2);
        drop(registry);
        assert_eq!(door.statistics().connections, 0);
    }
}
