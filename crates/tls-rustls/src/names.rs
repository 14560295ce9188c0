//! rustls's spelling of code points, and ours. Both sides know the numbers.

use rustls::crypto::CryptoProvider;
use rustls::{SupportedCipherSuite, SupportedProtocolVersion, version};
use tls_core::{Alert, CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

pub(crate) fn alert(description: rustls::AlertDescription) -> Alert {
    Alert(u8::from(description))
}

pub(crate) fn version(version: rustls::ProtocolVersion) -> Option<ProtocolVersion> {
    ProtocolVersion::from_number(u16::from(version))
}

pub(crate) fn supported_version(
    version: ProtocolVersion,
) -> Option<&'static SupportedProtocolVersion> {
    match version {
        ProtocolVersion::Tls12 => Some(&version::TLS12),
        ProtocolVersion::Tls13 => Some(&version::TLS13),
        _ => None,
    }
}

pub(crate) fn suite(suite: SupportedCipherSuite) -> Option<CipherSuite> {
    CipherSuite::from_number(u16::from(suite.suite()))
}

pub(crate) fn group(group: rustls::NamedGroup) -> Option<NamedGroup> {
    NamedGroup::from_number(u16::from(group))
}

pub(crate) fn scheme(scheme: rustls::SignatureScheme) -> Option<SignatureScheme> {
    SignatureScheme::from_number(u16::from(scheme))
}

pub(crate) fn to_scheme(scheme: SignatureScheme) -> rustls::SignatureScheme {
    rustls::SignatureScheme::from(scheme.number())
}

/// Those of the provider's suites that have a name here, in its order.
pub(crate) fn suites(provider: &CryptoProvider) -> Vec<CipherSuite> {
    provider
        .cipher_suites
        .iter()
        .copied()
        .filter_map(suite)
        .collect()
}

/// Those of the provider's groups that have a name here, in its order.
pub(crate) fn groups(provider: &CryptoProvider) -> Vec<NamedGroup> {
    provider
        .kx_groups
        .iter()
        .filter_map(|supported| group(supported.name()))
        .collect()
}

/// Those of the provider's signature schemes that have a name here, in its order.
pub(crate) fn schemes(provider: &CryptoProvider) -> Vec<SignatureScheme> {
    let supported = provider
        .signature_verification_algorithms
        .supported_schemes();
    supported.into_iter().filter_map(scheme).collect()
}
