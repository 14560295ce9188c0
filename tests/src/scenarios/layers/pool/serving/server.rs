//! A server that sends back what it gets. A request ends with a full stop, and
//! in the middle of one a connection is busy.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use polytls::pool::server::{Admission, Limits};

use super::super::rig::LONG;

/// How often a server looks for what time brings.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// What is said of a server before it starts.
pub(super) struct Setup {
    pub(super) limits: Limits,
    pub(super) handshake_timeout: Duration,
    pub(super) idle_timeout: Option<Duration>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            handshake_timeout: LONG,
            idle_timeout: None,
        }
    }
}

/// A server on a thread of its own.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    pub(super) door: Admission,
    /// Tells the server to end within this time.
    pub(super) drain: Box<dyn Fn(Duration)>,
    /// Ends when everything is closed, and looks for what is left.
    pub(super) thread: JoinHandle<()>,
}

impl Running {
    pub(super) fn drain(&self, grace: Duration) {
        (self.drain)(grace);
    }

    pub(super) fn assert_nothing_is_left(self) {
        self.thread.join().expect("a server that ends in order");
        let found = self.door.statistics();
        assert_eq!(
            (
                found.connections,
                found.handshakes,
                found.handshakes_waiting
            ),
            (0, 0, 0)
        );
    }
}

/// Whether a connection is in the middle of a request, which `octets` go on
/// with.
pub(super) fn is_busy(was_busy: bool, octets: &[u8]) -> bool {
    octets.last().map_or(was_busy, |&last| last != b'.')
}
