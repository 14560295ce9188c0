//! How a connection is kept.

use std::time::Duration;

use socket::{CONNECT_TIMEOUT, SHUTDOWN_TIMEOUT};

use crate::Error;

/// How long a peer may take nothing of what is held for it by default: 30 s.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How many octets are held for a peer at most by default: 256 KiB.
pub const HIGH_WATERMARK: usize = 256 * 1024;

/// At how many octets there is room again by default: 64 KiB.
pub const LOW_WATERMARK: usize = 64 * 1024;

/// How many octets a connection hands out in one turn by default: 64 KiB.
pub const READ_BUDGET: usize = 64 * 1024;

/// The TLS layer's own constant is not there without TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// How a connection is kept.
///
/// # Defaults
/// - 30 s to connect, and 30 s for a handshake.
/// - No limit of idleness.
/// - 30 s for a peer that takes nothing of what is held for it.
/// - 5 s for an orderly close.
/// - 256 KiB are held at most, and there is room again at 64 KiB.
/// - 64 KiB are handed out in one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub(crate) connect: Option<Duration>,
    pub(crate) handshake: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    pub(crate) write: Option<Duration>,
    pub(crate) close: Duration,
    pub(crate) low: usize,
    pub(crate) high: usize,
    pub(crate) budget: usize,
}

impl Options {
    /// The defaults above.
    pub const fn new() -> Self {
        Self {
            connect: Some(CONNECT_TIMEOUT),
            handshake: Some(HANDSHAKE_TIMEOUT),
            idle: None,
            write: Some(WRITE_TIMEOUT),
            close: SHUTDOWN_TIMEOUT,
            low: LOW_WATERMARK,
            high: HIGH_WATERMARK,
            budget: READ_BUDGET,
        }
    }

    /// How long connecting may take, from the moment that the socket is added.
    /// `None` is no limit but the system's.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.connect = timeout;
        self
    }

    /// How long a TLS handshake may take as a whole, however the peer's octets
    /// trickle in: from the moment that the socket is added, is connected, or
    /// has TLS turned on. `None` is no limit.
    #[must_use]
    pub const fn handshake_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.handshake = timeout;
        self
    }

    /// How long no octet of data may pass in either direction. `None` is no
    /// limit. One octet now and then is not idle: bound an exchange as a whole
    /// with a [timer](crate::Poll::set_timer).
    #[must_use]
    pub const fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.idle = timeout;
        self
    }

    /// How long the peer may take nothing while something is held for it.
    /// `None` is no limit.
    #[must_use]
    pub const fn write_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.write = timeout;
        self
    }

    /// How long an orderly [close](crate::Connection::close) may take: to send
    /// what is held, and to wait for the peer's end.
    #[must_use]
    pub const fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close = timeout;
        self
    }

    /// How many octets are held at most for a peer that does not take them, and
    /// at how many there is room again ([`Writable`](crate::Event::Writable)
    /// after a send that was cut short). `low` must be less than `high`
    /// ([`Error::Config`] when the socket is added). A TLS session holds
    /// up to four records beyond.
    #[must_use]
    pub const fn watermarks(mut self, low: usize, high: usize) -> Self {
        self.low = low;
        self.high = high;
        self
    }

    /// How many octets the connection hands out in one turn, 1 at least
    /// ([`Error::Config`] when the socket is added).
    #[must_use]
    pub const fn read_budget(mut self, octets: usize) -> Self {
        self.budget = octets;
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.low >= self.high {
            return Err(Error::Config {
                option: "watermarks",
                because: "the low one must be less than the high one",
            });
        }
        if self.budget == 0 {
            return Err(Error::Config {
                option: "read_budget",
                because: "nothing could ever be received",
            });
        }
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_would_block_for_ever_are_refused() {
        let option = |options: Options| match options.check() {
            Err(Error::Config { option, .. }) => Some(option),
            _ => None,
        };
        assert_eq!(option(Options::new()), None);
        assert_eq!(option(Options::new().watermarks(0, 1)), None);
        assert_eq!(option(Options::new().watermarks(0, 0)), Some("watermarks"));
        assert_eq!(option(Options::new().watermarks(2, 1)), Some("watermarks"));
        assert_eq!(option(Options::new().read_budget(0)), Some("read_budget"));
    }

    #[cfg(feature = "tls")]
    #[test]
    fn the_time_for_a_handshake_is_the_sockets() {
        assert_eq!(HANDSHAKE_TIMEOUT, socket::HANDSHAKE_TIMEOUT);
    }
}
