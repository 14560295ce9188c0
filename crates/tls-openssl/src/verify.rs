//! Judges the peer's certificate chain.
//!
//! The library builds the chain and finds its faults. All of them are
//! collected, and the weightiest is the verdict ([`Grounds`]).
//!
//! A root is trusted for its name and its key. Its own validity, purpose and
//! basic constraints do not count (RFC 5280, section 6.1.1).

use std::borrow::Cow;
use std::ffi::c_int;

use backend_kit::{Class, Grounds, x509};
use openssl::error::ErrorStack;
use openssl::ssl::{SslContextBuilder, SslRef};
use openssl::x509::{
    X509NameRef, X509Ref, X509StoreContext, X509StoreContextRef, X509VerifyResult,
};
use openssl_sys as sys;
use tls_core::limits::MAX_CHAIN_LENGTH;
use tls_core::{Alert, CertificateError};

use crate::notes::Notes;
use crate::{ffi, parsed};

/// A fault that the library found in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What it is (`X509_V_ERR_...`).
    code: c_int,
    /// Where it is: 0 is the end entity's certificate.
    depth: u32,
}

/// Has the context's sessions judge the chains of their peers.
pub(crate) fn install(builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    ffi::set_deciding(builder);
    parsed::Parsed::attach(builder)
}

/// Judges the chain; `false` refuses the peer, with the alert that names why.
pub(crate) fn decide(context: &mut X509StoreContextRef) -> bool {
    ffi::set_collecting(context);
    let unmet = parsed::reuse(context);
    let verified = matches!(context.verify_cert(), Ok(true));
    let Err(error) = judge(context, verified) else {
        context.set_error(X509VerifyResult::OK);
        if let Some(unmet) = unmet {
            parsed::keep(context, unmet);
        }
        return true;
    };
    context.set_error(ffi::verify_result(code_for(error.alert())));
    if let Some(notes) = notes(context) {
        notes.refuse(error.into());
    }
    false
}

/// Remembers the fault that the library stands at.
pub(crate) fn collect(context: &X509StoreContextRef) {
    if let Some(notes) = notes(context) {
        notes.add_fault(Fault {
            code: context.error().as_raw(),
            depth: context.error_depth(),
        });
    }
}

fn notes(context: &X509StoreContextRef) -> Option<&Notes> {
    Notes::of(session_of(context)?)
}

/// The session whose peer is judged.
pub(crate) fn session_of(context: &X509StoreContextRef) -> Option<&SslRef> {
    context.ex_data(X509StoreContext::ssl_idx().ok()?)
}

fn judge(context: &X509StoreContextRef, verified: bool) -> Result<(), CertificateError> {
    let Some(notes) = notes(context) else {
        return Err(CertificateError::Other("the session has no notes".into()));
    };
    let faults = notes.take_faults();
    if ffi::presented(context) > MAX_CHAIN_LENGTH {
        return Err(CertificateError::ConstraintViolated);
    }
    let untrusted = ffi::untrusted(context);
    // Where the end entity's certificate is a root, it is still an end
    // entity's.
    let first_anchor = untrusted.max(1);
    let mut grounds = Grounds::default();
    for Fault { code, depth } in faults {
        if depth >= first_anchor && is_anchors_own(code) {
            continue;
        }
        match classify(code) {
            (_, CertificateError::UnknownIssuer) if an_anchor_has_that_name(context) => {
                grounds.add(Class::Signature, depth, CertificateError::BadSignature);
            }
            (class, error) => grounds.add(class, depth, error),
        }
    }
    let chain = context.chain().into_iter().flatten();
    for (depth, certificate) in (0..first_anchor).zip(chain) {
        add_own_grounds(&mut grounds, certificate, depth);
        if depth == 0 {
            add_leaf_grounds(&mut grounds, certificate, untrusted);
        }
    }
    match grounds.verdict() {
        Some(error) => Err(error),
        None if verified => Ok(()),
        None => Err(other(context.error())),
    }
}

