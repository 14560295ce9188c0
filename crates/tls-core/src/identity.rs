//! A certificate chain with its private key.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem::discriminant;
use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::{Zeroize, Zeroizing};

use crate::Error;
use crate::limits::{MAX_CHAIN_LENGTH, MAX_IDENTITY_OCTETS};

/// Who this side is: a certificate chain, its own certificate first, and the
/// private key of that certificate.
///
/// The key may be PKCS#8, SEC1 or PKCS#1, each unencrypted. When a backend
/// takes the config it checks that every certificate can be parsed and that the
/// key is the first one's; whether the certificates are acceptable, in their
/// validity, purpose or signatures, is for the peer to judge. The key is wiped
/// from memory with the last clone, and `Debug` does not show it.
#[derive(Clone, Hash)]
pub struct Identity(Arc<Inner>);

struct Inner {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// The key's type does not derive it.
impl Hash for Inner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { chain, key } = self;
        chain.hash(state);
        discriminant(key).hash(state);
        key.secret_der().hash(state);
    }
}

impl Identity {
    /// From DER. The chain's order is kept.
    pub fn from_der(
        chain: impl IntoIterator<Item = CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, Error> {
        let identity = Self(Arc::new(Inner {
            chain: chain.into_iter().collect(),
            key,
        }));
        let chain = identity.chain();
        if chain.is_empty() {
            return Err(Error::config(
                "identity",
                "there is no certificate in the chain",
            ));
        }
        if chain.len() > MAX_CHAIN_LENGTH {
            let length = chain.len();
            return Err(Error::config(
                "identity",
                format!("the chain has {length} certificates, but {MAX_CHAIN_LENGTH} is the most"),
            ));
        }
        for (index, certificate) in chain.iter().enumerate() {
            check_der(certificate, &format!("certificate {index} of the chain"))?;
        }
        Ok(identity)
    }

    /// From PEM: the chain's certificates in order, and the key. Both may be
    /// the same text. Other sections are passed over.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, Error> {
        check_size(chain, "the certificate chain")?;
        check_size(key, "the private key")?;
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::config("identity", format!("the chain is no PEM: {error}")))?;
        if chain.is_empty() {
            return Err(Error::config(
                "identity",
                "there is no certificate in the PEM text",
            ));
        }
        Self::from_der(chain, private_key(key)?)
    }

    /// From two PEM files, which may be the same file.
    pub fn from_pem_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, Error> {
        let read = |path: &Path| {
            read_bounded(path, MAX_IDENTITY_OCTETS)
                .map_err(|reason| Error::config("identity", reason))
        };
        Self::from_pem(&read(chain.as_ref())?, &read(key.as_ref())?)
    }

    /// The certificates, this side's own first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.0.chain
    }

    /// The private key. Secret: do not print it, do not copy it without need.
    pub fn key(&self) -> &PrivateKeyDer<'static> {
        &self.0.key
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificates", &self.chain().len())
            .field("key", &"[secret]")
            .finish()
    }
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, Error> {
    let refuse = |reason: String| Err(Error::config("identity", reason));
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => Ok(key),
        Err(_) if is_encrypted(pem) => refuse(
            "the private key is encrypted, and no passphrase can be given here: decrypt it first \
             (openssl pkey -in KEY -out PLAIN)"
                .into(),
        ),
        Err(rustls_pki_types::pem::Error::NoItemsFound) => {
            refuse("there is no private key in the PEM text".into())
        }
        Err(error) => refuse(format!("the private key is no PEM: {error}")),
    }
}

