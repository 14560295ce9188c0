//! From the library's errors to ours.

use std::ffi::c_int;

use boring::error::ErrorStack;
use boring::ssl::{SslRef, SslVersion};
use boring_sys as sys;
use tls_core::{Alert, CertificateError, Error, PeerIncompatible, PeerMisbehaved, Role};

use crate::info::NAME;
use crate::notes::Notes;

/// Where alerts begin among the reasons (`ssl.h`).
const FIRST_ALERT: c_int = sys::SSL_AD_REASON_OFFSET;

/// Why the library failed. In this order: what a callback of ours said; the
/// alert that the peer sent; a certificate that cannot be parsed; the reasons
/// in the queue, the first that has a name here; the end of the transport; the
/// library's own words.
pub(crate) fn translate(ssl: &SslRef, role: Role, queued: &ErrorStack, ended: bool) -> Error {
    if let Some(refusal) = Notes::of(ssl).and_then(Notes::refusal) {
        return refusal;
    }
    let reasons = || {
        queued
            .errors()
            .iter()
            .filter_map(|error| error.library_reason(sys::ERR_LIB_SSL))
    };
    if let Some(alert) = reasons().find_map(alert) {
        return Error::AlertReceived(alert);
    }
    if let Some(error) = in_certificate(queued) {
        return error.into();
    }
    match reasons().find_map(meaning) {
        Some(Meaning::Named(error)) => error,
        Some(Meaning::Framing(_)) if !was_heard(ssl, role) => PeerMisbehaved::NotTls.into(),
        Some(Meaning::Framing(error)) => error.into(),
        Some(Meaning::NothingShared) => nothing_shared(ssl, role).into(),
        Some(Meaning::WrongCurve) if is_older_server(ssl, role) => nothing_shared(ssl, role).into(),
        Some(Meaning::WrongCurve) => PeerMisbehaved::IllegalParameter.into(),
        None if queued.errors().is_empty() && ended => Error::Truncated,
        None => Error::backend(NAME, queued.clone()),
    }
}

fn alert(reason: c_int) -> Option<Alert> {
    u8::try_from(reason.checked_sub(FIRST_ALERT)?)
        .ok()
        .map(Alert)
}

/// Whether a hello of the peer's was understood.
pub(crate) fn was_heard(ssl: &SslRef, role: Role) -> bool {
    let mut random = [0; 32];
    match role {
        Role::Client => ssl.server_random(&mut random),
        Role::Server => ssl.client_random(&mut random),
    };
    random != [0; 32]
}

/// What is wrong with a certificate that the library failed to parse. It names
/// no reason of TLS for that, but what its parsers have found.
fn in_certificate(queued: &ErrorStack) -> Option<CertificateError> {
    let has = |library, reason: Option<c_int>| {
        queued.errors().iter().any(|error| {
            error
                .library_reason(library)
                .is_some_and(|found| reason.is_none_or(|reason| reason == found))
        })
    };
    let names_decoding = has(sys::ERR_LIB_SSL, Some(sys::SSL_R_DECODE_ERROR));
    let names_leaf = has(sys::ERR_LIB_SSL, Some(sys::SSL_R_CANNOT_PARSE_LEAF_CERT));
    let from_a_parser = [sys::ERR_LIB_ASN1, sys::ERR_LIB_X509, sys::ERR_LIB_EVP]
        .into_iter()
        .any(|library| has(library, None));
    if !(names_leaf || names_decoding && from_a_parser) {
        return None;
    }
    Some(
        if has(sys::ERR_LIB_EVP, Some(sys::EVP_R_UNSUPPORTED_ALGORITHM)) {
            CertificateError::UnacceptableAlgorithm
        } else {
            CertificateError::BadEncoding
        },
    )
}

fn is_older_server(ssl: &SslRef, role: Role) -> bool {
    role == Role::Server && ssl.version2() == Some(SslVersion::TLS1_2)
}

/// In TLS 1.2 a server says "no shared cipher" whatever is not shared. In TLS
/// 1.3 it means it, and has not looked at groups and schemes yet.
fn nothing_shared(ssl: &SslRef, role: Role) -> PeerIncompatible {
    let shared = Notes::of(ssl).and_then(Notes::shared);
    match shared {
        Some(shared) if is_older_server(ssl, role) && !shared.group => {
            PeerIncompatible::NoCommonGroup
        }
        Some(shared) if is_older_server(ssl, role) && !shared.scheme => {
            PeerIncompatible::NoCommonSignatureScheme
        }
        _ => PeerIncompatible::NoCommonCipherSuite,
    }
}

