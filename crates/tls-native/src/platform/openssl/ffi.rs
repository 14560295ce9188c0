//! What the `openssl` crate does not offer, or not safely.

use std::ffi::c_int;

use foreign_types::ForeignTypeRef;
use openssl::x509::{X509Ref, X509VerifyResult};

/// Signed by itself, as far as its names tell (`x509v3.h`).
const EXFLAG_SS: u32 = 0x2000;

/// Whether a certificate says that it is a CA's (RFC 5280, section 4.2.1.9).
pub(super) fn is_ca(certificate: &X509Ref) -> bool {
    extension_flags(certificate) & openssl_sys::EXFLAG_CA != 0
}

/// Whether a certificate names itself as its issuer: what the library asks of a
/// root.
pub(super) fn is_self_signed(certificate: &X509Ref) -> bool {
    extension_flags(certificate) & EXFLAG_SS != 0
}

fn extension_flags(certificate: &X509Ref) -> u32 {
    // SAFETY: the pointer comes from a live reference. The function caches
    // what it parses under the certificate's own lock.
    unsafe { openssl_sys::X509_get_extension_flags(certificate.as_ptr()) }
}

/// The library's words for a result of verification (`X509_V_...`).
pub(super) fn verify_words(code: c_int) -> &'static str {
    // SAFETY: the number is all that the type holds, and the library has
    // constant words for any.
    unsafe { X509VerifyResult::from_raw(code) }.error_string()
}

/// Leaves an error in the thread's queue, as the library does.
#[cfg(test)]
pub(super) fn queue_error(library: c_int, reason: c_int) {
    // SAFETY: starts an error in the thread's own queue.
    unsafe { openssl_sys::ERR_new() };
    // SAFETY: fills the error that was started; without a format the function
    // takes no further arguments.
    unsafe { openssl_sys::ERR_set_error(library, reason, std::ptr::null()) }
}

/// Sends a request to renegotiate with the next handshake, which no session of
/// ours makes.
#[cfg(test)]
pub(crate) fn ask_to_renegotiate(ssl: &openssl::ssl::SslRef) {
    unsafe extern "C" {
        fn SSL_renegotiate(ssl: *mut openssl_sys::SSL) -> c_int;
    }
    // SAFETY: the pointer comes from a live reference; the caller has the stream.
    let asked = unsafe { SSL_renegotiate(ssl.as_ptr()) };
    assert_eq!(asked, 1);
}