/// PKCS#8's encrypted form, or the older header inside a PKCS#1 or SEC1 section.
fn is_encrypted(pem: &[u8]) -> bool {
    let has = |text: &[u8]| pem.windows(text.len()).any(|window| window == text);
    has(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(b"Proc-Type: 4,ENCRYPTED")
}

fn check_size(input: &[u8], what: &str) -> Result<(), Error> {
    if input.len() <= MAX_IDENTITY_OCTETS {
        return Ok(());
    }
    let octets = input.len();
    Err(Error::config(
        "identity",
        format!("{what} has {octets} octets, but {MAX_IDENTITY_OCTETS} is the most"),
    ))
}

/// Reads a file that may hold a secret, and no more of it than `most` octets.
pub(crate) fn read_bounded(path: &Path, most: usize) -> Result<Zeroizing<Vec<u8>>, String> {
    use std::io::Read;

    let shown = path.display();
    let mut contents = Zeroizing::new(Vec::new());
    std::fs::File::open(path)
        .and_then(|file| file.take(most as u64 + 1).read_to_end(&mut contents))
        .map_err(|error| format!("{shown} cannot be read: {error}"))?;
    if contents.len() > most {
        return Err(format!("{shown} has more than {most} octets"));
    }
    Ok(contents)
}

/// Checks the outermost layer alone: one definite-length SEQUENCE and nothing
/// behind it (X.690). The backend's library parses the rest.
pub(crate) fn check_der(der: &[u8], what: &str) -> Result<(), Error> {
    if is_one_sequence(der) {
        Ok(())
    } else {
        Err(Error::config(
            "identity",
            format!("{what} is not valid DER"),
        ))
    }
}

pub(crate) fn is_one_sequence(der: &[u8]) -> bool {
    let [0x30, first, rest @ ..] = der else {
        return false;
    };
    match *first {
        length @ 0..=0x7f => rest.len() == usize::from(length),
        0x80 => false,
        long => {
            let octets = usize::from(long & 0x7f);
            let Some((length, content)) = rest.split_at_checked(octets) else {
                return false;
            };
            octets <= 4
                && length
                    .iter()
                    .fold(0, |sum, &octet| sum << 8 | usize::from(octet))
                    == content.len()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    const KEY: &[u8] = b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";

    fn reason(chain: &[u8], key: &[u8]) -> String {
        match Identity::from_pem(chain, key) {
            Err(Error::Config(error)) => {
                assert_eq!(error.field, "identity");
                error.reason.into_owned()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_kind_of_key_is_read_and_none_is_shown() {
        for label in ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"] {
            let key = format!("-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n");
            let identity = Identity::from_pem(CERTIFICATE, key.as_bytes()).unwrap();
            assert_eq!(identity.key().secret_der(), [0x30, 0x00]);
            assert_eq!(
                format!("{identity:?}"),
                "Identity { certificates: 1, key: \"[secret]\" }"
            );
        }
    }

    #[test]
    fn broken_pem_is_refused_with_its_reason() {
        assert!(reason(b"", KEY).contains("no certificate"));
        assert!(reason(KEY, KEY).contains("no certificate"));
        assert!(reason(CERTIFICATE, b"").contains("no private key"));
        assert!(reason(CERTIFICATE, CERTIFICATE).contains("no private key"));
        assert!(reason(b"-----BEGIN CERTIFICATE-----\nMAA=\n", KEY).contains("no PEM"));
        assert!(
            reason(
                b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
                KEY
            )
            .contains("no PEM")
        );
        let garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(reason(garbage, KEY).contains("certificate 0 of the chain is not valid DER"));
        assert!(reason(&CERTIFICATE.repeat(11), KEY).contains("11 certificates"));
        assert!(reason(&vec![b'-'; MAX_IDENTITY_OCTETS + 1], KEY).contains("1048577 octets"));
    }

    #[test]
    fn an_encrypted_key_is_named_as_such() {
        let pkcs8 =
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert!(reason(CERTIFICATE, pkcs8).contains("encrypted"));
        let legacy = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMAA=\n-----END RSA PRIVATE KEY-----\n";
        assert!(reason(CERTIFICATE, legacy).contains("encrypted"));
    }

    #[test]
    fn der_is_one_sequence_of_its_own_length() {
        assert!(is_one_sequence(&[0x30, 0x00]));
        assert!(is_one_sequence(
            &[&[0x30, 0x81, 0x80][..], &[0; 0x80]].concat()
        ));
        for bad in [
            &[][..],
            &[0x30],
            &[0x31, 0],
            &[0x30, 1],
            &[0x30, 0, 0],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x82, 1],
        ] {
            assert!(!is_one_sequence(bad), "{bad:02x?}");
        }
        assert!(!is_one_sequence(&[0x30, 0xff, 1, 2, 3]));
    }
}
