//! Judges the peer's certificate chain.
//!
//! The library builds the chain and finds faults. All of them are collected,
//! those that it lets pass are added, and the weightiest is the verdict
//! ([`Grounds`]).
//!
//! A root is trusted for its name and its key. Its own validity, purpose and
//! basic constraints do not count (RFC 5280, section 6.1.1).

use std::borrow::Cow;
use std::ffi::{c_int, c_long};
use std::ptr;

use backend_kit::{Class, Grounds, x509};
use boring::pkey::{Id, PKeyRef, Public};
use boring::ssl::SslRef;
use boring::stack::StackRef;
use boring::x509::{X509NameRef, X509Ref, X509StoreContext, X509StoreContextRef};
use boring_sys as sys;
use tls_core::limits::{MAX_CHAIN_LENGTH, MAX_INTERMEDIATES};
use tls_core::{Alert, CertificateError, Role};

use crate::ffi;
use crate::notes::Notes;

/// The shortest RSA key that is accepted in a chain.
const MIN_RSA_BITS: u32 = 2048;

/// A fault that the library found in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What it is (`X509_V_ERR_...`).
    code: c_int,
    /// Where it is: 0 is the end entity's certificate.
    depth: u32,
}

/// Judges the chain; `false` refuses the peer, with the alert that names why.
pub(crate) fn decide(context: &mut X509StoreContextRef) -> bool {
    let Err(error) = verdict(context) else {
        context.set_error(Ok(()));
        return true;
    };
    context.set_error(ffi::verify_result(code_for(error.alert())));
    if let Some(notes) = notes(context) {
        notes.refuse(error.into());
    }
    false
}

/// Verifies the chain, of which the context holds the session that it is for.
pub(crate) fn verdict(context: &mut X509StoreContextRef) -> Result<(), CertificateError> {
    ffi::set_questioning(context);
    let verified = matches!(context.verify_cert(), Ok(true));
    judge(context, verified)
}

/// What the library stands at is remembered, and it goes on. It also asks
/// about each certificate that may be an issuer and is not quite what it looks
/// for: one that may not sign passes, unless a certificate names itself as its
/// issuer; where it is no root it will be found not to be a CA.
pub(crate) fn passes(context: &X509StoreContextRef) -> bool {
    let code = code(context);
    match code {
        sys::X509_V_ERR_SUBJECT_ISSUER_MISMATCH
        | sys::X509_V_ERR_AKID_SKID_MISMATCH
        | sys::X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH
        | sys::X509_V_ERR_UNSPECIFIED => return false,
        sys::X509_V_ERR_KEYUSAGE_NO_CERTSIGN => {
            return context
                .current_cert()
                .is_some_and(|issued| !same_name(issued.subject_name(), issued.issuer_name()));
        }
        // The name that is meant is the subject's, which never counts.
        sys::X509_V_ERR_NAME_CONSTRAINTS_WITHOUT_SANS => return true,
        _ => {}
    }
    if let Some(notes) = notes(context) {
        notes.add_fault(Fault {
            code,
            depth: context.error_depth(),
        });
    }
    true
}

fn code(context: &X509StoreContextRef) -> c_int {
    context
        .verify_result()
        .err()
        .map_or(sys::X509_V_OK, |error| error.as_raw())
}

fn notes(context: &X509StoreContextRef) -> Option<&Notes> {
    Notes::of(ssl(context)?)
}

fn ssl(context: &X509StoreContextRef) -> Option<&SslRef> {
    context.ex_data(X509StoreContext::ssl_idx().ok()?)
}

fn role(context: &X509StoreContextRef) -> Role {
    if ssl(context).is_some_and(SslRef::is_server) {
        Role::Server
    } else {
        Role::Client
    }
}

fn judge(context: &X509StoreContextRef, verified: bool) -> Result<(), CertificateError> {
    let Some(notes) = notes(context) else {
        return Err(CertificateError::Other("the session has no notes".into()));
    };
    let faults = notes.take_faults();
    let presented = context.untrusted().map_or(0, StackRef::len);
    if presented > MAX_CHAIN_LENGTH {
        return Err(CertificateError::ConstraintViolated);
    }
    let untrusted = untrusted(context);
    // Where the end entity's certificate is a root, it is still an end
    // entity's.
    let first_anchor = untrusted.max(1);
    let mut grounds = Grounds::default();
    // These come first: a signature that the library cannot verify is no bad one.
    let chain = || context.chain().into_iter().flatten();
    for (depth, certificate) in (0..).zip(chain()) {
        add_key_grounds(&mut grounds, certificate, depth);
        if depth < untrusted {
            add_signature_grounds(&mut grounds, certificate, depth);
        }
        if depth < first_anchor {
            add_own_grounds(&mut grounds, certificate, depth);
        }
        if depth == 0 {
            add_leaf_grounds(&mut grounds, certificate);
            if untrusted == 0 {
                add_root_grounds(&mut grounds, certificate, role(context));
            }
        }
    }
    let given_up = (!verified).then(|| Fault {
        code: code(context),
        depth: 0,
    });
    let too_long = untrusted >= MAX_INTERMEDIATES + 2;
    for Fault { code, depth } in faults.into_iter().chain(given_up) {
        if depth >= first_anchor && is_anchors_own(code) {
            continue;
        }
        match classify(code) {
            (Class::Path, _) if too_long => {
                grounds.add(Class::Length, depth, CertificateError::ConstraintViolated);
            }
            (Class::Path, _) if an_anchor_has_that_name(context) => {
                grounds.add(Class::Signature, depth, CertificateError::BadSignature);
            }
            (class, error) => grounds.add(class, depth, error),
        }
    }
    grounds.verdict().map_or(Ok(()), Err)
}

