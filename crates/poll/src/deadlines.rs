//! All deadlines of a loop, in their order.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use slotmap::SlotMap;

use crate::TimerId;
use crate::event::{EntryKey, TimerKey};

/// One tree of moments. An entry has one at most, and only its owner's note
/// tells which: it may come too early, and is then set again.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    queue: BTreeSet<(Instant, Due)>,
    timers: SlotMap<TimerKey, Instant>,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    Entry(EntryKey),
    Timer(TimerKey),
}

impl Deadlines {
    /// The first moment.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Whether there is one to take.
    pub(crate) fn are_due(&self, now: Instant) -> bool {
        self.next().is_some_and(|at| at <= now)
    }

    /// Takes the first that is due. Of an entry the owner's note is to be
    /// cleared; a timer is gone.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Due> {
        let &(at, due) = self.queue.first()?;
        if at > now {
            return None;
        }
        self.queue.pop_first();
        if let Due::Timer(key) = due {
            self.timers.remove(key);
        }
        Some(due)
    }

    /// Lets an entry come up at this moment or earlier. One that is set for an
    /// earlier moment stays.
    pub(crate) fn arm(&mut self, key: EntryKey, armed: &mut Option<Instant>, at: Option<Instant>) {
        let Some(at) = at else {
            return;
        };
        if armed.is_some_and(|armed| armed <= at) {
            return;
        }
        self.disarm(key, armed);
        self.queue.insert((at, Due::Entry(key)));
        *armed = Some(at);
    }

    pub(crate) fn disarm(&mut self, key: EntryKey, armed: &mut Option<Instant>) {
        if let Some(at) = armed.take() {
            self.queue.remove(&(at, Due::Entry(key)));
        }
    }

    /// A timer; too far away to be told, it never comes up.
    pub(crate) fn set_timer(&mut self, after: Duration) -> TimerId {
        let now = Instant::now();
        let at = now.checked_add(after);
        let key = self.timers.insert(at.unwrap_or(now));
        if let Some(at) = at {
            self.queue.insert((at, Due::Timer(key)));
        }
        TimerId(key)
    }

    pub(crate) fn cancel_timer(&mut self, TimerId(key): TimerId) -> bool {
        let Some(at) = self.timers.remove(key) else {
            return false;
        };
        self.queue.remove(&(at, Due::Timer(key)));
        true
    }

    pub(crate) fn timers(&self) -> usize {
        self.timers.len()
    }

    pub(crate) fn entries(&self) -> usize {
        let is_entry = |(_, due): &&(Instant, Due)| matches!(due, Due::Entry(_));
        self.queue.iter().filter(is_entry).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_up_once_and_at_its_earliest_moment() {
        let mut keys = SlotMap::<EntryKey, ()>::with_key();
        let key = keys.insert(());
        let mut deadlines = Deadlines::default();
        let mut armed = None;
        let now = Instant::now();
        let at = |milliseconds| Some(now + Duration::from_millis(milliseconds));
        deadlines.arm(key, &mut armed, at(20));
        deadlines.arm(key, &mut armed, at(10));
        deadlines.arm(key, &mut armed, at(30));
        deadlines.arm(key, &mut armed, None);
        assert_eq!((deadlines.entries(), armed), (1, at(10)));
        assert_eq!(deadlines.pop(now), None);
        let later = now + Duration::from_millis(10);
        assert_eq!(deadlines.pop(later), Some(Due::Entry(key)));
        assert_eq!(deadlines.pop(later), None);
        armed = None;
        deadlines.arm(key, &mut armed, at(20));
        deadlines.disarm(key, &mut armed);
        assert_eq!((deadlines.entries(), armed), (0, None));
    }

    #[test]
    fn a_timer_comes_up_once_or_is_cancelled_once() {
        let mut deadlines = Deadlines::default();
        let fired = deadlines.set_timer(Duration::ZERO);
        let cancelled = deadlines.set_timer(Duration::ZERO);
        let never = deadlines.set_timer(Duration::MAX);
        assert!(deadlines.cancel_timer(cancelled));
        assert!(!deadlines.cancel_timer(cancelled));
        let now = Instant::now();
        assert_eq!(deadlines.pop(now), Some(Due::Timer(fired.0)));
        assert_eq!(deadlines.pop(now), None);
        assert!(!deadlines.cancel_timer(fired));
        assert!(deadlines.cancel_timer(never));
        assert_eq!(deadlines.timers(), 0);
    }
}
