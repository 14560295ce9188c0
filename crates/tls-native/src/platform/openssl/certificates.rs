//! Looks into certificates and keys where native-tls does not.

use backend_kit::{Class, Grounds, pkcs8};
use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, Private};
use openssl::ssl::{SslContext, SslMethod};
use openssl::x509::{X509, X509KeyUsage};
use tls_core::{CertificateError, Error, Identity, PrivateKeyDer};
use zeroize::Zeroizing;

use super::ffi;
use crate::identity::{invalid, not_presented};
use crate::info::NAME;

/// The shortest RSA key that any backend signs with.
const MIN_RSA_BITS: u32 = 2048;
/// The security that any backend asks of a certificate's key, in bits: RSA of
/// 2048 bits has as much.
const MIN_SECURITY_BITS: u32 = 112;
/// X.509 version 3, as it is encoded.
const VERSION_3: i32 = 2;

/// Whether the library takes a certificate for a root: it ends no path at one
/// that names another issuer.
pub(crate) fn can_be_root(der: &[u8]) -> bool {
    X509::from_der(der).is_ok_and(|root| ffi::is_self_signed(&root))
}

/// The identity's key in PKCS#8, once it is known to be the first certificate's
/// and long enough, and once every certificate can be parsed and the library is
/// ready to present it: it refuses keys and signatures that are too weak for
/// it, those of the issuers only in the middle of a handshake.
pub(crate) fn checked_key(identity: &Identity) -> Result<Zeroizing<Vec<u8>>, Error> {
    let key = private_key(identity.key())?;
    let mut chain = Vec::with_capacity(identity.chain().len());
    for (index, der) in identity.chain().iter().enumerate() {
        let unparsed = |error| {
            invalid(format!(
                "certificate {index} of the chain cannot be parsed: {error}"
            ))
        };
        let certificate = X509::from_der(der).map_err(unparsed)?;
        if index == 0 && !certificate.public_key().map_err(unparsed)?.public_eq(&key) {
            return Err(invalid("the private key is not the certificate's"));
        }
        chain.push(certificate);
    }
    let refused = |error: ErrorStack| Error::backend(NAME, error);
    let mut context = SslContext::builder(SslMethod::tls()).map_err(refused)?;
    for (index, certificate) in chain.iter().enumerate() {
        context
            .set_certificate(certificate)
            .map_err(|error| not_presented(format!("certificate {index} of the chain: {error}")))?;
    }
    key.private_key_to_pkcs8()
        .map(Zeroizing::new)
        .map_err(refused)
}

fn private_key(key: &PrivateKeyDer<'_>) -> Result<PKey<Private>, Error> {
    let der = key.secret_der();
    let parsed = match pkcs8::first_version(der) {
        Some(first) => PKey::private_key_from_der(&first),
        None => PKey::private_key_from_der(der),
    };
    let key =
        parsed.map_err(|error| invalid(format!("the private key cannot be parsed: {error}")))?;
    if key.id() == Id::RSA && key.bits() < MIN_RSA_BITS {
        return Err(invalid(format!(
            "the private key has {} bits, but RSA needs {MIN_RSA_BITS}",
            key.bits()
        )));
    }
    Ok(key)
}

/// Judges what the library lets pass in a server's own certificate, whose chain
/// is sound; with a host name to verify, that the name counts in
/// subjectAltName alone (RFC 9525).
pub(crate) fn judge(own: &[u8], for_host: bool) -> Result<(), CertificateError> {
    let own = X509::from_der(own).map_err(|_| CertificateError::BadEncoding)?;
    let mut grounds = Grounds::default();
    let mut add = |class, error| grounds.add(class, 0, error);
    if own.version() != VERSION_3 {
        add(Class::Certificate, CertificateError::BadEncoding);
    }
    if ffi::is_ca(&own) {
        add(Class::Certificate, CertificateError::CaUsedAsEndEntity);
    }
    // The library is content with a key that may encrypt, for TLS 1.2 without
    // forward secrecy.
    let may_sign = |usage: X509KeyUsage| usage.contains(X509KeyUsage::DIGITAL_SIGNATURE);
    if !own.key_usage().is_none_or(may_sign) {
        add(Class::Certificate, CertificateError::InvalidPurpose);
    }
    if own
        .public_key()
        .is_ok_and(|key| key.security_bits() < MIN_SECURITY_BITS)
    {
        add(Class::Signature, CertificateError::UnacceptableAlgorithm);
    }
    let names = own.subject_alt_names();
    let names_hosts = names.iter().flatten().any(|name| name.dnsname().is_some());
    if for_host && !names_hosts {
        add(Class::Name, CertificateError::NameMismatch);
    }
    grounds.verdict().map_or(Ok(()), Err)
}
