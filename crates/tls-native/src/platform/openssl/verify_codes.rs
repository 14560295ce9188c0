//! Why the library refused the peer's certificate.
//!
//! native-tls keeps the library's code to itself, but says the library's words
//! for it. They are constants of the library, so they tell the code.

use std::ffi::c_int;

use backend_kit::x509;
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

fn reason(code: c_int) -> CertificateError {
    match x509::openssl_fault(code) {
        Some((_, error)) => error,
        None => CertificateError::Other(ffi::verify_words(code).into()),
    }
}

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
