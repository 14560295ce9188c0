//! What can go wrong with the loop itself.

use std::io;

use socket::IoError;

/// Why the loop could not do what it was asked. What goes wrong with a
/// connection is an [`Event`](crate::Event).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system failed the loop.
    #[error("{0}")]
    Io(#[source] IoError),
    /// An option makes no sense.
    #[error("invalid option {option}: {because}")]
    Config {
        /// The option.
        option: &'static str,
        /// What is wrong with it.
        because: &'static str,
    },
    /// This side has ended its direction, or the connection is over: nothing
    /// more can be sent. An event tells why, if it was not this side's doing.
    #[error("the connection is closed for sending")]
    Closed,
    /// TLS cannot be turned on yet: plaintext that was sent before is still
    /// held, and would be encrypted. Nothing was done.
    #[error("{octets} octets of plaintext are still held")]
    Unsent {
        /// How many.
        octets: usize,
    },
    /// The socket refused the operation, and is as it was.
    #[error(transparent)]
    Socket(#[from] socket::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error.into())
    }
}
