//! Why a pool has no connection to give.

use std::fmt;
use std::time::Duration;

use socket::IoError;

/// Why a pool could not give a connection. Nothing is left behind by any of
/// them.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option is out of its range, or two contradict each other.
    #[error("{option}: {reason}")]
    Config {
        /// The option, by the name of its setter.
        option: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// The time was over.
    #[error("{waiting_for} took too long{}", because(.last))]
    Timeout {
        /// What was waited for.
        waiting_for: WaitingFor,
        /// How the last attempt to connect there had failed, if one had.
        last: Option<Box<Error>>,
    },
    /// So many callers wait already that no more may.
    #[error("{limit} callers are waiting already")]
    TooManyWaiting {
        /// The limit ([`Options::max_waiting`](crate::Options::max_waiting)).
        limit: usize,
    },
    /// The pool is being drained, or has been, and gives no connections.
    #[error("the pool is drained")]
    Drained,
    /// The endpoint has failed so often that nobody connects to it for now.
    #[error("nobody connects for another {retry_in:?}: {last}")]
    CircuitOpen {
        /// When the next attempt will be made.
        retry_in: Duration,
        /// How the last attempt failed.
        last: Box<Error>,
    },
    /// The endpoint has failed a moment ago, and the options say not to wait
    /// for the next attempt ([`Options::wait_in_backoff`](crate::Options::wait_in_backoff)).
    #[error("the next attempt is in {retry_in:?}: {last}")]
    BackingOff {
        /// When the next attempt may be made.
        retry_in: Duration,
        /// How the last attempt failed.
        last: Box<Error>,
    },
    /// The host's name could not be resolved.
    #[error("cannot resolve {host}: {source}")]
    Resolve {
        /// The name.
        host: Box<str>,
        /// What the resolver said.
        source: IoError,
    },
    /// No connection could be made. With several addresses this is the failure
    /// that came last.
    #[error(transparent)]
    Connect(socket::Error),
    /// There was a connection, but the TLS handshake failed on it.
    #[error(transparent)]
    Handshake(socket::Error),
}

impl Error {
    /// A stable name of the variant, for logs and metrics. A socket's error
    /// has the name that [`socket::Error::kind`] gives it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Config { .. } => "config",
            Self::Timeout { .. } => "timeout",
            Self::TooManyWaiting { .. } => "too-many-waiting",
            Self::Drained => "drained",
            Self::CircuitOpen { .. } => "circuit-open",
            Self::BackingOff { .. } => "backing-off",
            Self::Resolve { .. } => "resolve",
            Self::Connect(error) | Self::Handshake(error) => error.kind(),
        }
    }

    /// Whether the time was over.
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }

    /// The time is over.
    pub(crate) const fn over(waiting_for: WaitingFor) -> Self {
        Self::Timeout {
            waiting_for,
            last: None,
        }
    }

    /// Whether the endpoint could not be reached or did not answer, so that
    /// trying later may help. A refused certificate, say, is not of this kind:
    /// the endpoint is there, and its answer will be the same.
    pub(crate) fn is_absence(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::Resolve { .. } | Self::Connect(_) => true,
            Self::Handshake(socket::Error::Io(_) | socket::Error::Timeout { .. }) => true,
            #[cfg(feature = "tls")]
            Self::Handshake(socket::Error::Tls(tls_core::Error::Truncated)) => true,
            _ => false,
        }
    }
}

fn because(last: &Option<Box<Error>>) -> String {
    match last {
        Some(last) => format!("; the last attempt: {last}"),
        None => String::new(),
    }
}

/// What the time went by with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitingFor {
    /// A connection that others had, or room for a new one.
    Turn,
    /// The end of the pause after a failed attempt to connect.
    Backoff,
    /// The resolution of the host's name.
    Resolution,
    /// The connection.
    Connection,
    /// The TLS handshake.
    Handshake,
}

impl fmt::Display for WaitingFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Turn => "waiting for a turn",
            Self::Backoff => "waiting for the next attempt",
            Self::Resolution => "resolving the name",
            Self::Connection => "connecting",
            Self::Handshake => "the TLS handshake",
        })
    }
}
