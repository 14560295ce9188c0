//! The library's values for what the registries name.
//!
//! It knows groups and signature schemes by their registered numbers, and
//! cipher suites by number and registered name.

use boring::ssl::{SslSignatureAlgorithm, SslVersion};
use tls_core::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

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

/// The suites of this version, as the library lists those of TLS 1.2.
pub(crate) fn list(suites: &[CipherSuite], version: ProtocolVersion) -> String {
    let names: Vec<_> = of(suites, version).map(CipherSuite::name).collect();
    names.join(":")
}

/// The numbers of the suites of this version.
pub(crate) fn suites(suites: &[CipherSuite], version: ProtocolVersion) -> Vec<u16> {
    of(suites, version).map(CipherSuite::number).collect()
}

fn of(suites: &[CipherSuite], version: ProtocolVersion) -> impl Iterator<Item = CipherSuite> {
    let suites = suites.iter().copied();
    suites.filter(move |suite| suite.version() == version)
}

/// The numbers of groups.
pub(crate) fn groups(groups: &[NamedGroup]) -> Vec<u16> {
    groups.iter().map(|group| group.number()).collect()
}

/// The numbers of signature schemes.
pub(crate) fn schemes(schemes: &[SignatureScheme]) -> Vec<u16> {
    schemes.iter().map(|scheme| scheme.number()).collect()
}

pub(crate) fn scheme(scheme: SignatureScheme) -> SslSignatureAlgorithm {
    SslSignatureAlgorithm::from(scheme.number())
}

pub(crate) fn scheme_from(algorithm: SslSignatureAlgorithm) -> Option<SignatureScheme> {
    let mut all = SignatureScheme::ALL.iter().copied();
    all.find(|&known| scheme(known) == algorithm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_schemes_are_inverse() {
        for &known in ProtocolVersion::ALL {
            assert_eq!(version(known).and_then(version_from), Some(known));
        }
        assert_eq!(version_from(SslVersion::TLS1), None);
        for &known in SignatureScheme::ALL {
            assert_eq!(scheme_from(scheme(known)), Some(known));
        }
        assert_eq!(scheme_from(SslSignatureAlgorithm::RSA_PKCS1_SHA1), None);
    }

    #[test]
    fn suites_are_told_apart_by_version() {
        let all = [
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_AES_128_GCM_SHA256,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        ];
        assert_eq!(suites(&all, ProtocolVersion::Tls13), [0x1301]);
        assert_eq!(
            list(&all, ProtocolVersion::Tls12),
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
        );
    }
}
