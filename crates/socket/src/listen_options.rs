//! How a listener is bound.

/// How a [`Listener`](crate::Listener) is bound.
///
/// # Defaults
/// - A queue of 1,024 connections that wait to be accepted.
/// - The address of a server that has just stopped can be bound again.
/// - A port is not shared.
/// - A listener on an unspecified IPv6 address serves IPv4 too.
/// - A Unix socket left behind is not replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenOptions {
    pub(crate) backlog: u16,
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    pub(crate) dual_stack: bool,
    pub(crate) replace_stale: bool,
}

impl ListenOptions {
    /// The defaults above.
    pub const fn new() -> Self {
        Self {
            backlog: 1024,
            reuse_address: true,
            reuse_port: false,
            dual_stack: true,
            replace_stale: false,
        }
    }

    /// How many connections may wait to be accepted. The system has an upper
    /// bound of its own, which it applies without saying so (on Linux
    /// `net.core.somaxconn`).
    #[must_use]
    pub const fn backlog(mut self, connections: u16) -> Self {
        self.backlog = connections;
        self
    }

    /// Whether a TCP address can be bound while old connections of it are
    /// still fading (`SO_REUSEADDR`).
    #[must_use]
    pub const fn reuse_address(mut self, reuse: bool) -> Self {
        self.reuse_address = reuse;
        self
    }

    /// Whether several listeners share a TCP port (`SO_REUSEPORT`): each must
    /// ask for it, and new connections are spread over them.
    #[must_use]
    pub const fn reuse_port(mut self, reuse: bool) -> Self {
        self.reuse_port = reuse;
        self
    }

    /// Whether a listener on `[::]` serves IPv4 too (`IPV6_V6ONLY` is off). It
    /// says nothing to other addresses.
    #[must_use]
    pub const fn dual_stack(mut self, dual: bool) -> Self {
        self.dual_stack = dual;
        self
    }

    /// Whether a Unix socket that nobody listens on any more is removed first.
    /// Only a socket is removed, and only when connecting to it is refused.
    /// Two servers that start at the same moment may still remove each other's.
    #[must_use]
    pub const fn replace_stale(mut self, replace: bool) -> Self {
        self.replace_stale = replace;
        self
    }
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self::new()
    }
}