/// What a reason stands for.
#[derive(Debug, PartialEq)]
enum Meaning {
    Named(Error),
    /// Bytes that are no record: the peer speaks another protocol, if they are
    /// its first.
    Framing(PeerMisbehaved),
    /// A server shares no suite with its client, or no group, or no scheme.
    NothingShared,
    /// The same, where a server of TLS 1.2 says it; else the peer's value.
    WrongCurve,
}

impl From<PeerMisbehaved> for Meaning {
    fn from(error: PeerMisbehaved) -> Self {
        Self::Named(error.into())
    }
}

impl From<PeerIncompatible> for Meaning {
    fn from(error: PeerIncompatible) -> Self {
        Self::Named(error.into())
    }
}

impl From<CertificateError> for Meaning {
    fn from(error: CertificateError) -> Self {
        Self::Named(error.into())
    }
}

/// Writes [`meaning`] from rows of reasons.
macro_rules! meanings {
    ($($meaning:expr => { $($reason:ident)* })*) => {
        /// The one table from the library's reasons (`ssl.h`) to ours.
        fn meaning(reason: c_int) -> Option<Meaning> {
            Some(match reason {
                $($(sys::$reason)|* => $meaning.into(),)*
                _ => return None,
            })
        }
    };
}

meanings! {
    Meaning::Framing(PeerMisbehaved::Malformed) => {
        SSL_R_HTTP_REQUEST
        SSL_R_HTTPS_PROXY_REQUEST
        SSL_R_WRONG_VERSION_NUMBER
        SSL_R_RECORD_LENGTH_MISMATCH
    }
    Meaning::Framing(PeerMisbehaved::UnexpectedMessage) => {
        SSL_R_INVALID_OUTER_RECORD_TYPE
    }
    Meaning::Framing(PeerMisbehaved::RecordOverflow) => {
        SSL_R_RECORD_TOO_LARGE
        SSL_R_ENCRYPTED_LENGTH_TOO_LONG
        SSL_R_DATA_LENGTH_TOO_LONG
    }
    Meaning::NothingShared => {
        SSL_R_NO_SHARED_CIPHER
    }
    Meaning::WrongCurve => {
        SSL_R_WRONG_CURVE
    }
    PeerIncompatible::NoCommonVersion => {
        SSL_R_UNSUPPORTED_PROTOCOL
        SSL_R_UNKNOWN_SSL_VERSION
        SSL_R_WRONG_SSL_VERSION
        SSL_R_NO_SUPPORTED_VERSIONS_ENABLED
        SSL_R_INAPPROPRIATE_FALLBACK
    }
    PeerIncompatible::NoCommonCipherSuite => {
        SSL_R_NO_CIPHERS_AVAILABLE
    }
    PeerIncompatible::NoCommonGroup => {
        SSL_R_MISSING_KEY_SHARE
        SSL_R_NO_SHARED_GROUP
        SSL_R_UNSUPPORTED_ELLIPTIC_CURVE
    }
    PeerIncompatible::NoCommonSignatureScheme => {
        SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS
    }
    PeerIncompatible::NoCommonAlpn => {
        SSL_R_NO_APPLICATION_PROTOCOL
    }
    PeerIncompatible::Other("it does not support secure renegotiation".into()) => {
        SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED
    }
    CertificateError::Missing => {
        SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE
    }
    CertificateError::InvalidPurpose => {
        SSL_R_KEY_USAGE_BIT_INCORRECT
    }
    CertificateError::UnacceptableAlgorithm => {
        SSL_R_UNKNOWN_CERTIFICATE_TYPE
    }
    PeerMisbehaved::BadCryptography => {
        SSL_R_DECRYPTION_FAILED
        SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC
        SSL_R_DIGEST_CHECK_FAILED
        SSL_R_BAD_PACKET_LENGTH
        SSL_R_BAD_SIGNATURE
    }
    PeerMisbehaved::RecordOverflow => {
        SSL_R_EXCESSIVE_MESSAGE_SIZE
        SSL_R_UNCOMPRESSED_CERT_TOO_LARGE
    }
    PeerMisbehaved::UnexpectedMessage => {
        SSL_R_UNEXPECTED_RECORD
        SSL_R_UNEXPECTED_MESSAGE
        SSL_R_EXCESS_HANDSHAKE_DATA
        SSL_R_BAD_CHANGE_CIPHER_SPEC
        SSL_R_BAD_HELLO_REQUEST
        SSL_R_NO_RENEGOTIATION
        SSL_R_TOO_MANY_EMPTY_FRAGMENTS
        SSL_R_TOO_MANY_KEY_UPDATES
        SSL_R_TOO_MANY_WARNING_ALERTS
        SSL_R_TOO_MUCH_READ_EARLY_DATA
        SSL_R_TOO_MUCH_SKIPPED_EARLY_DATA
        SSL_R_APPLICATION_DATA_ON_SHUTDOWN
    }
    PeerMisbehaved::Malformed => {
        SSL_R_DECODE_ERROR
        SSL_R_BAD_ALERT
        SSL_R_BAD_HANDSHAKE_RECORD
        SSL_R_BAD_LENGTH
        SSL_R_CA_DN_TOO_LONG
        SSL_R_CERT_LENGTH_MISMATCH
        SSL_R_CLIENTHELLO_PARSE_FAILED
        SSL_R_CLIENTHELLO_TLSEXT
        SSL_R_ERROR_IN_RECEIVED_CIPHER_LIST
        SSL_R_ERROR_PARSING_EXTENSION
        SSL_R_EXTRA_DATA_IN_MESSAGE
        SSL_R_FRAGMENT_MISMATCH
        SSL_R_INVALID_ALPN_PROTOCOL_LIST
        SSL_R_INVALID_MESSAGE
        SSL_R_LENGTH_MISMATCH
        SSL_R_PARSE_TLSEXT
        SSL_R_RENEGOTIATION_ENCODING_ERR
        SSL_R_SERVERHELLO_TLSEXT
        SSL_R_SSL3_EXT_INVALID_SERVERNAME
        SSL_R_SSL_SESSION_ID_TOO_LONG
        SSL_R_UNKNOWN_ALERT_TYPE
    }
    PeerMisbehaved::IllegalParameter => {
        SSL_R_BAD_ECC_CERT
        SSL_R_WRONG_CERTIFICATE_TYPE
        SSL_R_BAD_ECPOINT
        SSL_R_CIPHER_MISMATCH_ON_EARLY_DATA
        SSL_R_DUPLICATE_EXTENSION
        SSL_R_DUPLICATE_KEY_SHARE
        SSL_R_DUPLICATE_SIGNATURE_ALGORITHM
        SSL_R_EMPTY_HELLO_RETRY_REQUEST
        SSL_R_INVALID_ALPN_PROTOCOL
        SSL_R_INVALID_COMPRESSION_LIST
        SSL_R_MISSING_EXTENSION
        SSL_R_NEGOTIATED_BOTH_NPN_AND_ALPN
        SSL_R_OLD_SESSION_CIPHER_NOT_RETURNED
        SSL_R_OLD_SESSION_VERSION_NOT_RETURNED
        SSL_R_OLD_SESSION_PRF_HASH_MISMATCH
        SSL_R_PRE_SHARED_KEY_MUST_BE_LAST
        SSL_R_PSK_IDENTITY_BINDER_COUNT_MISMATCH
        SSL_R_PSK_IDENTITY_NOT_FOUND
        SSL_R_RENEGOTIATION_EMS_MISMATCH
        SSL_R_RENEGOTIATION_MISMATCH
        SSL_R_RESUMED_EMS_SESSION_WITHOUT_EMS_EXTENSION
        SSL_R_RESUMED_NON_EMS_SESSION_WITH_EMS_EXTENSION
        SSL_R_SECOND_SERVERHELLO_VERSION_MISMATCH
        SSL_R_SERVER_CERT_CHANGED
        SSL_R_SERVER_ECHOED_INVALID_SESSION_ID
        SSL_R_TLS13_DOWNGRADE
        SSL_R_UNEXPECTED_COMPATIBILITY_MODE
        SSL_R_UNEXPECTED_EXTENSION
        SSL_R_UNKNOWN_CERT_COMPRESSION_ALG
        SSL_R_UNKNOWN_CIPHER_RETURNED
        SSL_R_UNSUPPORTED_CIPHER
        SSL_R_UNSUPPORTED_COMPRESSION_ALGORITHM
        SSL_R_WRONG_CIPHER_RETURNED
        SSL_R_WRONG_SIGNATURE_TYPE
        SSL_R_WRONG_VERSION_ON_EARLY_DATA
    }
}

