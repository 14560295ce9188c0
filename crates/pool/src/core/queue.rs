//! Those who wait, in the order in which they came.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::task::Waker;
use std::time::Instant;

use super::Ticket;
use crate::key::Key;

/// Callers that could not be served yet. All of one key can be served or
/// cannot, so only the first of each key has to be looked at.
#[derive(Debug, Default)]
pub(super) struct Queue {
    all: BTreeMap<Ticket, Waiting>,
    by_key: HashMap<Key, BTreeSet<Ticket>>,
    /// The first of each key.
    heads: BTreeMap<Ticket, Key>,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) key: Key,
    pub(super) since: Instant,
    pub(super) waker: Option<Waker>,
    /// When it looks again although nobody wakes it.
    pub(super) alarm: Option<Instant>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn get(&self, ticket: Ticket) -> Option<&Waiting> {
        self.all.get(&ticket)
    }

    pub(super) fn get_mut(&mut self, ticket: Ticket) -> Option<&mut Waiting> {
        self.all.get_mut(&ticket)
    }

    pub(super) fn insert(&mut self, ticket: Ticket, waiting: Waiting) {
        let key = waiting.key.clone();
        let tickets = self.by_key.entry(key.clone()).or_default();
        let head = tickets.first().copied();
        tickets.insert(ticket);
        if head.is_none_or(|head| ticket < head) {
            if let Some(head) = head {
                self.heads.remove(&head);
            }
            self.heads.insert(ticket, key);
        }
        self.all.insert(ticket, waiting);
    }

    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Waiting> {
        let waiting = self.all.remove(&ticket)?;
        if let Some(tickets) = self.by_key.get_mut(&waiting.key) {
            tickets.remove(&ticket);
            let next = tickets.first().copied();
            if self.heads.remove(&ticket).is_some()
                && let Some(next) = next
            {
                self.heads.insert(next, waiting.key.clone());
            }
            if next.is_none() {
                self.by_key.remove(&waiting.key);
            }
        }
        Some(waiting)
    }

    /// The first of its key that has this ticket or a later one.
    pub(super) fn head_from(&self, ticket: Ticket) -> Option<(Ticket, &Key)> {
        let (&ticket, key) = self.heads.range(ticket..).next()?;
        Some((ticket, key))
    }
}
