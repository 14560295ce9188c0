//! Registered code points, with IANA's names and numbers.
//!
//! Only what a modern TLS 1.2 or 1.3 session may use has a name here: AEAD
//! cipher suites with forward secrecy, groups that are not broken, signature
//! schemes without SHA-1. Each backend crate converts to its library's
//! spelling.

use std::fmt;
use std::str::FromStr;

use crate::Error;

macro_rules! code_points {
    (
        $(#[$meta:meta])*
        $type:ident, $what:literal, $field:literal;
        $($variant:ident = $number:literal $name:literal $(or $alias:literal)*;)*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum $type {
            $(#[doc = concat!("`", $name, "`")]
            $variant = $number,)*
        }

        impl $type {
            /// Every value that has a name here.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The number that goes over the wire.
            pub const fn number(self) -> u16 {
                self as u16
            }

            /// The value with this number, if it has a name here.
            pub const fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The registered name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        /// Reads the registered name, in any case.
        impl FromStr for $type {
            type Err = Error;

            fn from_str(name: &str) -> Result<Self, Error> {
                $(if [$name $(, $alias)*].iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    return Ok(Self::$variant);
                })*
                Err(Error::config($field, format!(
                    concat!("no ", $what, " is called {:?}; known are {:?}"), name, Self::ALL,
                )))
            }
        }
    };
}

code_points! {
    /// A protocol version. TLS 1.2 is the floor.
    ProtocolVersion, "protocol version", "version";
    Tls12 = 0x0303 "TLSv1.2" or "1.2" or "TLS 1.2";
    Tls13 = 0x0304 "TLSv1.3" or "1.3" or "TLS 1.3";
}

code_points! {
    /// A cipher suite: AEAD and forward secret only.
    #[allow(non_camel_case_types, reason = "the registered names are the ones people know")]
    CipherSuite, "cipher suite", "cipher_suites";
    TLS_AES_128_GCM_SHA256 = 0x1301 "TLS_AES_128_GCM_SHA256";
    TLS_AES_256_GCM_SHA384 = 0x1302 "TLS_AES_256_GCM_SHA384";
    TLS_CHACHA20_POLY1305_SHA256 = 0x1303 "TLS_CHACHA20_POLY1305_SHA256";
    TLS_AES_128_CCM_SHA256 = 0x1304 "TLS_AES_128_CCM_SHA256";
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 = 0xC02B "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 = 0xC02C "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 = 0xC02F "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 = 0xC030 "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
    TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 = 0xCCA8 "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256";
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 = 0xCCA9 "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
}

impl CipherSuite {
    /// The version that the suite belongs to: TLS 1.2 and 1.3 share none.
    pub const fn version(self) -> ProtocolVersion {
        if self.number() >> 8 == 0x13 {
            ProtocolVersion::Tls13
        } else {
            ProtocolVersion::Tls12
        }
    }

    /// What a config offers that names no suites, in order of preference. The
    /// suite that every implementation must have (RFC 8446, section 9.1) comes
    /// first, as in browsers: AES with 128 bits is the faster one, and nothing
    /// breaks it.
    pub const DEFAULT: &'static [Self] = &[
        Self::TLS_AES_128_GCM_SHA256,
        Self::TLS_AES_256_GCM_SHA384,
        Self::TLS_CHACHA20_POLY1305_SHA256,
        Self::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        Self::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        Self::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        Self::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        Self::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        Self::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ];
}

code_points! {
    /// A key exchange group.
    NamedGroup, "group", "groups";
    Secp256r1 = 23 "secp256r1" or "P-256" or "prime256v1";
    Secp384r1 = 24 "secp384r1" or "P-384";
    Secp521r1 = 25 "secp521r1" or "P-521";
    X25519 = 29 "x25519";
    X448 = 30 "x448";
    SecP256r1MLKEM768 = 0x11EB "SecP256r1MLKEM768";
    X25519MLKEM768 = 0x11EC "X25519MLKEM768";
    SecP384r1MLKEM1024 = 0x11ED "SecP384r1MLKEM1024";
}

