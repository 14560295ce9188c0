//! From the library's errors to ours.

use backend_kit::openssl::{LIB_SSL, Meaning, alert, meaning};
use openssl::error::ErrorStack;
use openssl::ssl::{SslRef, SslVersion};
use tls_core::{Error, PeerIncompatible, PeerMisbehaved, Role};

use crate::ffi;
use crate::info::NAME;
use crate::notes::Notes;

/// Why the library failed. In this order: what a callback of ours said; the
/// alert that the peer sent; the reasons in the queue, the first that has a
/// name here; the end of the transport; the library's own words.
pub(crate) fn translate(ssl: &SslRef, role: Role, queued: &ErrorStack, ended: bool) -> Error {
    if let Some(refusal) = Notes::of(ssl).and_then(Notes::refusal) {
        return refusal;
    }
    let reasons = || {
        queued
            .errors()
            .iter()
            .filter(|error| error.library_code() == LIB_SSL)
            .map(openssl::error::Error::reason_code)
    };
    if let Some(alert) = reasons().find_map(alert) {
        return Error::AlertReceived(alert);
    }
    match reasons().find_map(meaning) {
        Some(Meaning::Named(error)) => error,
        Some(Meaning::Framing(_)) if !was_heard(ssl, role) => PeerMisbehaved::NotTls.into(),
        Some(Meaning::Framing(error)) => error.into(),
        Some(Meaning::NothingShared) => nothing_shared(ssl, role).into(),
        Some(Meaning::Downgraded) => match role {
            Role::Client => PeerMisbehaved::IllegalParameter.into(),
            Role::Server => PeerIncompatible::NoCommonVersion.into(),
        },
        None if queued.errors().is_empty() && ended => Error::Truncated,
        None => Error::backend(NAME, queued.clone()),
    }
}

/// Whether a hello of the peer's was understood.
fn was_heard(ssl: &SslRef, role: Role) -> bool {
    let mut random = [0; 32];
    match role {
        Role::Client => ssl.server_random(&mut random),
        Role::Server => ssl.client_random(&mut random),
    };
    random != [0; 32]
}

/// In TLS 1.2 a server says "no shared cipher" whatever is not shared. In TLS
/// 1.3 it means it, and has not looked at groups and schemes yet.
fn nothing_shared(ssl: &SslRef, role: Role) -> PeerIncompatible {
    if role == Role::Server && ssl.version2() == Some(SslVersion::TLS1_2) {
        if ffi::shared_groups(ssl) == 0 {
            return PeerIncompatible::NoCommonGroup;
        }
        if ffi::shared_signature_schemes(ssl) == 0 {
            return PeerIncompatible::NoCommonSignatureScheme;
        }
    }
    PeerIncompatible::NoCommonCipherSuite
}

#[cfg(test)]
mod tests {
    use std::ffi::c_int;

    use backend_kit::openssl::NAMED;
    use openssl::ssl::{Ssl, SslContext, SslMethod};
    use tls_core::{Alert, CertificateError};

    use super::*;

    /// What is made of one error of the library with this reason.
    fn translated(reason: c_int, role: Role) -> Error {
        let context = SslContext::builder(SslMethod::tls()).unwrap().build();
        let ssl = Ssl::new(&context).unwrap();
        translate(&ssl, role, &stack(reason), false)
    }

    fn stack(reason: c_int) -> ErrorStack {
        crate::queue::clear();
        ffi::queue_error(LIB_SSL, reason);
        ErrorStack::get()
    }

    #[test]
    fn the_numbers_are_the_librarys_own() {
        // The library's words for a reason are its name, more or less.
        let letters = |words: &str| -> String {
            words
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .map(|letter| letter.to_ascii_lowercase())
                .collect()
        };
        let mut odd = Vec::new();
        for &(number, name) in NAMED {
            let queued = stack(number);
            let words = queued.errors()[0].reason();
            let unknown = words.is_none() && NEWER.contains(&name);
            if !unknown && words.map(letters) != Some(letters(name)) {
                odd.push((name, words));
            }
        }
        assert_eq!(odd, []);
    }

    /// Reasons that OpenSSL 3.0 does not have.
    const NEWER: &[&str] = &[
        "INVALID_RECORD",
        "MISSING_SUPPORTED_VERSIONS_EXTENSION",
        "BAD_COMPRESSION_ALGORITHM",
    ];

    #[test]
    fn an_alert_is_read_from_its_reason() {
        assert_eq!(
            translated(1048, Role::Client),
            Error::AlertReceived(Alert::UNKNOWN_CA)
        );
        assert_eq!(
            translated(1000 + 255, Role::Client),
            Error::AlertReceived(Alert(255))
        );
        assert!(matches!(
            translated(1000 + 256, Role::Client),
            Error::Backend(_)
        ));
    }

    #[test]
    fn framing_means_another_protocol_before_the_first_hello() {
        for role in [Role::Client, Role::Server] {
            for reason in [156, 155, 267, 198] {
                assert_eq!(translated(reason, role), PeerMisbehaved::NotTls.into());
            }
        }
    }

    #[test]
    fn each_fault_has_its_variant() {
        for (reason, expected) in [
            (281, PeerMisbehaved::BadCryptography.into()),
            (149, PeerMisbehaved::BadCryptography.into()),
            (244, PeerMisbehaved::UnexpectedMessage.into()),
            (159, PeerMisbehaved::Malformed.into()),
            (378, PeerMisbehaved::IllegalParameter.into()),
            (258, PeerIncompatible::NoCommonVersion.into()),
            (101, PeerIncompatible::NoCommonGroup.into()),
            (118, PeerIncompatible::NoCommonSignatureScheme.into()),
            (193, PeerIncompatible::NoCommonCipherSuite.into()),
            (235, PeerIncompatible::NoCommonAlpn.into()),
            (199, CertificateError::Missing.into()),
            (524_301, CertificateError::BadEncoding.into()),
        ] {
            assert_eq!(translated(reason, Role::Server), expected, "{reason}");
        }
    }

    #[test]
    fn what_has_no_name_keeps_the_librarys_words() {
        let error = translated(274, Role::Server);
        assert!(matches!(&error, Error::Backend(error) if error.backend() == NAME));
        assert!(error.to_string().contains("library bug"), "{error}");
    }

    #[test]
    fn an_end_is_truncation_only_where_nothing_else_is_known() {
        let context = SslContext::builder(SslMethod::tls()).unwrap().build();
        let ssl = Ssl::new(&context).unwrap();
        let translated = |queued: &ErrorStack| translate(&ssl, Role::Client, queued, true);
        assert_eq!(translated(&ErrorStack::get()), Error::Truncated);
        assert_eq!(
            translated(&stack(281)),
            PeerMisbehaved::BadCryptography.into()
        );
    }
}