#[cfg(test)]
mod tests {
    use boring::ssl::{Ssl, SslContext, SslMethod};
    use boring::x509::X509;

    use super::*;
    use crate::{ffi, queue};

    fn session() -> Ssl {
        let context = SslContext::builder(SslMethod::tls()).unwrap().build();
        Ssl::new(&context).unwrap()
    }

    /// What is made of one error of the library with this reason.
    fn translated(reason: c_int, role: Role) -> Error {
        translate(&session(), role, &stack(reason), false)
    }

    fn stack(reason: c_int) -> ErrorStack {
        queue::clear();
        ffi::queue_error(reason);
        ErrorStack::get()
    }

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
            for reason in [
                sys::SSL_R_HTTP_REQUEST,
                sys::SSL_R_HTTPS_PROXY_REQUEST,
                sys::SSL_R_WRONG_VERSION_NUMBER,
                sys::SSL_R_ENCRYPTED_LENGTH_TOO_LONG,
            ] {
                assert_eq!(translated(reason, role), PeerMisbehaved::NotTls.into());
            }
        }
    }

    #[test]
    fn each_fault_has_its_variant() {
        for (reason, expected) in [
            (
                sys::SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC,
                PeerMisbehaved::BadCryptography.into(),
            ),
            (
                sys::SSL_R_UNEXPECTED_MESSAGE,
                PeerMisbehaved::UnexpectedMessage.into(),
            ),
            (sys::SSL_R_DECODE_ERROR, PeerMisbehaved::Malformed.into()),
            (
                sys::SSL_R_UNSUPPORTED_PROTOCOL,
                PeerIncompatible::NoCommonVersion.into(),
            ),
            (
                sys::SSL_R_NO_SHARED_GROUP,
                PeerIncompatible::NoCommonGroup.into(),
            ),
            (
                sys::SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS,
                PeerIncompatible::NoCommonSignatureScheme.into(),
            ),
            (
                sys::SSL_R_NO_SHARED_CIPHER,
                PeerIncompatible::NoCommonCipherSuite.into(),
            ),
            (
                sys::SSL_R_NO_APPLICATION_PROTOCOL,
                PeerIncompatible::NoCommonAlpn.into(),
            ),
            (
                sys::SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE,
                CertificateError::Missing.into(),
            ),
            (
                sys::SSL_R_CANNOT_PARSE_LEAF_CERT,
                CertificateError::BadEncoding.into(),
            ),
        ] {
            assert_eq!(translated(reason, Role::Server), expected, "{reason}");
        }
    }

    #[test]
    fn a_wrong_curve_is_the_peers_value_but_where_a_server_chooses() {
        let reason = sys::SSL_R_WRONG_CURVE;
        assert_eq!(
            translated(reason, Role::Client),
            PeerMisbehaved::IllegalParameter.into()
        );
        // A session without a version counts as one of TLS 1.2.
        assert_eq!(
            translated(reason, Role::Server),
            PeerIncompatible::NoCommonCipherSuite.into()
        );
    }

    #[test]
    fn what_fails_to_parse_beside_a_parsers_own_error_is_a_certificate() {
        queue::clear();
        X509::from_der(&[0x30, 0]).unwrap_err().put();
        ffi::queue_error(sys::SSL_R_DECODE_ERROR);
        let queued = ErrorStack::get();
        assert_eq!(
            translate(&session(), Role::Client, &queued, false),
            CertificateError::BadEncoding.into()
        );
    }

    #[test]
    fn what_has_no_name_keeps_the_librarys_words() {
        let error = translated(sys::SSL_R_NO_CERTIFICATE_SET, Role::Server);
        assert!(matches!(&error, Error::Backend(error) if error.backend() == NAME));
        assert!(error.to_string().contains("NO_CERTIFICATE_SET"), "{error}");
    }

    #[test]
    fn an_end_is_truncation_only_where_nothing_else_is_known() {
        let translated = |queued: &ErrorStack| translate(&session(), Role::Client, queued, true);
        assert_eq!(translated(&ErrorStack::get()), Error::Truncated);
        assert_eq!(
            translated(&stack(sys::SSL_R_DIGEST_CHECK_FAILED)),
            PeerMisbehaved::BadCryptography.into()
        );
    }
}