/// How many certificates of the chain, the end entity's first, are the peer's
/// and not ours.
fn untrusted(context: &X509StoreContextRef) -> u32 {
    let presented = || context.untrusted().into_iter().flatten();
    let chain = context.chain().into_iter().flatten();
    let ours =
        |certificate: &&X509Ref| presented().all(|presented| !ptr::eq(presented, *certificate));
    let count = chain.take_while(|certificate| !ours(certificate)).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// What the library lets pass in any certificate that a peer sends: only
/// version 3 has the extensions that say what it is for.
fn add_own_grounds(grounds: &mut Grounds, certificate: &X509Ref, depth: u32) {
    if ffi::version(certificate) != VERSION_3 {
        grounds.add(Class::Certificate, depth, CertificateError::BadEncoding);
    }
}

/// What the library lets pass in an end entity's certificate.
fn add_leaf_grounds(grounds: &mut Grounds, leaf: &X509Ref) {
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
}

/// What the library lets pass where the end entity's certificate is a root.
fn add_root_grounds(grounds: &mut Grounds, leaf: &X509Ref, role: Role) {
    if ffi::has_unknown_critical_extension(leaf) {
        let error = CertificateError::UnhandledCriticalExtension;
        grounds.add(Class::Certificate, 0, error);
    }
    if !ffi::is_for_peers_of(leaf, role) {
        grounds.add(Class::Certificate, 0, CertificateError::InvalidPurpose);
    }
    // A root vouches for those that name it as their issuer, not for itself.
    if !same_name(leaf.subject_name(), leaf.issuer_name()) {
        grounds.add(Class::Path, 0, CertificateError::UnknownIssuer);
    }
}

/// The library accepts keys of any length.
fn add_key_grounds(grounds: &mut Grounds, certificate: &X509Ref, depth: u32) {
    let sound = certificate
        .public_key()
        .is_ok_and(|key| is_strong_key(&key));
    if !sound {
        let error = CertificateError::UnacceptableAlgorithm;
        grounds.add(Class::Signature, depth, error);
    }
}

fn is_strong_key(key: &PKeyRef<Public>) -> bool {
    match key.id() {
        Id::RSA | Id::RSAPSS => key.bits() >= MIN_RSA_BITS,
        Id::EC => matches!(
            ffi::curve(key),
            sys::NID_X9_62_prime256v1 | sys::NID_secp384r1 | sys::NID_secp521r1
        ),
        id => id == Id::ED25519,
    }
}

/// The library accepts SHA-1, and does not tell an algorithm that it does not
/// know from a forged signature.
fn add_signature_grounds(grounds: &mut Grounds, certificate: &X509Ref, depth: u32) {
    let sound = matches!(
        ffi::signature_algorithm(certificate),
        sys::NID_sha256WithRSAEncryption
            | sys::NID_sha384WithRSAEncryption
            | sys::NID_sha512WithRSAEncryption
            | sys::NID_rsassaPss
            | sys::NID_ecdsa_with_SHA256
            | sys::NID_ecdsa_with_SHA384
            | sys::NID_ecdsa_with_SHA512
            | sys::NID_ED25519
    );
    if !sound {
        let error = CertificateError::UnacceptableAlgorithm;
        grounds.add(Class::Signature, depth, error);
    }
}

/// Whether a root has the name that the chain ends at, so that its key was the
/// wrong one: the chain is forged and not merely unknown.
fn an_anchor_has_that_name(context: &X509StoreContextRef) -> bool {
    let last = context.chain().and_then(|chain| chain.iter().next_back());
    last.is_some_and(|last| ffi::has_root(context, last.issuer_name()))
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
            | sys::X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION
    )
}

/// What a code stands for.
fn classify(code: c_int) -> (Class, CertificateError) {
    match code {
        // OpenSSL has another number for this one.
        sys::X509_V_ERR_INVALID_CA => (Class::Certificate, CertificateError::ConstraintViolated),
        code => x509::fault(code).unwrap_or_else(|| (Class::Other, other(code))),
    }
}

/// X.509 version 3, as it is encoded.
const VERSION_3: c_long = 2;

fn other(code: c_int) -> CertificateError {
    let words = match ffi::verify_result(code) {
        Ok(()) => "the library refused the chain and did not say why",
        Err(error) => error.error_string(),
    };
    CertificateError::Other(Cow::Borrowed(words))
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
