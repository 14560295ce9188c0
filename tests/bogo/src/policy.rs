//! The named policies of BoringSSL as lists that a config can hold.

use polytls::tls::{CipherSuite, NamedGroup, SignatureScheme};

/// Which algorithms a policy leaves. The order inside a list is the policy's.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) suites: &'static [CipherSuite],
    pub(crate) groups: &'static [NamedGroup],
    pub(crate) schemes: &'static [SignatureScheme],
}

/// `-fips-202205`: NIST SP 800-52r2.
pub(crate) const FIPS_202205: Policy = Policy {
    suites: &[
        CipherSuite::TLS_AES_128_GCM_SHA256,
        CipherSuite::TLS_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ],
    groups: &[NamedGroup::Secp256r1, NamedGroup::Secp384r1],
    schemes: &[
        SignatureScheme::RsaPkcs1Sha256,
        SignatureScheme::RsaPkcs1Sha384,
        SignatureScheme::RsaPkcs1Sha512,
        SignatureScheme::EcdsaSecp256r1Sha256,
        SignatureScheme::EcdsaSecp384r1Sha384,
        SignatureScheme::RsaPssRsaeSha256,
        SignatureScheme::RsaPssRsaeSha384,
        SignatureScheme::RsaPssRsaeSha512,
    ],
};

/// `-wpa-202304`: the 192-bit mode of WPA3.
pub(crate) const WPA_202304: Policy = Policy {
    suites: &[
        CipherSuite::TLS_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ],
    groups: &[NamedGroup::Secp384r1],
    schemes: &[
        SignatureScheme::RsaPkcs1Sha384,
        SignatureScheme::RsaPkcs1Sha512,
        SignatureScheme::EcdsaSecp384r1Sha384,
        SignatureScheme::RsaPssRsaeSha384,
        SignatureScheme::RsaPssRsaeSha512,
    ],
};
