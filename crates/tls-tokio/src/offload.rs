//! Handshakes on other threads, and how many.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Moves the computing of handshakes to tokio's threads for blocking work, and
/// bounds how many compute at once: those that wait for the peer do not count.
/// Clones share the bound, so one value may serve acceptors and connectors.
///
/// A handshake's signature takes some hundred microseconds (RSA: a millisecond
/// and more), which other connections on the same worker wait for. Moved away,
/// each of its steps costs a thread's wake-up, some tens of microseconds.
/// Sending and receiving stay in the task.
///
/// A handshake that is dropped gives its place back at once if it waits, and
/// when its step is over if it computes.
#[derive(Clone, Debug)]
pub struct Offload(Arc<Semaphore>);

pub(crate) type Permit = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>;

impl Offload {
    /// At most `limit` handshakes compute at once. 0 is taken for 1, and what
    /// is beyond [`Semaphore::MAX_PERMITS`] for that. The number of processors
    /// is a good one.
    pub fn new(limit: usize) -> Self {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(limit)))
    }

    /// How many more could compute now.
    pub fn available(&self) -> usize {
        self.0.available_permits()
    }

    /// Waits for a place, first come, first served. `None` never comes: nobody
    /// closes the semaphore.
    pub(crate) fn permit(&self) -> Permit {
        let semaphore = Arc::clone(&self.0);
        Box::pin(async move { semaphore.acquire_owned().await.ok() })
    }
}
