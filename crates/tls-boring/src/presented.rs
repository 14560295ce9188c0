//! A first look at the certificates that a peer of TLS 1.3 presents.
//!
//! In TLS 1.3 the library refuses an end entity's key that may not sign by
//! itself, before the chain is judged, and with another alert than the one for
//! that reason. Such a certificate is told here by its key usage; then the
//! chain is judged at once, and the alert sent that names the reason.

use std::iter;

use boring::error::ErrorStack;
use boring::ssl::{SslRef, SslVersion};
use boring::stack::Stack;
use boring::x509::{X509, X509StoreContext};
use memchr::memmem;
use tls_core::CertificateError;

use crate::notes::Notes;
use crate::{ffi, queue, verify};

/// The type of a Certificate message (RFC 8446, section 4).
const CERTIFICATE: u8 = 11;

/// The identifier of keyUsage (RFC 5280, section 4.2.1.3), whether it is
/// critical, and digitalSignature among its bits.
const KEY_USAGE: &[u8] = &[0x06, 3, 0x55, 0x1d, 0x0f];
const CRITICAL: &[u8] = &[0x01, 1, 0xff];
const DIGITAL_SIGNATURE: u8 = 0x80;

/// Looks at a message of the handshake, header included, that has come.
pub(crate) fn inspect(ssl: &mut SslRef, message: &[u8]) {
    let [CERTIFICATE, _, _, _, body @ ..] = message else {
        return;
    };
    if ssl.version2() != Some(SslVersion::TLS1_3) {
        return;
    }
    let end_entity = certificates(body).next();
    if end_entity.is_none_or(may_sign) {
        return;
    }
    if let Ok(Err(error)) = verdict(ssl, body) {
        ffi::send_fatal_alert(ssl, error.alert());
        if let Some(notes) = Notes::of(ssl) {
            notes.refuse(error.into());
        }
    }
    queue::clear();
}

/// Judges the chain in a message. One that cannot be parsed is the library's
/// to refuse.
fn verdict(ssl: &SslRef, body: &[u8]) -> Result<Result<(), CertificateError>, ErrorStack> {
    let mut chain = Stack::new()?;
    for certificate in certificates(body) {
        chain.push(X509::from_der(certificate)?)?;
    }
    let Some(end_entity) = chain.get(0) else {
        return Ok(Ok(()));
    };
    let roots = ssl.ssl_context().cert_store();
    X509StoreContext::new()?.init(roots, end_entity, &chain, |context| {
        if ffi::set_peer_of(context, ssl) {
            Ok(verify::verdict(context))
        } else {
            Err(ErrorStack::get())
        }
    })
}

/// Whether a certificate's key usage, if it has one, is seen to allow signing.
/// What is not seen at once is not worth parsing here: `false` is no judgement.
fn may_sign(certificate: &[u8]) -> bool {
    let Some(place) = memmem::find(certificate, KEY_USAGE) else {
        return true;
    };
    let value = &certificate[place + KEY_USAGE.len()..];
    let value = value.strip_prefix(CRITICAL).unwrap_or(value);
    // An OCTET STRING with a BIT STRING inside, whose first octet counts the
    // bits that are not used.
    let [0x04, _, 0x03, length, _, bits, ..] = value else {
        return false;
    };
    *length > 1 && bits & DIGITAL_SIGNATURE != 0
}

/// The certificates in a message of TLS 1.3 (RFC 8446, section 4.4.2), as far
/// as it is whole.
fn certificates(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = take(body, 1)
        .and_then(|(_, rest)| take(rest, 3))
        .map_or(&[][..], |(list, _)| list);
    iter::from_fn(move || {
        let (certificate, after) = take(rest, 3)?;
        let (_, after) = take(after, 2)?;
        rest = after;
        Some(certificate)
    })
}

/// Takes what is behind a length of so many octets, and what follows.
fn take(octets: &[u8], width: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_at_checked(width)?;
    let length = length
        .iter()
        .fold(0, |sum, &octet| sum << 8 | usize::from(octet));
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_read_as_far_as_the_message_is_whole() {
        let body = [
            0, 0, 0, 15, 0, 0, 2, 0xa, 0xb, 0, 0, 0, 0, 1, 0xc, 0, 2, 9, 9, 7,
        ];
        let read = |body: &[u8]| {
            let all = certificates(body);
            all.map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        assert_eq!(read(&body), [vec![0xa, 0xb], vec![0xc]]);
        for length in 0..19 {
            assert!(read(&body[..length]).is_empty(), "{length}");
        }
    }

    #[test]
    fn a_key_usage_is_seen_to_allow_signing_only_if_it_does() {
        let usage = |critical: &[u8], bits: &[u8]| {
            let length = bits.len() as u8;
            [
                &[0x30, 9][..],
                KEY_USAGE,
                critical,
                &[4, length + 3, 3, length + 1, 0],
                bits,
            ]
            .concat()
        };
        assert!(may_sign(&[0x30, 0]));
        for critical in [&[][..], CRITICAL] {
            assert!(may_sign(&usage(critical, &[0xa0])));
            assert!(may_sign(&usage(critical, &[0x80, 0x80])));
            assert!(!may_sign(&usage(critical, &[0x20])));
            assert!(!may_sign(&usage(critical, &[])));
        }
        assert!(!may_sign(KEY_USAGE));
    }
}
