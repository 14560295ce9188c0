//! What webpki does not tell of a certificate (RFC 5280, section 4.1).

use tls_core::NamedGroup;

use crate::der::{self, Reader};

/// `rsaEncryption` (RFC 8017, appendix C).
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// `id-ecPublicKey` (RFC 5480, section 2.1.1) and the curves below it.
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const SECP256R1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const SECP384R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const SECP521R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
/// `id-ce-keyUsage` (RFC 5280, section 4.2.1.3).
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
/// Bits 0 and 5 of a key usage, counted from the highest.
const DIGITAL_SIGNATURE: u8 = 0x80;
const KEY_CERT_SIGN: u8 = 0x80 >> 5;

/// The shortest RSA modulus that webpki verifies with, in bits.
const SHORTEST_MODULUS: usize = 2048;

/// A certificate, taken apart as far as it is needed.
#[derive(Debug)]
pub(crate) struct Certificate<'a> {
    /// The whole SubjectPublicKeyInfo.
    pub(crate) public_key: &'a [u8],
    /// The bits of its key usage, if it has the extension.
    key_usage: Option<&'a [u8]>,
}

impl<'a> Certificate<'a> {
    /// Takes DER apart; `None` if it is no X.509 certificate.
    pub(crate) fn parse(der: &'a [u8]) -> Option<Self> {
        let mut outer = Reader(der);
        let mut certificate = Reader(outer.take(der::SEQUENCE)?);
        let mut fields = Reader(certificate.take(der::SEQUENCE)?);
        certificate.take(der::SEQUENCE)?;
        certificate.take(der::BIT_STRING)?;
        if !certificate.is_empty() || !outer.is_empty() {
            return None;
        }
        fields.take_optional(der::CONTEXT_0);
        fields.take(der::INTEGER)?;
        for _algorithm_issuer_validity_subject in 0..4 {
            fields.take(der::SEQUENCE)?;
        }
        let public_key = fields.take_whole(der::SEQUENCE)?;
        let mut key_usage = None;
        // The unique identifiers of version 2 may stand before `[3]`.
        while !fields.is_empty() {
            if let Some(list) = fields.take_optional(der::CONTEXT_3) {
                key_usage = find_key_usage(list)?;
            } else {
                let tag = *fields.0.first()?;
                fields.take(tag)?;
            }
        }
        Some(Self {
            public_key,
            key_usage,
        })
    }

    /// Whether its key may sign certificates, as far as its key usage says.
    pub(crate) fn may_sign_certificates(&self) -> bool {
        self.may(KEY_CERT_SIGN)
    }

    /// Whether its key may sign a handshake, as far as its key usage says (RFC
    /// 8446, section 4.4.2.2).
    pub(crate) fn may_sign_handshakes(&self) -> bool {
        self.may(DIGITAL_SIGNATURE)
    }

    fn may(&self, usage: u8) -> bool {
        self.key_usage
            .is_none_or(|bits| bits.first().is_some_and(|first| first & usage != 0))
    }

    /// Whether its key is an RSA key that is too short. webpki has no
    /// algorithm for those, and so says of their signatures that they are wrong.
    pub(crate) fn has_short_key(&self) -> bool {
        modulus_bits(self.public_key).is_some_and(|bits| bits < SHORTEST_MODULUS)
    }

    /// The curve of its key, if it is one of the NIST curves.
    pub(crate) fn curve(&self) -> Option<NamedGroup> {
        let mut info = Reader(Reader(self.public_key).take(der::SEQUENCE)?);
        let mut algorithm = Reader(info.take(der::SEQUENCE)?);
        if algorithm.take(der::OBJECT_IDENTIFIER)? != EC_PUBLIC_KEY {
            return None;
        }
        match algorithm.take(der::OBJECT_IDENTIFIER)? {
            SECP256R1 => Some(NamedGroup::Secp256r1),
            SECP384R1 => Some(NamedGroup::Secp384r1),
            SECP521R1 => Some(NamedGroup::Secp521r1),
            _ => None,
        }
    }
}

/// `None` if the list is malformed.
fn find_key_usage(list: &[u8]) -> Option<Option<&[u8]>> {
    let mut extensions = Reader(Reader(list).take(der::SEQUENCE)?);
    let mut found = None;
    while !extensions.is_empty() {
        let mut extension = Reader(extensions.take(der::SEQUENCE)?);
        let identifier = extension.take(der::OBJECT_IDENTIFIER)?;
        extension.take_optional(der::BOOLEAN);
        let value = extension.take(der::OCTET_STRING)?;
        if identifier == KEY_USAGE {
            let (_unused, bits) = Reader(value).take(der::BIT_STRING)?.split_first()?;
            found = Some(bits);
        }
    }
    Some(found)
}

