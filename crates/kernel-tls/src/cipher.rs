//! The ciphers that the kernel has.

use tls_core::CipherSuite;

/// A cipher of TLS 1.3 that the kernel knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cipher {
    Aes128Gcm,
    Aes256Gcm,
    Chacha20Poly1305,
}

impl Cipher {
    pub(crate) const ALL: [Self; 3] = [Self::Aes128Gcm, Self::Aes256Gcm, Self::Chacha20Poly1305];

    /// The cipher of a suite; `None` for one of TLS 1.2, and for CCM.
    pub(crate) fn of(suite: CipherSuite) -> Option<Self> {
        match suite {
            CipherSuite::TLS_AES_128_GCM_SHA256 => Some(Self::Aes128Gcm),
            CipherSuite::TLS_AES_256_GCM_SHA384 => Some(Self::Aes256Gcm),
            CipherSuite::TLS_CHACHA20_POLY1305_SHA256 => Some(Self::Chacha20Poly1305),
            _ => None,
        }
    }

    /// The octets of a key.
    pub(crate) const fn key_length(self) -> usize {
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::Chacha20Poly1305 => 32,
        }
    }

    /// The octets of a secret: those of the suite's hash.
    pub(crate) const fn secret_length(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Chacha20Poly1305 => 32,
            Self::Aes256Gcm => 48,
        }
    }
}

#[cfg(test)]
mod tests {
    use tls_core::ProtocolVersion;

    use super::*;

    #[test]
    fn the_ciphers_are_of_tls_1_3_alone() {
        let suites = CipherSuite::ALL.iter().copied();
        let with_cipher: Vec<_> = suites
            .filter(|suite| Cipher::of(*suite).is_some())
            .collect();
        assert_eq!(with_cipher.len(), Cipher::ALL.len());
        let all_13 = |suite: &CipherSuite| suite.version() == ProtocolVersion::Tls13;
        assert!(with_cipher.iter().all(all_13));
    }
}
