//! Why there is no ClientHello.

use tls_core::Alert;

use crate::MAX_HELLO_OCTETS;

/// What is wrong with what the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The first bytes are no TLS record.
    #[error("the client does not speak TLS{}", if *http { ": it sent an HTTP request" } else { "" })]
    NotTls {
        /// Whether they begin like an HTTP request, as far as they came.
        http: bool,
    },
    /// A TLS record came that carries no handshake, but this content type
    /// (RFC 8446, section 5.1).
    #[error("a record of content type {content_type} came instead of a handshake")]
    NotHandshake {
        /// The content type.
        content_type: u8,
    },
    /// A handshake message came that is no ClientHello, but has this type
    /// (RFC 8446, section 4).
    #[error("a handshake message of type {message_type} came instead of a ClientHello")]
    NotClientHello {
        /// The message's type.
        message_type: u8,
    },
    /// A record claims more than 16,384 octets (RFC 8446, section 5.1).
    #[error("a record claims {octets} octets, and may have 16384")]
    RecordTooLong {
        /// What it claims.
        octets: usize,
    },
    /// The ClientHello claims more than [`MAX_HELLO_OCTETS`].
    #[error("the ClientHello claims {octets} octets, and {MAX_HELLO_OCTETS} are taken at most")]
    TooLong {
        /// What it claims.
        octets: usize,
    },
    /// The connection ended before the ClientHello was whole.
    #[error("the connection ended in the middle of the ClientHello")]
    Truncated,
    /// A field that is shorter or longer than it says, or that is empty and
    /// must not be.
    #[error("the ClientHello's {field} is malformed")]
    Malformed {
        /// Which one.
        field: &'static str,
    },
    /// An extension of this type came twice (RFC 8446, section 4.2).
    #[error("the ClientHello has the extension {extension} twice")]
    DuplicateExtension {
        /// The extension's type.
        extension: u16,
    },
}

impl Error {
    /// The alert that a server sends for it (RFC 8446, section 6.2). `None`
    /// where there is nobody to understand it: the peer does not speak TLS, or
    /// has gone.
    pub const fn alert(&self) -> Option<Alert> {
        match self {
            Self::NotTls { .. } | Self::Truncated => None,
            Self::NotHandshake { .. } | Self::NotClientHello { .. } => {
                Some(Alert::UNEXPECTED_MESSAGE)
            }
            Self::RecordTooLong { .. } => Some(Alert::RECORD_OVERFLOW),
            Self::DuplicateExtension { .. } => Some(Alert::ILLEGAL_PARAMETER),
            Self::TooLong { .. } | Self::Malformed { .. } => Some(Alert::DECODE_ERROR),
        }
    }
}
