//! The one error of sockets, plain or TLS.

use std::fmt;
use std::io;

use crate::{Address, IoError};

/// Why an operation on a socket failed.
///
/// A TLS session's error (`Tls`, or [`Io`](Self::Io) under TLS) is
/// final: every later operation returns it again. After a
/// [`Timeout`](Self::Timeout) the operation may be made again.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system failed the operation.
    #[error("{0}")]
    Io(#[source] IoError),
    /// No connection could be made. With several addresses this is the last
    /// one's failure.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// The address that was tried.
        address: Address,
        /// What the operating system said.
        source: IoError,
    },
    /// The address could not be listened on. With several addresses this is
    /// the last one's failure.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address that was tried.
        address: Address,
        /// What the operating system said.
        source: IoError,
    },
    /// The time was over before the operation was done.
    #[error("{during} took too long")]
    Timeout {
        /// What was waited for.
        during: Operation,
        /// How many octets a full-length operation had moved: received ones
        /// are at the front of its buffer, sent ones are not to be sent again.
        /// 0 for other operations. Of a file that is too long to be counted here
        /// it is the largest number; the offset tells.
        done: usize,
    },
    /// The peer ended the stream cleanly in the middle of
    /// [`recv_exact`](crate::Socket::recv_exact).
    #[error("the peer ended the stream after {got} of {wanted} octets")]
    Ended {
        /// How many octets came; they are at the front of the buffer.
        got: usize,
        /// How many were asked for.
        wanted: usize,
    },
    /// The file to send could not be read. The socket is as it was.
    #[error("the file cannot be read: {0}")]
    File(#[source] IoError),
    /// The file ended before the length that
    /// [`send_file`](crate::Socket::send_file) was to send: it was shorter, or
    /// somebody has cut it meanwhile. The peer has got less than it was
    /// perhaps promised.
    #[error("the file ended after {sent} of {wanted} octets")]
    FileTooShort {
        /// How many octets were taken.
        sent: u64,
        /// How many were to be sent.
        wanted: u64,
    },
    /// This side has shut its direction down, and nothing more can be sent.
    #[error("the socket is shut down for sending")]
    Closed,
    /// The peer went on sending instead of ending the stream during
    /// [`shutdown`](crate::Socket::shutdown).
    #[error("the peer sent {discarded} octets more instead of ending the stream")]
    Flooded {
        /// How many octets were received and thrown away.
        discarded: u64,
    },
    /// The operation does not fit this socket or its state. Nothing was done.
    #[error("{0}")]
    Refused(Refusal),
    /// TLS failed.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(tls_core::Error),
}

impl Error {
    /// A stable name of the variant, for logs, metrics and exit codes. A TLS
    /// error has the name that `tls_core::Error` gives it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Io(_) => "io",
            Self::Connect { .. } => "connect",
            Self::Bind { .. } => "bind",
            Self::Timeout { .. } => "timeout",
            Self::Ended { .. } => "ended",
            Self::File(_) => "file",
            Self::FileTooShort { .. } => "file-too-short",
            Self::Closed => "closed",
            Self::Flooded { .. } => "flooded",
            Self::Refused(_) => "refused",
            #[cfg(feature = "tls")]
            Self::Tls(error) => error.kind(),
        }
    }

    /// Whether the time was over and the operation may be made again.
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }

    /// The same timeout of a full-length operation that had moved `done`
    /// octets; any other error as it is.
    pub(crate) fn with_done(mut self, octets: usize) -> Self {
        if let Self::Timeout { done, .. } = &mut self {
            *done = octets;
        }
        self
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error.into())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// An error of the transport is [`Error::Io`], as it is on a plain socket, and
/// writing after our own end of the stream is [`Error::Closed`].
#[cfg(feature = "tls")]
impl From<tls_core::Error> for Error {
    fn from(error: tls_core::Error) -> Self {
        match error {
            tls_core::Error::Io(error) => {
                let error = match error.raw_os_error() {
                    Some(number) => io::Error::from_raw_os_error(number),
                    None => io::Error::new(error.kind(), error),
                };
                Self::Io(error.into())
            }
            tls_core::Error::Closed => Self::Closed,
            error => Self::Tls(error),
        }
    }
}

