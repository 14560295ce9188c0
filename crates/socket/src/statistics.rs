//! What has passed through a socket.

use std::time::Duration;

/// Octets and calls in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flow {
    /// How many octets passed.
    pub octets: u64,
    /// How many calls moved them. A call that moved nothing is not counted.
    pub calls: u64,
}

impl Flow {
    pub(crate) fn add(&mut self, octets: usize) {
        if octets > 0 {
            self.octets += octets as u64;
            self.calls += 1;
        }
    }
}

/// What has passed through a socket since it was made.
///
/// Of a plain socket the application's and the wire's octets are the same. With TLS
/// their difference is what TLS adds: handshakes, record headers and tags. What
/// the kernel adds is not seen here: under kernel TLS the wire's octets are
/// those that were handed to the kernel to encrypt, a file's with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// What the application sent.
    pub sent: Flow,
    /// What the application received.
    pub received: Flow,
    /// What was written to the descriptor; each call is one system call.
    pub wire_sent: Flow,
    /// What was read from the descriptor; each call is one system call.
    pub wire_received: Flow,
    /// How many TLS handshakes were completed.
    pub handshakes: u64,
    /// How long they took together, each from its first step to its last.
    pub handshake_time: Duration,
}
