//! What can go wrong, by whose fault it is.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use transport::IoError;

use crate::{Alert, Capabilities};

/// Why an operation failed.
///
/// The same fault gives the same variant on every backend. An error of a
/// session is final: every later call returns it again.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Our own configuration or use is wrong; no peer was asked.
    #[error("invalid configuration: {0}")]
    Config(ConfigError),
    /// The configuration is sound, but this backend cannot honour it.
    #[error("{0}")]
    Unsupported(Unsupported),
    /// The peer's certificate was refused.
    #[error("the peer's certificate was refused: {0}")]
    Certificate(CertificateError),
    /// The peer refused us and said why (RFC 8446, section 6.2).
    #[error("the peer sent the alert {0}")]
    AlertReceived(Alert),
    /// The peer is sound, but shares no setting with us.
    #[error("the peer is incompatible: {0}")]
    PeerIncompatible(PeerIncompatible),
    /// The peer broke the protocol.
    #[error("the peer broke the protocol: {0}")]
    PeerMisbehaved(PeerMisbehaved),
    /// The transport ended without `close_notify`: data may be missing.
    #[error("the connection ended without close_notify: data may be missing")]
    Truncated,
    /// The session was closed on this side, and nothing more can be written.
    #[error("the session is closed for writing")]
    Closed,
    /// The transport failed.
    #[error("{0}")]
    Io(#[source] IoError),
    /// The library failed in a way that has no name here.
    #[error("{0}")]
    Backend(#[source] BackendError),
}

impl Error {
    /// A [`ConfigError`] of this field.
    pub fn config(field: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Config(ConfigError {
            field,
            reason: reason.into(),
        })
    }

    /// The library's own error, kept as the source.
    pub fn backend(
        backend: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::Backend(BackendError {
            backend,
            source: Arc::from(source.into()),
        })
    }

    /// Whether the peer is to be told of it by an alert (RFC 8446, section 6.2):
    /// this side has found the fault, and the peer may still listen.
    pub const fn calls_for_alert(&self) -> bool {
        !matches!(
            self,
            Self::AlertReceived(_) | Self::Truncated | Self::Closed | Self::Io(_)
        )
    }

    /// A stable name of the variant, for logs, metrics and exit codes.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Config(_) => "config",
            Self::Unsupported(_) => "unsupported",
            Self::Certificate(_) => "certificate",
            Self::AlertReceived(_) => "alert-received",
            Self::PeerIncompatible(_) => "peer-incompatible",
            Self::PeerMisbehaved(_) => "peer-misbehaved",
            Self::Truncated => "truncated",
            Self::Closed => "closed",
            Self::Io(_) => "io",
            Self::Backend(_) => "backend",
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error.into())
    }
}

/// For the edge where `std::io` traits are implemented.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Io(error) => error.kind(),
            Error::Config(_) => io::ErrorKind::InvalidInput,
            Error::Unsupported(_) => io::ErrorKind::Unsupported,
            Error::Truncated => io::ErrorKind::UnexpectedEof,
            Error::Closed => io::ErrorKind::BrokenPipe,
            Error::AlertReceived(_) => io::ErrorKind::ConnectionAborted,
            Error::Certificate(_) | Error::PeerIncompatible(_) | Error::PeerMisbehaved(_) => {
                io::ErrorKind::InvalidData
            }
            Error::Backend(_) => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// A setting that is wrong whatever the backend.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    /// The setting, as the builder's method spells it.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: Cow<'static, str>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

/// A setting that this backend does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsupported {
    /// The backend that was asked.
    pub backend: &'static str,
    /// What it does not advertise.
    pub capability: Capabilities,
    /// What asked for it.
    pub because: Cow<'static, str>,
}

impl Unsupported {
    /// A refusal by `backend` of what `because` asked for.
    pub fn new(
        backend: &'static str,
        capability: Capabilities,
        because: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            backend,
            capability,
            because: because.into(),
        }
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            backend,
            capability,
            because,
        } = self;
        write!(f, "{backend} does not support {capability}: {because}")
    }
}

impl From<Unsupported> for Error {
    fn from(unsupported: Unsupported) -> Self {
        Self::Unsupported(unsupported)
    }
}

/// What is wrong with the peer's certificate or its chain (RFC 5280).
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The peer had to present a certificate and did not.
    #[error("no certificate was presented")]
    Missing,
    /// A certificate is not valid DER or breaks RFC 5280.
    #[error("a certificate could not be parsed")]
    BadEncoding,
    /// The validity of a certificate is over.
    #[error("a certificate has expired")]
    Expired,
    /// The validity of a certificate has not begun.
    #[error("a certificate is not yet valid")]
    NotYetValid,
    /// The certificate is for other names (RFC 9525: subjectAltName alone counts).
    #[error("the certificate is not valid for the name that was asked for")]
    NameMismatch,
    /// No path leads to a trusted root.
    #[error("no path leads from the certificate to a trusted root")]
    UnknownIssuer,
    /// A signature in the chain does not verify.
    #[error("a signature in the certificate chain is wrong")]
    BadSignature,
    /// The certificate is not meant for this role (extended key usage, key usage).
    #[error("the certificate is not meant for this purpose")]
    InvalidPurpose,
    /// A CA certificate was presented as the end entity's own.
    #[error("a CA certificate was used as an end entity's")]
    CaUsedAsEndEntity,
    /// The chain breaks a constraint: an issuer that is no CA, a path that is
    /// too long, a name outside the permitted ones.
    #[error("the certificate chain breaks a constraint of an issuer")]
    ConstraintViolated,
    /// A critical extension is unknown to the library.
    #[error("a certificate has a critical extension that is not understood")]
    UnhandledCriticalExtension,
    /// A key or a signature algorithm in the chain is too weak or not supported.
    #[error("a certificate uses an algorithm that is too weak or not supported")]
    UnacceptableAlgorithm,
    /// The issuer has revoked a certificate.
    #[error("a certificate has been revoked")]
    Revoked,
    /// Whether a certificate is revoked could not be learned.
    #[error("the revocation status of a certificate is unknown")]
    RevocationUnknown,
    /// Refused for a reason that has no name here: the library's words.
    #[error("{0}")]
    Other(Cow<'static, str>),
}