impl NamedGroup {
    /// What a config offers that names no groups, in order of preference; a
    /// group that the library does not have is left out of it.
    pub const DEFAULT: &'static [Self] = &[
        Self::X25519MLKEM768,
        Self::X25519,
        Self::Secp256r1,
        Self::Secp384r1,
    ];

    /// Whether the group withstands a quantum computer (ML-KEM hybrids).
    pub const fn is_post_quantum(self) -> bool {
        self.number() >> 8 == 0x11
    }
}

code_points! {
    /// A signature scheme. SHA-1 has none.
    SignatureScheme, "signature scheme", "signature_schemes";
    RsaPkcs1Sha256 = 0x0401 "rsa_pkcs1_sha256";
    EcdsaSecp256r1Sha256 = 0x0403 "ecdsa_secp256r1_sha256";
    RsaPkcs1Sha384 = 0x0501 "rsa_pkcs1_sha384";
    EcdsaSecp384r1Sha384 = 0x0503 "ecdsa_secp384r1_sha384";
    RsaPkcs1Sha512 = 0x0601 "rsa_pkcs1_sha512";
    EcdsaSecp521r1Sha512 = 0x0603 "ecdsa_secp521r1_sha512";
    RsaPssRsaeSha256 = 0x0804 "rsa_pss_rsae_sha256";
    RsaPssRsaeSha384 = 0x0805 "rsa_pss_rsae_sha384";
    RsaPssRsaeSha512 = 0x0806 "rsa_pss_rsae_sha512";
    Ed25519 = 0x0807 "ed25519";
    Ed448 = 0x0808 "ed448";
}

impl SignatureScheme {
    /// What a config accepts and signs with that names no schemes, in order
    /// of preference; a scheme that the library does not have is left out.
    pub const DEFAULT: &'static [Self] = &[
        Self::EcdsaSecp256r1Sha256,
        Self::EcdsaSecp384r1Sha384,
        Self::EcdsaSecp521r1Sha512,
        Self::Ed25519,
        Self::RsaPssRsaeSha256,
        Self::RsaPssRsaeSha384,
        Self::RsaPssRsaeSha512,
        Self::RsaPkcs1Sha256,
        Self::RsaPkcs1Sha384,
        Self::RsaPkcs1Sha512,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_inverse() {
        for &suite in CipherSuite::ALL {
            assert_eq!(CipherSuite::from_number(suite.number()), Some(suite));
            assert_eq!(suite.name().parse::<CipherSuite>().unwrap(), suite);
        }
        assert_eq!(
            "p-256".parse::<NamedGroup>().unwrap(),
            NamedGroup::Secp256r1
        );
        assert_eq!(
            "1.3".parse::<ProtocolVersion>().unwrap(),
            ProtocolVersion::Tls13
        );
        assert_eq!(SignatureScheme::from_number(0x0201), None);
    }

    #[test]
    fn an_unknown_name_is_a_config_error_that_quotes_it() {
        let error = "TLS_RSA_WITH_RC4_128_MD5"
            .parse::<CipherSuite>()
            .unwrap_err();
        let Error::Config(error) = error else {
            panic!("{error:?}")
        };
        assert_eq!(error.field, "cipher_suites");
        assert!(
            error.reason.contains("\"TLS_RSA_WITH_RC4_128_MD5\""),
            "{}",
            error.reason
        );
    }

    #[test]
    fn a_suite_belongs_to_one_version() {
        let of = |version| {
            CipherSuite::ALL
                .iter()
                .filter(move |suite| suite.version() == version)
        };
        assert_eq!(of(ProtocolVersion::Tls13).count(), 4);
        assert_eq!(of(ProtocolVersion::Tls12).count(), 6);
    }
}
