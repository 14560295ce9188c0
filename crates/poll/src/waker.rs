//! Waking the loop from other threads.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;

/// Ends the wait of a loop from any thread: [`Event::Woken`](crate::Event::Woken)
/// is told. However often it is used before that, it is told once.
#[derive(Clone)]
pub struct Waker(Arc<Shared>);

struct Shared {
    waker: mio::Waker,
    /// Whether the loop is yet to take note.
    used: AtomicBool,
}

impl Waker {
    pub(crate) fn new(waker: mio::Waker) -> Self {
        let used = AtomicBool::new(false);
        Self(Arc::new(Shared { waker, used }))
    }

    /// Wakes the loop, or, if it does not wait, lets its next wait end at once.
    /// The loop may have gone; then nothing happens. Fails only if the system
    /// does ([`Error::Io`]).
    pub fn wake(&self) -> Result<(), Error> {
        // What was written before is to be seen by the thread that is woken.
        if self.0.used.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.0.waker.wake().map_err(|error| {
            self.0.used.store(false, Ordering::Release);
            error.into()
        })
    }

    /// Takes note of it, before anything is done about it.
    pub(crate) fn take(&self) {
        self.0.used.swap(false, Ordering::AcqRel);
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waker").finish_non_exhaustive()
    }
}