impl CertificateError {
    /// The alert that every backend sends for this reason (RFC 8446, section
    /// 6.2). [`Missing`](Self::Missing) is `certificate_required` in TLS 1.3;
    /// TLS 1.2 has no such alert and sends `handshake_failure`.
    pub const fn alert(&self) -> Alert {
        match self {
            Self::Missing => Alert::CERTIFICATE_REQUIRED,
            Self::BadEncoding
            | Self::NameMismatch
            | Self::CaUsedAsEndEntity
            | Self::ConstraintViolated => Alert::BAD_CERTIFICATE,
            Self::Expired | Self::NotYetValid => Alert::CERTIFICATE_EXPIRED,
            Self::UnknownIssuer => Alert::UNKNOWN_CA,
            Self::BadSignature => Alert::DECRYPT_ERROR,
            Self::InvalidPurpose
            | Self::UnhandledCriticalExtension
            | Self::UnacceptableAlgorithm => Alert::UNSUPPORTED_CERTIFICATE,
            Self::Revoked => Alert::CERTIFICATE_REVOKED,
            Self::RevocationUnknown | Self::Other(_) => Alert::CERTIFICATE_UNKNOWN,
        }
    }
}

impl From<CertificateError> for Error {
    fn from(error: CertificateError) -> Self {
        Self::Certificate(error)
    }
}

/// What the two sides do not share.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PeerIncompatible {
    /// No protocol version in common.
    #[error("no protocol version in common")]
    NoCommonVersion,
    /// No cipher suite in common, or none that fits the server's key.
    #[error("no cipher suite in common")]
    NoCommonCipherSuite,
    /// No key exchange group in common.
    #[error("no key exchange group in common")]
    NoCommonGroup,
    /// No signature scheme in common, or none that fits the key.
    #[error("no signature scheme in common")]
    NoCommonSignatureScheme,
    /// Both sides named application protocols, but none in common (RFC 7301).
    #[error("no application protocol in common")]
    NoCommonAlpn,
    /// Something else that this side insists on: the library's words.
    #[error("{0}")]
    Other(Cow<'static, str>),
}

impl From<PeerIncompatible> for Error {
    fn from(error: PeerIncompatible) -> Self {
        Self::PeerIncompatible(error)
    }
}

/// How the peer broke the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PeerMisbehaved {
    /// The first bytes are no TLS record: another protocol, or noise.
    #[error("it does not speak TLS")]
    NotTls,
    /// A message that is not allowed at this point.
    #[error("a message came that is not allowed at this point")]
    UnexpectedMessage,
    /// A record or message that cannot be parsed.
    #[error("a message could not be parsed")]
    Malformed,
    /// A field with a value that is not allowed.
    #[error("a message has a value that is not allowed")]
    IllegalParameter,
    /// A record or message longer than allowed.
    #[error("a record is longer than allowed")]
    RecordOverflow,
    /// A record failed authentication, or the handshake's signature or
    /// Finished is wrong: damaged on the way, or forged.
    #[error("a record or handshake message failed its cryptographic check")]
    BadCryptography,
    /// Something else: the library's words.
    #[error("{0}")]
    Other(Cow<'static, str>),
}

impl From<PeerMisbehaved> for Error {
    fn from(error: PeerMisbehaved) -> Self {
        Self::PeerMisbehaved(error)
    }
}

/// A library's own error. Two of them are equal when the backend and the
/// words are.
#[derive(Clone, Debug)]
pub struct BackendError {
    backend: &'static str,
    source: Arc<dyn StdError + Send + Sync>,
}

impl BackendError {
    /// The backend whose library failed.
    pub fn backend(&self) -> &'static str {
        self.backend
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.backend, self.source)
    }
}

impl StdError for BackendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

impl PartialEq for BackendError {
    fn eq(&self, other: &Self) -> bool {
        self.backend == other.backend && self.source.to_string() == other.source.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_fits_in_few_words_because_every_call_returns_one() {
        assert!(size_of::<Error>() <= 56, "{}", size_of::<Error>());
    }

    #[test]
    fn truncation_stays_recognisable_as_an_io_error() {
        let error = io::Error::from(Error::Truncated);
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Error>());
        assert_eq!(inner, Some(&Error::Truncated));
    }
}