fn modulus_bits(public_key: &[u8]) -> Option<usize> {
    let mut info = Reader(Reader(public_key).take(der::SEQUENCE)?);
    let mut algorithm = Reader(info.take(der::SEQUENCE)?);
    if algorithm.take(der::OBJECT_IDENTIFIER)? != RSA_ENCRYPTION {
        return None;
    }
    let (&0, key) = info.take(der::BIT_STRING)?.split_first()? else {
        return None;
    };
    let modulus = Reader(Reader(key).take(der::SEQUENCE)?).take(der::INTEGER)?;
    let start = modulus.iter().position(|&octet| octet != 0)?;
    let (first, rest) = modulus.get(start..)?.split_first()?;
    Some(8 * rest.len() + (8 - first.leading_zeros() as usize))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, KeyUsagePurpose, PublicKeyData};

    use super::*;

    fn with_usages(usages: &[KeyUsagePurpose]) -> rcgen::Certificate {
        let mut params = CertificateParams::default();
        params.key_usages = usages.to_vec();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap()
    }

    fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], &length[..], content].concat()
    }

    fn rsa(modulus: &[u8]) -> Vec<u8> {
        let algorithm = wrap(der::SEQUENCE, &wrap(der::OBJECT_IDENTIFIER, RSA_ENCRYPTION));
        let numbers = [wrap(der::INTEGER, modulus), wrap(der::INTEGER, &[1, 0, 1])].concat();
        let bits = [&[0][..], &wrap(der::SEQUENCE, &numbers)].concat();
        wrap(
            der::SEQUENCE,
            &[algorithm, wrap(der::BIT_STRING, &bits)].concat(),
        )
    }

    #[test]
    fn a_key_may_sign_unless_its_usage_leaves_that_out() {
        for (usages, certificates, handshakes) in [
            (&[][..], true, true),
            (&[KeyUsagePurpose::KeyCertSign], true, false),
            (&[KeyUsagePurpose::DigitalSignature], false, true),
            (
                &[
                    KeyUsagePurpose::DigitalSignature,
                    KeyUsagePurpose::KeyCertSign,
                ],
                true,
                true,
            ),
            (&[KeyUsagePurpose::DecipherOnly], false, false),
        ] {
            let certificate = with_usages(usages);
            let parsed = Certificate::parse(certificate.der()).unwrap();
            assert_eq!(parsed.may_sign_certificates(), certificates, "{usages:?}");
            assert_eq!(parsed.may_sign_handshakes(), handshakes, "{usages:?}");
        }
    }

    #[test]
    fn the_key_and_its_curve_are_found() {
        for (algorithm, curve) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, Some(NamedGroup::Secp256r1)),
            (&rcgen::PKCS_ECDSA_P384_SHA384, Some(NamedGroup::Secp384r1)),
            (&rcgen::PKCS_ED25519, None),
            (&rcgen::PKCS_RSA_SHA256, None),
        ] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let certificate = CertificateParams::default().self_signed(&key).unwrap();
            let parsed = Certificate::parse(certificate.der()).unwrap();
            assert_eq!(parsed.public_key, key.subject_public_key_info());
            assert_eq!(parsed.curve(), curve);
            assert!(!parsed.has_short_key());
        }
    }

    #[test]
    fn a_key_is_short_below_2048_bits() {
        for (octets, first, short) in [(128, 0xff, true), (256, 0x7f, true), (256, 0x80, false)] {
            let mut modulus = vec![0xff; octets + 1];
            modulus[..2].copy_from_slice(&[0, first]);
            let public_key = &rsa(&modulus);
            let certificate = Certificate {
                public_key,
                key_usage: None,
            };
            assert_eq!(certificate.has_short_key(), short, "{octets} {first:02x}");
        }
        assert_eq!(modulus_bits(&rsa(&[0])), None);
    }

    #[test]
    fn what_is_no_certificate_is_refused_wherever_it_is_cut() {
        let certificate = with_usages(&[KeyUsagePurpose::KeyCertSign]);
        let der = certificate.der();
        for end in 0..der.len() {
            assert!(Certificate::parse(&der[..end]).is_none(), "cut at {end}");
        }
        assert!(Certificate::parse(&[&der[..], &[0]].concat()).is_none());
        for index in 0..der.len() {
            let mut damaged = der.to_vec();
            damaged[index] ^= 0xff;
            if let Some(parsed) = Certificate::parse(&damaged) {
                assert!(parsed.curve().is_some() || !parsed.has_short_key());
            }
        }
    }
}
