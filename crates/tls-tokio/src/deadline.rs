//! How long a handshake may take.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::Error;

/// How much time a handshake has by default: 30 s.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// The end of a handshake's time. The timer is made when there is something to
/// wait for.
pub(crate) struct Deadline {
    timeout: Option<Duration>,
    at: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// `None`, and a time that no clock can tell, is no limit.
    pub(crate) fn new(start: Instant, timeout: Option<Duration>) -> Self {
        Self {
            timeout,
            at: timeout.and_then(|timeout| start.checked_add(timeout)),
            sleep: None,
        }
    }

    /// Notes the task, which is about to wait; or tells that the time is over.
    pub(crate) fn check(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let (Some(at), Some(after)) = (self.at, self.timeout) else {
            return Ok(());
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        match sleep.as_mut().poll(cx).is_ready() {
            true => Err(Error::Timeout { after }),
            false => Ok(()),
        }
    }
}
