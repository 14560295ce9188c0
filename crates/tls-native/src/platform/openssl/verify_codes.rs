//! Why the library refused the peer's certificate.
//!
//! native-tls keeps the library's code to itself, but says the library's words
//! for it. They are constants of the library, so they tell the code.

use std::ffi::c_int;

use openssl_sys as sys;
use tls_core::CertificateError;

use super::ffi;

/// Beyond every code that any version of the library has.
const CODES: std::ops::Range<c_int> = 1..200;

/// What native-tls's words about a failed handshake say of the certificate.
pub(super) fn refusal(words: &str) -> CertificateError {
    match code(words) {
        Some(code) => reason(code),
        None => CertificateError::Other(words.to_owned().into()),
    }
}

/// The code whose words stand in brackets at the end; the longest, as some
/// words have brackets of their own.
fn code(words: &str) -> Option<c_int> {
    let words = words.strip_suffix(')')?;
    let fits = |code: &c_int| {
        let before = words.strip_suffix(ffi::verify_words(*code));
        before.is_some_and(|before| before.ends_with(" ("))
    };
    CODES
        .filter(fits)
        .max_by_key(|&code| ffi::verify_words(code).len())
}

/// The one table from the library's codes to reasons.
fn reason(code: c_int) -> CertificateError {
    use CertificateError as E;

    match code {
        sys::X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD
        | sys::X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD
        | sys::X509_V_ERR_INVALID_EXTENSION
        | sys::X509_V_ERR_INVALID_POLICY_EXTENSION
        | sys::X509_V_ERR_UNSUPPORTED_EXTENSION_FEATURE
        | SIGNATURE_ALGORITHM_MISMATCH
        | SIGNATURE_ALGORITHM_INCONSISTENCY
        | PATHLEN_INVALID_FOR_NON_CA..=EXTENSIONS_REQUIRE_VERSION_3 => E::BadEncoding,
        sys::X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION => E::UnhandledCriticalExtension,
        sys::X509_V_ERR_CERT_HAS_EXPIRED => E::Expired,
        sys::X509_V_ERR_CERT_NOT_YET_VALID => E::NotYetValid,
        sys::X509_V_ERR_INVALID_NON_CA => E::CaUsedAsEndEntity,
        sys::X509_V_ERR_INVALID_CA
        | sys::X509_V_ERR_PATH_LENGTH_EXCEEDED
        | sys::X509_V_ERR_KEYUSAGE_NO_CERTSIGN => E::ConstraintViolated,
        sys::X509_V_ERR_INVALID_PURPOSE
        | sys::X509_V_ERR_CERT_REJECTED
        | sys::X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE => E::InvalidPurpose,
        sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
        | sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        | sys::X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE
        | sys::X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
        | sys::X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
        | sys::X509_V_ERR_CERT_UNTRUSTED => E::UnknownIssuer,
        sys::X509_V_ERR_CERT_SIGNATURE_FAILURE
        | sys::X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE => E::BadSignature,
        NO_ISSUER_PUBLIC_KEY
        | sys::X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY
        | sys::X509_V_ERR_EE_KEY_TOO_SMALL
        | sys::X509_V_ERR_CA_KEY_TOO_SMALL
        | sys::X509_V_ERR_CA_MD_TOO_WEAK
        | sys::X509_V_ERR_SUITE_B_INVALID_VERSION
            ..=sys::X509_V_ERR_SUITE_B_CANNOT_SIGN_P_384_WITH_P_256
        | UNSUPPORTED_SIGNATURE_ALGORITHM
        | EC_KEY_EXPLICIT_PARAMS => E::UnacceptableAlgorithm,
        sys::X509_V_ERR_CERT_CHAIN_TOO_LONG => E::ConstraintViolated,
        sys::X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED
        | sys::X509_V_ERR_PROXY_CERTIFICATES_NOT_ALLOWED
        | PROXY_SUBJECT_NAME_VIOLATION
        | sys::X509_V_ERR_NO_EXPLICIT_POLICY
        | sys::X509_V_ERR_UNNESTED_RESOURCE
        | sys::X509_V_ERR_PERMITTED_VIOLATION
        | sys::X509_V_ERR_EXCLUDED_VIOLATION
        | sys::X509_V_ERR_SUBTREE_MINMAX
        | sys::X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE
        | sys::X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX
        | sys::X509_V_ERR_UNSUPPORTED_NAME_SYNTAX => E::ConstraintViolated,
        sys::X509_V_ERR_CERT_REVOKED => E::Revoked,
        sys::X509_V_ERR_UNABLE_TO_GET_CRL | sys::X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER => {
            E::RevocationUnknown
        }
        sys::X509_V_ERR_HOSTNAME_MISMATCH | sys::X509_V_ERR_IP_ADDRESS_MISMATCH => E::NameMismatch,
        code => E::Other(ffi::verify_words(code).into()),
    }
}

/// Codes that the bindings do not name (`x509_vfy.h`).
const NO_ISSUER_PUBLIC_KEY: c_int = 24;
const PROXY_SUBJECT_NAME_VIOLATION: c_int = 72;
const UNSUPPORTED_SIGNATURE_ALGORITHM: c_int = 76;
const SIGNATURE_ALGORITHM_MISMATCH: c_int = 77;
const SIGNATURE_ALGORITHM_INCONSISTENCY: c_int = 78;
const PATHLEN_INVALID_FOR_NON_CA: c_int = 80;
const EXTENSIONS_REQUIRE_VERSION_3: c_int = 93;
const EC_KEY_EXPLICIT_PARAMS: c_int = 94;

#[cfg(test)]
mod tests {
    use super::*;

    /// The last code that OpenSSL 3.0 has.
    const LAST: c_int = 94;

    fn said(code: c_int) -> String {
        let reason = "error:0A000086:SSL routines::certificate verify failed:ssl/statem:1:";
        format!("{reason} ({})", ffi::verify_words(code))
    }

    #[test]
    fn every_code_is_read_from_its_words() {
        let unknown = ffi::verify_words(CODES.end);
        for number in 1..=LAST {
            if ffi::verify_words(number) != unknown {
                assert_eq!(code(&said(number)), Some(number), "{}", said(number));
            }
        }
        assert_eq!(code("certificate verify failed"), None);
        assert_eq!(code(" (no words of the library's)"), None);
    }

    #[test]
    fn reasons_have_their_names() {
        use CertificateError as E;
        for (code, expected) in [
            (10, E::Expired),
            (9, E::NotYetValid),
            (20, E::UnknownIssuer),
            (19, E::UnknownIssuer),
            (7, E::BadSignature),
            (62, E::NameMismatch),
            (64, E::NameMismatch),
            (79, E::ConstraintViolated),
            (26, E::InvalidPurpose),
            (66, E::UnacceptableAlgorithm),
            (34, E::UnhandledCriticalExtension),
        ] {
            assert_eq!(refusal(&said(code)), expected, "{code}");
        }
        assert!(matches!(refusal(&said(17)), E::Other(_)), "out of memory");
        let odd = "certificate verify failed (for no reason)";
        assert_eq!(refusal(odd), E::Other(odd.into()));
    }
}
