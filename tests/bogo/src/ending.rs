//! How a run of the shim ends, and what it tells the runner.

use std::fmt;

use polytls::tls::{Error, PeerIncompatible, PeerMisbehaved};

/// Why a run ended before its test was done.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The test cannot be run here.
    Unimplemented(Missing),
    /// The session failed: what most tests are after.
    Failed(Error),
    /// The session succeeded where `-check-close-notify` demands an end and no
    /// data: a failure that has no error of ours.
    DataAfterClose,
    /// Something that the test asked us to assert does not hold, or a promise
    /// of the contract is broken. No test may pass with it.
    Broken(String),
}

/// What a test asks for and does not get.
#[derive(Clone, Debug)]
pub(crate) struct Missing {
    pub(crate) class: Class,
    pub(crate) reason: String,
}

/// Whose lack it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The test is not one of TLS over a stream.
    NotTls,
    /// The library lacks it, and its backend does not advertise it.
    Library,
    /// The contract does not expose it.
    Api,
    /// This program does not do it.
    Shim,
}

impl Class {
    /// The name under which `cargo xtask bogo` counts it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NotTls => "not-tls",
            Self::Library => "library",
            Self::Api => "api",
            Self::Shim => "shim",
        }
    }
}

impl Missing {
    pub(crate) fn new(class: Class, reason: impl Into<String>) -> Self {
        Self {
            class,
            reason: reason.into(),
        }
    }
}

impl From<Missing> for Ending {
    fn from(missing: Missing) -> Self {
        Self::Unimplemented(missing)
    }
}

impl Ending {
    /// A promise of the contract, or an assertion of the test, that does not hold.
    pub(crate) fn broken(what: impl Into<String>) -> Self {
        Self::Broken(what.into())
    }

    /// The code to exit with, by the runner's convention.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Unimplemented(_) => 89,
            Self::Failed(_) | Self::DataAfterClose => 1,
            Self::Broken(_) => 90,
        }
    }
}

/// The first line is for the runner to match; what follows is for people.
impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unimplemented(Missing { class, reason }) => {
                write!(f, ":Unimplemented({}):\n{reason}", class.name())
            }
            Self::Failed(error) => write!(f, ":{}:\n{error}", symbol(error)),
            Self::DataAfterClose => f.write_str(":DataAfterClose:"),
            Self::Broken(what) => write!(f, ":Broken:\n{what}"),
        }
    }
}

/// An error as a symbol that does not change with the library's words.
fn symbol(error: &Error) -> String {
    match error {
        Error::Config(error) => format!("Config({})", error.field),
        Error::Unsupported(error) => format!("Unsupported({})", error.capability),
        Error::Certificate(error) => format!("Certificate({})", variant(error)),
        Error::AlertReceived(alert) => format!("AlertReceived({alert})"),
        Error::PeerIncompatible(PeerIncompatible::Other(_)) => "PeerIncompatible(Other)".into(),
        Error::PeerIncompatible(error) => format!("PeerIncompatible({error:?})"),
        Error::PeerMisbehaved(PeerMisbehaved::Other(_)) => "PeerMisbehaved(Other)".into(),
        Error::PeerMisbehaved(error) => format!("PeerMisbehaved({error:?})"),
        Error::Io(error) => format!("Io({:?})", error.kind()),
        other => variant(other),
    }
}

/// The name of an enum's variant, without what it carries.
fn variant(value: &impl fmt::Debug) -> String {
    let shown = format!("{value:?}");
    let end = shown.find(['(', ' ']).unwrap_or(shown.len());
    shown[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use polytls::tls::{Alert, CertificateError};

    use super::*;

    #[test]
    fn an_error_is_a_symbol_without_the_words_of_the_library() {
        let cases = [
            (
                Error::from(CertificateError::UnknownIssuer),
                "Certificate(UnknownIssuer)",
            ),
            (
                CertificateError::Other("odd (very)".into()).into(),
                "Certificate(Other)",
            ),
            (
                PeerMisbehaved::Other("odd".into()).into(),
                "PeerMisbehaved(Other)",
            ),
            (
                PeerMisbehaved::UnexpectedMessage.into(),
                "PeerMisbehaved(UnexpectedMessage)",
            ),
            (
                PeerIncompatible::NoCommonGroup.into(),
                "PeerIncompatible(NoCommonGroup)",
            ),
            (
                Error::AlertReceived(Alert::HANDSHAKE_FAILURE),
                "AlertReceived(handshake_failure)",
            ),
            (Error::Truncated, "Truncated"),
            (Error::backend("rustls", "words"), "Backend"),
            (Error::config("alpn", "words"), "Config(alpn)"),
        ];
        for (error, expected) in cases {
            assert_eq!(symbol(&error), expected);
        }
    }

    #[test]
    fn only_a_failed_session_may_be_what_a_test_expects() {
        assert_eq!(Ending::Failed(Error::Truncated).code(), 1);
        assert_eq!(Ending::broken("fact").code(), 90);
        let missing = Missing::new(Class::Api, "early data");
        assert_eq!(Ending::from(missing).code(), 89);
    }
}
