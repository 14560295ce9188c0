//! Why there is no TLS stream.

use std::fmt;
use std::io;
use std::time::Duration;

/// Why a handshake failed. What fails later is an [`io::Error`] with a
/// [`tls_core::Error`] inside.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// TLS failed, or the stream under it ([`tls_core::Error::Io`]).
    #[error(transparent)]
    Tls(#[from] tls_core::Error),
    /// The handshake was not over in time.
    #[error("the handshake took longer than {after:?}")]
    Timeout {
        /// How much time it had.
        after: Duration,
    },
    /// What came is no ClientHello ([`LazyAcceptor`](crate::LazyAcceptor)).
    #[error(transparent)]
    ClientHello(#[from] client_hello::Error),
    /// The thread of an [offloaded](crate::Offload) handshake gave no result:
    /// the backend panicked, or the runtime is shutting down.
    #[error("the thread of an offloaded handshake has failed: {0}")]
    Offload(String),
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error {
            Error::Tls(error) => return error.into(),
            Error::Timeout { .. } => io::ErrorKind::TimedOut,
            Error::ClientHello(client_hello::Error::Truncated) => io::ErrorKind::UnexpectedEof,
            Error::ClientHello(_) => io::ErrorKind::InvalidData,
            Error::Offload(_) => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// A handshake's failure together with the stream that it failed on.
pub struct Failed<IO> {
    /// Why.
    pub error: Error,
    /// The stream. If TLS calls for an alert it has been sent, as far as the
    /// stream took it.
    pub io: IO,
    /// What was read from the stream and not used:
    /// [`LazyAcceptor`](crate::LazyAcceptor) gives back all that it has read.
    pub read: Vec<u8>,
}

impl<IO> From<Failed<IO>> for Error {
    fn from(failed: Failed<IO>) -> Self {
        failed.error
    }
}

impl<IO> From<Failed<IO>> for io::Error {
    fn from(failed: Failed<IO>) -> Self {
        failed.error.into()
    }
}

impl<IO> fmt::Display for Failed<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<IO> fmt::Debug for Failed<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failed")
            .field("error", &self.error)
            .field("read", &self.read.len())
            .finish_non_exhaustive()
    }
}

impl<IO> std::error::Error for Failed<IO> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}
