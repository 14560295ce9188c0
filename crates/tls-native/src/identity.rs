//! An identity as the library takes it: PEM, with the key in PKCS#8.

use tls_core::{Capabilities, Error, Identity, Unsupported};
use zeroize::Zeroizing;

use crate::info::NAME;
use crate::platform;

/// Checks and converts an identity. Whether the certificates are any good is
/// the peer's to judge, as far as the library lets it.
pub(crate) fn load(identity: &Identity) -> Result<native_tls::Identity, Error> {
    let key = platform::checked_key(identity)?;
    let mut chain = String::new();
    for der in identity.chain() {
        write_pem(&mut chain, "CERTIFICATE", der);
    }
    // So that no copy of the key is left behind where the text has grown.
    let mut key_text = Zeroizing::new(String::with_capacity(2 * key.len() + 100));
    write_pem(&mut key_text, "PRIVATE KEY", &key);
    native_tls::Identity::from_pkcs8(chain.as_bytes(), key_text.as_bytes())
        .map_err(|error| invalid(format!("it cannot be parsed: {error}")))
}

/// That the library presents no certificates like these, sound as they are.
pub(crate) fn not_presented(because: impl std::fmt::Display) -> Error {
    let because = format!("the library does not present this identity: {because}");
    Unsupported::new(NAME, Capabilities::CERTIFICATE_RULES, because).into()
}

/// That an identity is wrong.
pub(crate) fn invalid(reason: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::config("identity", reason)
}

/// Writes a section of PEM (RFC 7468).
fn write_pem(text: &mut String, label: &str, der: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const OCTETS_A_LINE: usize = 48;

    text.extend(["-----BEGIN ", label, "-----\n"]);
    for line in der.chunks(OCTETS_A_LINE) {
        for group in line.chunks(3) {
            let octet = |index| u32::from(group.get(index).copied().unwrap_or(0));
            let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
            for place in 0..4 {
                text.push(if place <= group.len() {
                    char::from(ALPHABET[(bits >> (18 - 6 * place)) as usize & 63])
                } else {
                    '='
                });
            }
        }
        text.push('\n');
    }
    text.extend(["-----END ", label, "-----\n"]);
}

#[cfg(test)]
mod tests {
    use tls_core::{CertificateDer, PrivateKeyDer};

    use super::*;

    #[test]
    fn pem_is_read_back_whatever_the_length() {
        for length in [1_u8, 2, 3, 44, 45, 46, 47, 96] {
            let mut der = vec![0x30, length];
            der.extend((0..length).map(|octet| octet.wrapping_mul(37)));
            let mut text = String::new();
            write_pem(&mut text, "CERTIFICATE", &der);
            write_pem(&mut text, "PRIVATE KEY", &der);
            let identity = Identity::from_pem(text.as_bytes(), text.as_bytes());
            let identity = identity.unwrap();
            assert_eq!(identity.chain(), [CertificateDer::from(der.clone())]);
            assert!(matches!(identity.key(), PrivateKeyDer::Pkcs8(_)));
            assert_eq!(identity.key().secret_der(), der);
        }
    }
}
