//! From a traffic secret to keys, and to the next secret (RFC 8446, section 7).

use hkdf::Hkdf;
use hkdf::hmac::EagerHash;
use sha2::{Sha256, Sha384};
use zeroize::Zeroizing;

use crate::cipher::Cipher;
use crate::secrets::Secret;

/// The octets of an initialisation vector of every cipher.
pub(crate) const IV: usize = 12;

/// What protects the records of one direction until the next KeyUpdate.
pub(crate) struct Keys {
    pub(crate) cipher: Cipher,
    /// As many octets as the cipher's key has, and then zeros.
    pub(crate) key: Zeroizing<[u8; 32]>,
    pub(crate) iv: Zeroizing<[u8; IV]>,
}

/// A secret with which keys are made.
pub(crate) struct Schedule {
    cipher: Cipher,
    secret: Secret,
}

impl Schedule {
    /// `None` if the secret is not of the cipher's hash.
    pub(crate) fn new(cipher: Cipher, secret: Secret) -> Option<Self> {
        (secret.len() == cipher.secret_length()).then_some(Self { cipher, secret })
    }

    /// The keys of this secret, and the schedule that follows it.
    pub(crate) fn advance(self) -> (Keys, Self) {
        let mut keys = Keys {
            cipher: self.cipher,
            key: Zeroizing::default(),
            iv: Zeroizing::default(),
        };
        self.expand("key", &mut keys.key[..self.cipher.key_length()]);
        self.expand("iv", &mut keys.iv[..]);
        let mut next = Zeroizing::new(vec![0; self.secret.len()]);
        self.expand("traffic upd", &mut next);
        let next = Self {
            cipher: self.cipher,
            secret: next,
        };
        (keys, next)
    }

    /// HKDF-Expand-Label with an empty context (RFC 8446, section 7.1).
    fn expand(&self, label: &str, out: &mut [u8]) {
        match self.cipher {
            Cipher::Aes128Gcm | Cipher::Chacha20Poly1305 => {
                expand::<Sha256>(&self.secret, label, out);
            }
            Cipher::Aes256Gcm => expand::<Sha384>(&self.secret, label, out),
        }
    }
}

fn expand<H: EagerHash>(secret: &[u8], label: &str, out: &mut [u8]) {
    let length = u16::try_from(out.len()).unwrap_or(u16::MAX).to_be_bytes();
    let labelled = (6 + label.len()) as u8;
    let info: [&[u8]; 5] = [&length, &[labelled], b"tls13 ", label.as_bytes(), &[0]];
    let expanded = Hkdf::<H>::from_prk(secret).map(|prk| prk.expand_multi_info(&info, out));
    // The secret is as long as the hash, and the output is no longer.
    assert!(matches!(expanded, Ok(Ok(()))), "HKDF of fixed lengths");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(|digit| *digit != b' ').collect();
        let pairs = digits.chunks_exact(2);
        pairs
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// RFC 8448, section 3: the server's application traffic secret.
    #[test]
    fn keys_are_those_of_the_example_of_the_rfc() {
        let secret = octets(
            "a1 1a f9 f0 55 31 f8 56 ad 47 11 6b 45 a9 50 32 82 04 b4 f4 4b fb 6b 3a 4b 4f 1f 3f cb \
             63 16 43",
        );
        let schedule = Schedule::new(Cipher::Aes128Gcm, Zeroizing::new(secret)).unwrap();
        let (keys, _) = schedule.advance();
        let key = octets("9f 02 28 3b 6c 9c 07 ef c2 6b b9 f2 ac 92 e3 56");
        assert_eq!(keys.key[..16], key);
        assert_eq!(keys.key[16..], [0; 16]);
        let iv = octets("cf 78 2b 88 dd 83 54 9a ad f1 e9 84");
        assert_eq!(keys.iv[..], iv);
    }

    #[test]
    fn every_step_has_other_keys() {
        for cipher in Cipher::ALL {
            let secret = Zeroizing::new(vec![1; cipher.secret_length()]);
            let (first, next) = Schedule::new(cipher, secret).unwrap().advance();
            let (second, _) = next.advance();
            assert_ne!(first.key, second.key, "{cipher:?}");
            assert_ne!(first.iv, second.iv, "{cipher:?}");
            assert_eq!(first.key[cipher.key_length()..].iter().max(), {
                let rest = 32 - cipher.key_length();
                (rest > 0).then_some(&0)
            });
        }
    }

    #[test]
    fn a_secret_of_another_hash_is_none() {
        let secret = || Zeroizing::new(vec![1; 32]);
        assert!(Schedule::new(Cipher::Aes256Gcm, secret()).is_none());
        assert!(Schedule::new(Cipher::Chacha20Poly1305, secret()).is_some());
    }
}