/// For the edge where `std::io` traits are implemented. What the system said
/// keeps its number; everything else keeps this error inside.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Io(inner) => {
                if let Some(number) = inner.raw_os_error() {
                    return Self::from_raw_os_error(number);
                }
                inner.kind()
            }
            Error::Connect { source, .. } | Error::Bind { source, .. } => source.kind(),
            Error::Timeout { .. } => io::ErrorKind::TimedOut,
            Error::Ended { .. } | Error::FileTooShort { .. } => io::ErrorKind::UnexpectedEof,
            Error::File(inner) => inner.kind(),
            Error::Closed => io::ErrorKind::BrokenPipe,
            Error::Flooded { .. } | Error::Refused(Refusal::PlaintextBehindUpgrade) => {
                io::ErrorKind::InvalidData
            }
            Error::Refused(_) => io::ErrorKind::InvalidInput,
            #[cfg(feature = "tls")]
            Error::Tls(inner) => Self::from(inner.clone()).kind(),
        };
        Self::new(kind, error)
    }
}

/// What was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Connecting.
    Connect,
    /// A client to accept.
    Accept,
    /// The TLS handshake.
    Handshake,
    /// Bytes of the peer.
    Receive,
    /// Room to send.
    Send,
    /// The end of the stream, ours to leave or the peer's to come.
    Shutdown,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Accept => "accepting",
            Self::Handshake => "the TLS handshake",
            Self::Receive => "receiving",
            Self::Send => "sending",
            Self::Shutdown => "the shutdown",
        })
    }
}

/// Why an operation does not fit a socket or its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The descriptor is not a stream socket.
    #[error("the descriptor is not a stream socket")]
    NotAStream,
    /// The descriptor listens, and is not a connected stream.
    #[error("the descriptor is a listening socket, not a connected stream")]
    Listening,
    /// The descriptor does not listen.
    #[error("the descriptor is not a listening socket")]
    NotListening,
    /// The name has no address.
    #[error("there is no address")]
    NoAddress,
    /// Raw access to the descriptor would bypass TLS, or TLS is to be turned
    /// on twice.
    #[error("TLS is on")]
    TlsOn,
    /// Only a socket with TLS can do this.
    #[error("TLS is off")]
    TlsOff,
    /// The bytes that were read before TLS was turned on are no TLS: plaintext
    /// was pipelined behind the command that starts TLS, where an attacker can
    /// put words into the peer's mouth (the class of CVE-2011-0411). A client
    /// must have none at all, because a TLS server never speaks first.
    #[error("plaintext was pipelined behind the command that starts TLS")]
    PlaintextBehindUpgrade,
    /// TLS can be turned off only after both sides' `close_notify`.
    #[error("TLS has not been closed by both sides")]
    TlsNotClosed,
    /// No file has anything at this offset: it is over 2⁶³ - 1.
    #[error("the offset is beyond the end of any file")]
    FileOffset,
    /// The kernel makes the records (kernel TLS), and does so to the end of the
    /// connection: TLS cannot be turned off.
    #[error("the kernel makes the records of this connection to its end")]
    KernelTls,
    /// TLS can be turned off only when it holds no bytes of the stream.
    #[error("TLS still holds bytes of the stream")]
    BytesHeld,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_fits_in_few_words_because_every_call_returns_one() {
        assert!(size_of::<Error>() <= 64, "{}", size_of::<Error>());
    }

    #[test]
    fn each_refusal_keeps_its_words_at_the_std_edge() {
        let error = io::Error::from(Error::from(Refusal::TlsOn));
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), "TLS is on");
    }
}
