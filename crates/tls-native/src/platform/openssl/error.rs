//! From the library's errors to ours.

use std::error::Error as StdError;
use std::ffi::c_int;

use backend_kit::openssl::{LIB_SSL, Meaning, alert, meaning};
use openssl::error::ErrorStack;
use tls_core::{Error, PeerIncompatible, PeerMisbehaved, Role};

use super::verify_codes;
use crate::info::NAME;

/// That the peer's certificate was refused (`sslerr.h`).
const CERTIFICATE_VERIFY_FAILED: c_int = 134;

/// Why the library failed. In this order: the alert that the peer sent; what is
/// wrong with its certificate; the reasons that the library gives, the first
/// that has a name here; its own words; without any, the end of the transport
/// or, amid the handshake, the peer's `close_notify`.
///
/// `heard` tells whether the peer is known to speak TLS, `ended` whether the
/// transport has ended.
pub(crate) fn translate(
    error: &(dyn StdError + 'static),
    role: Role,
    heard: bool,
    ended: bool,
) -> Error {
    let Some(stack) = stack(error) else {
        // Amid the handshake the library has no error without a reason but that.
        let is_end = error.is::<native_tls::Error>() && error.source().is_none();
        return if ended || is_end {
            Error::Truncated
        } else {
            Error::backend(NAME, error.to_string())
        };
    };
    let reasons = || {
        stack
            .errors()
            .iter()
            .filter(|error| error.library_code() == LIB_SSL)
            .map(openssl::error::Error::reason_code)
    };
    if let Some(alert) = reasons().find_map(alert) {
        return Error::AlertReceived(alert);
    }
    if reasons().any(|reason| reason == CERTIFICATE_VERIFY_FAILED) {
        return verify_codes::refusal(&error.to_string()).into();
    }
    match reasons().find_map(meaning) {
        Some(Meaning::Named(error)) => error,
        Some(Meaning::Framing(_)) if !heard => PeerMisbehaved::NotTls.into(),
        Some(Meaning::Framing(error)) => error.into(),
        // The library says the same when no group or scheme is shared.
        Some(Meaning::NothingShared) => PeerIncompatible::NoCommonCipherSuite.into(),
        Some(Meaning::Downgraded) => match role {
            Role::Client => PeerMisbehaved::IllegalParameter.into(),
            Role::Server => PeerIncompatible::NoCommonVersion.into(),
        },
        None => Error::backend(NAME, stack.clone()),
    }
}

/// What the library had in its queue: somewhere among the sources.
fn stack<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e ErrorStack> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(stack) = error.downcast_ref() {
            return Some(stack);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use tls_core::{Alert, CertificateError};

    use super::*;
    use crate::platform::openssl::ffi;

    /// What is made of these reasons in the library's queue.
    fn translated(reasons: &[c_int], role: Role, heard: bool) -> Error {
        drop(ErrorStack::get());
        for &reason in reasons {
            ffi::queue_error(LIB_SSL, reason);
        }
        translate(&ErrorStack::get(), role, heard, false)
    }

    #[test]
    fn an_alert_comes_before_every_other_reason() {
        assert_eq!(
            translated(&[281, 1048], Role::Client, true),
            Error::AlertReceived(Alert::UNKNOWN_CA)
        );
        let beyond = translated(&[1000 + 256], Role::Client, true);
        assert!(matches!(beyond, Error::Backend(_)), "{beyond:?}");
    }

    #[test]
    fn framing_means_another_protocol_before_the_first_hello() {
        for role in [Role::Client, Role::Server] {
            for reason in [156, 155, 267, 198] {
                let found = translated(&[reason], role, false);
                assert_eq!(found, PeerMisbehaved::NotTls.into());
            }
            let overflow = translated(&[198], role, true);
            assert_eq!(overflow, PeerMisbehaved::RecordOverflow.into());
        }
    }

    #[test]
    fn each_fault_has_its_variant() {
        use PeerIncompatible as I;
        use PeerMisbehaved as M;
        for (reasons, at_client, at_server) in [
            (&[281][..], M::BadCryptography.into(), None),
            (&[244], M::UnexpectedMessage.into(), None),
            (&[159], M::Malformed.into(), None),
            (&[378], M::IllegalParameter.into(), None),
            (&[258], I::NoCommonVersion.into(), None),
            (&[193], I::NoCommonCipherSuite.into(), None),
            (&[373], M::IllegalParameter.into(), Some(I::NoCommonVersion)),
            (&[318, 304], CertificateError::InvalidPurpose.into(), None),
        ] {
            let at_server = at_server.map_or(Error::clone(&at_client), Error::from);
            assert_eq!(translated(reasons, Role::Client, true), at_client);
            assert_eq!(translated(reasons, Role::Server, true), at_server);
        }
    }

    #[test]
    fn what_has_no_name_keeps_the_librarys_words_and_no_reason_at_all_is_an_end() {
        let error = translated(&[274], Role::Server, true);
        assert!(error.to_string().contains("library bug"), "{error}");
        let refused = translated(&[CERTIFICATE_VERIFY_FAILED], Role::Client, true);
        let Error::Certificate(CertificateError::Other(words)) = refused else {
            panic!("{refused:?}");
        };
        assert!(words.contains("certificate verify failed"), "{words}");
        let unknown = std::io::Error::from(std::io::ErrorKind::Other);
        let translated = |ended| translate(&unknown, Role::Client, true, ended);
        assert_eq!(translated(true), Error::Truncated);
        assert!(matches!(translated(false), Error::Backend(_)));
    }
}
