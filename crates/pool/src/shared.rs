//! What the fronts share: the core behind its lock, and what is taken from it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Error;
use crate::core::{Core, Errands, Held};
use crate::key::Key;

/// A time too far away to be told is one that nobody lives to see.
pub(crate) fn later(now: Instant, timeout: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    now + timeout.min(CENTURY)
}

/// A connection, of whichever front.
pub(crate) trait Retire {
    /// Ends it cleanly as far as that needs no waiting, and closes it.
    fn retire(self);
}

/// The core behind its lock, with the front's clock.
pub(crate) struct Shared<C: Retire> {
    core: Mutex<Core<C>>,
    clock: fn() -> Instant,
}

impl<C: Retire> Shared<C> {
    pub(crate) fn new(core: Core<C>, clock: fn() -> Instant) -> Self {
        Self {
            core: Mutex::new(core),
            clock,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        (self.clock)()
    }

    /// Does something under the lock, and what follows from it behind.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Core<C>) -> T) -> T {
        // No step of the core can be left half done: it calls nobody.
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut core);
        let Errands { retire, wake } = core.take_errands();
        drop(core);
        wake.into_iter().for_each(std::task::Waker::wake);
        retire.into_iter().for_each(C::retire);
        result
    }
}

/// Idle connections end cleanly with their pool.
impl<C: Retire> Drop for Shared<C> {
    fn drop(&mut self) {
        let now = self.now();
        self.with(|core| core.stop(now));
    }
}

/// The place of a caller that waits. Dropping it gives the turn to the next.
#[cfg(feature = "tokio")]
pub(crate) struct Queued<'a, C: Retire> {
    pub(crate) shared: &'a Shared<C>,
    pub(crate) ticket: crate::core::Ticket,
}

#[cfg(feature = "tokio")]
impl<C: Retire> Drop for Queued<'_, C> {
    fn drop(&mut self) {
        let now = self.shared.now();
        self.shared.with(|core| core.cancel(self.ticket, now));
    }
}

/// Room for one connection that is being made. Dropping it gives it up.
pub(crate) struct Connecting<C: Retire>(Option<Slot<C>>);

/// The place of one connection that is in use. Dropping it gives it up.
pub(crate) struct InUse<C: Retire>(Option<Slot<C>>);

struct Slot<C: Retire> {
    shared: Arc<Shared<C>>,
    key: Key,
}

impl<C: Retire> Connecting<C> {
    pub(crate) fn new(shared: &Arc<Shared<C>>, key: &Key) -> Self {
        Self(Some(Slot::new(shared, key)))
    }

    /// The connection is made.
    pub(crate) fn connected(mut self, for_a_caller: bool) -> InUse<C> {
        let slot = self.0.take();
        if let Some(Slot { shared, key }) = &slot {
            shared.with(|core| core.connected(key, for_a_caller));
        }
        InUse(slot)
    }

    /// It could not be made by the attempt that began then. Answers what the
    /// caller is told: a timeout says how the attempt before had failed.
    pub(crate) fn failed(mut self, begun: Instant, mut error: Error) -> Error {
        if let Some(Slot { shared, key }) = self.0.take() {
            let now = shared.now();
            shared.with(|core| {
                if let Error::Timeout { last, .. } = &mut error {
                    *last = core.last_error(&key);
                }
                core.connect_failed(&key, begun, error.clone(), now);
            });
        }
        error
    }
}

impl<C: Retire> Drop for Connecting<C> {
    fn drop(&mut self) {
        if let Some(Slot { shared, key }) = self.0.take() {
            let now = shared.now();
            shared.with(|core| core.connect_abandoned(&key, now));
        }
    }
}

impl<C: Retire> InUse<C> {
    pub(crate) fn new(shared: &Arc<Shared<C>>, key: &Key) -> Self {
        Self(Some(Slot::new(shared, key)))
    }

    /// Back into the pool.
    pub(crate) fn give_back(mut self, held: Held<C>) {
        if let Some(Slot { shared, key }) = self.0.take() {
            let now = shared.now();
            shared.with(|core| core.give_back(&key, held, now));
        }
    }

    /// It was to be reused, and cannot be.
    pub(crate) fn unfit(mut self) {
        if let Some(Slot { shared, key }) = self.0.take() {
            let now = shared.now();
            shared.with(|core| core.unfit(&key, now));
        }
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.0.as_ref().is_some_and(|slot| slot.key.is_tls())
    }
}

impl<C: Retire> Drop for InUse<C> {
    fn drop(&mut self) {
        if let Some(Slot { shared, key }) = self.0.take() {
            let now = shared.now();
            shared.with(|core| core.give_up(&key, now));
        }
    }
}

impl<C: Retire> Slot<C> {
    fn new(shared: &Arc<Shared<C>>, key: &Key) -> Self {
        Self {
            shared: Arc::clone(shared),
            key: key.clone(),
        }
    }
}
