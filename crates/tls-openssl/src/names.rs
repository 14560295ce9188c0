//! The library's names and numbers for what the registries name.

use std::ffi::{c_int, c_long};

use openssl::nid::Nid;
use openssl::ssl::SslVersion;
use tls_core::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

/// Set in a group's number where the library has no NID for it (`tls1.h`).
const UNKNOWN_NID: c_long = 0x0100_0000;
/// The NID of RSASSA-PSS (`obj_mac.h`).
const RSA_PSS: c_int = 912;
/// The NIDs of Edwards-curve signatures (`obj_mac.h`).
const ED25519: c_int = 1087;
const ED448: c_int = 1088;
/// The NIDs of Montgomery curves (`obj_mac.h`).
const X25519: c_int = 1034;
const X448: c_int = 1035;

pub(crate) fn version(version: ProtocolVersion) -> Option<SslVersion> {
    match version {
        ProtocolVersion::Tls12 => Some(SslVersion::TLS1_2),
        ProtocolVersion::Tls13 => Some(SslVersion::TLS1_3),
        _ => None,
    }
}

pub(crate) fn version_from(version: SslVersion) -> Option<ProtocolVersion> {
    match version {
        SslVersion::TLS1_2 => Some(ProtocolVersion::Tls12),
        SslVersion::TLS1_3 => Some(ProtocolVersion::Tls13),
        _ => None,
    }
}

/// The suite's name in the library's list of suites: the registered one in
/// TLS 1.3, one of its own before. Empty for a suite that it never had.
pub(crate) fn cipher_suite(suite: CipherSuite) -> &'static str {
    match suite.version() {
        ProtocolVersion::Tls13 => suite.name(),
        _ => match openssl::ssl::cipher_name(suite.name()) {
            "(NONE)" => "",
            name => name,
        },
    }
}

/// The name by which the library knows a group.
pub(crate) fn group(group: NamedGroup) -> &'static str {
    match group {
        NamedGroup::Secp256r1 => "P-256",
        NamedGroup::Secp384r1 => "P-384",
        NamedGroup::Secp521r1 => "P-521",
        NamedGroup::X25519 => "X25519",
        NamedGroup::X448 => "X448",
        other => other.name(),
    }
}

/// Reads what `SSL_get_negotiated_group` gives.
pub(crate) fn group_from(number: c_long) -> Option<NamedGroup> {
    if number & UNKNOWN_NID != 0 {
        return NamedGroup::from_number(u16::try_from(number & !UNKNOWN_NID).ok()?);
    }
    match c_int::try_from(number).ok()? {
        nid if nid == Nid::X9_62_PRIME256V1.as_raw() => Some(NamedGroup::Secp256r1),
        nid if nid == Nid::SECP384R1.as_raw() => Some(NamedGroup::Secp384r1),
        nid if nid == Nid::SECP521R1.as_raw() => Some(NamedGroup::Secp521r1),
        X25519 => Some(NamedGroup::X25519),
        X448 => Some(NamedGroup::X448),
        _ => None,
    }
}

/// The name by which the library knows a scheme: the registered one.
pub(crate) fn signature_scheme(scheme: SignatureScheme) -> &'static str {
    scheme.name()
}

/// Reads the NIDs of a key type and a digest. An ECDSA scheme is told by its
/// digest alone, as in TLS 1.2 any curve goes with it.
pub(crate) fn signature_scheme_from(kind: c_int, digest: c_int) -> Option<SignatureScheme> {
    use SignatureScheme as S;

    match kind {
        ED25519 => return Some(S::Ed25519),
        ED448 => return Some(S::Ed448),
        _ => {}
    }
    let by_size = |sha256, sha384, sha512| match Nid::from_raw(digest) {
        Nid::SHA256 => Some(sha256),
        Nid::SHA384 => Some(sha384),
        Nid::SHA512 => Some(sha512),
        _ => None,
    };
    if kind == RSA_PSS {
        by_size(
            S::RsaPssRsaeSha256,
            S::RsaPssRsaeSha384,
            S::RsaPssRsaeSha512,
        )
    } else if kind == Nid::RSAENCRYPTION.as_raw() {
        by_size(S::RsaPkcs1Sha256, S::RsaPkcs1Sha384, S::RsaPkcs1Sha512)
    } else if kind == Nid::X9_62_ID_ECPUBLICKEY.as_raw() {
        by_size(
            S::EcdsaSecp256r1Sha256,
            S::EcdsaSecp384r1Sha384,
            S::EcdsaSecp521r1Sha512,
        )
    } else {
        None
    }
}

/// Joins names as the library's lists want them.
pub(crate) fn list(names: impl Iterator<Item = &'static str>) -> String {
    names.collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_has_a_name_in_the_library() {
        openssl::init();
        for &suite in CipherSuite::ALL {
            assert!(!cipher_suite(suite).is_empty(), "{suite}");
        }
        assert_eq!(
            cipher_suite(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
            "ECDHE-RSA-AES128-GCM-SHA256"
        );
    }

    #[test]
    fn a_group_is_read_from_its_nid_or_its_marked_code_point() {
        assert_eq!(group_from(415), Some(NamedGroup::Secp256r1));
        assert_eq!(group_from(1034), Some(NamedGroup::X25519));
        assert_eq!(
            group_from(UNKNOWN_NID | 0x11ec),
            Some(NamedGroup::X25519MLKEM768)
        );
        for nothing in [0, -1, UNKNOWN_NID, UNKNOWN_NID | 0x7fff] {
            assert_eq!(group_from(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_scheme_is_key_type_and_digest() {
        use SignatureScheme as S;
        assert_eq!(
            signature_scheme_from(408, 672),
            Some(S::EcdsaSecp256r1Sha256)
        );
        assert_eq!(
            signature_scheme_from(408, 674),
            Some(S::EcdsaSecp521r1Sha512)
        );
        assert_eq!(signature_scheme_from(6, 673), Some(S::RsaPkcs1Sha384));
        assert_eq!(signature_scheme_from(912, 672), Some(S::RsaPssRsaeSha256));
        assert_eq!(signature_scheme_from(1087, 0), Some(S::Ed25519));
        assert_eq!(signature_scheme_from(6, 64), None, "SHA-1 has no scheme");
        assert_eq!(signature_scheme_from(116, 672), None, "nor has DSA");
    }

    #[test]
    fn versions_are_inverse() {
        for &known in ProtocolVersion::ALL {
            assert_eq!(version(known).and_then(version_from), Some(known));
        }
        assert_eq!(version_from(SslVersion::TLS1), None);
    }
}