/// What the library lets pass in any certificate that a peer sends: only
/// version 3 has the extensions that say what it is for.
fn add_own_grounds(grounds: &mut Grounds, certificate: &X509Ref, depth: u32) {
    if certificate.version() != VERSION_3 {
        grounds.add(Class::Certificate, depth, CertificateError::BadEncoding);
    }
}

/// What the library lets pass in an end entity's certificate.
fn add_leaf_grounds(grounds: &mut Grounds, leaf: &X509Ref, untrusted: u32) {
    // Such a certificate vouches for no other name, so it is nobody's but the
    // CA's own, even where it is a root.
    if ffi::is_ca(leaf) {
        grounds.add(Class::Certificate, 0, CertificateError::CaUsedAsEndEntity);
    }
    // The library is content with a key that may encrypt, for TLS 1.2 without
    // forward secrecy.
    if !ffi::may_sign_handshakes(leaf) {
        grounds.add(Class::Certificate, 0, CertificateError::InvalidPurpose);
    }
    // A root vouches for those that name it as their issuer, not for itself.
    if untrusted == 0 && !same_name(leaf.subject_name(), leaf.issuer_name()) {
        grounds.add(Class::Path, 0, CertificateError::UnknownIssuer);
    }
}

/// Whether a root has the name that the chain ends at, so that its key was the
/// wrong one: the chain is forged and not merely unknown.
fn an_anchor_has_that_name(context: &X509StoreContextRef) -> bool {
    let Some(last) = context.chain().and_then(|chain| chain.iter().last()) else {
        return false;
    };
    let Some(ssl) = session_of(context) else {
        return false;
    };
    ssl.ssl_context()
        .cert_store()
        .all_certificates()
        .iter()
        .any(|root| same_name(root.subject_name(), last.issuer_name()))
}

fn same_name(a: &X509NameRef, b: &X509NameRef) -> bool {
    a.try_cmp(b).is_ok_and(std::cmp::Ordering::is_eq)
}

/// Whether the fault is one that a root may have.
fn is_anchors_own(code: c_int) -> bool {
    matches!(
        code,
        sys::X509_V_ERR_CERT_HAS_EXPIRED
            | sys::X509_V_ERR_CERT_NOT_YET_VALID
            | sys::X509_V_ERR_INVALID_CA
            | sys::X509_V_ERR_INVALID_PURPOSE
            | sys::X509_V_ERR_PATH_LENGTH_EXCEEDED
            | sys::X509_V_ERR_KEYUSAGE_NO_CERTSIGN
            | sys::X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION
    )
}

fn classify(code: c_int) -> (Class, CertificateError) {
    x509::openssl_fault(code).unwrap_or_else(|| (Class::Other, other(ffi::verify_result(code))))
}

/// X.509 version 3, as it is encoded.
const VERSION_3: i32 = 2;

fn other(result: X509VerifyResult) -> CertificateError {
    CertificateError::Other(Cow::Borrowed(result.error_string()))
}

/// The code that makes the library send this alert.
fn code_for(alert: Alert) -> c_int {
    match alert {
        Alert::BAD_CERTIFICATE => sys::X509_V_ERR_CERT_REJECTED,
        Alert::CERTIFICATE_EXPIRED => sys::X509_V_ERR_CERT_HAS_EXPIRED,
        Alert::UNKNOWN_CA => sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        Alert::DECRYPT_ERROR => sys::X509_V_ERR_CERT_SIGNATURE_FAILURE,
        Alert::UNSUPPORTED_CERTIFICATE => sys::X509_V_ERR_INVALID_PURPOSE,
        Alert::CERTIFICATE_REVOKED => sys::X509_V_ERR_CERT_REVOKED,
        // The library has no alert for this code and sends `certificate_unknown`.
        _ => sys::X509_V_ERR_INVALID_EXTENSION,
    }
}

#[cfg(test)]
mod tests;
