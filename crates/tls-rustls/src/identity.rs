//! The config's identity, as rustls wants it.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use tls_core::{Error, Identity, PeerIncompatible, Role};

use crate::certificate::Certificate;
use crate::notes;
use crate::provider::Allowed;

/// Loads the chain and the key, and checks that they belong together. rustls
/// keeps its own copy of the key for the life of the context.
pub(crate) fn load(
    identity: &Identity,
    allowed: &Allowed,
    role: Role,
) -> Result<Arc<CertifiedKey>, Error> {
    let key = load_key(identity, &allowed.provider)?;
    for (index, der) in identity.chain().iter().enumerate() {
        let Some(certificate) = Certificate::parse(der) else {
            return Err(invalid(format!(
                "certificate {index} of the chain is no X.509 certificate"
            )));
        };
        // A provider need not tell its keys' public halves. Then a wrong key
        // shows when the peer checks the first signature.
        if index == 0
            && let Some(public_key) = key.public_key()
            && *public_key != *certificate.public_key
        {
            return Err(invalid("the private key is not the certificate's"));
        }
    }
    let key = Restricted {
        key,
        schemes: allowed.schemes.clone(),
        role,
    };
    Ok(Arc::new(CertifiedKey::new(
        identity.chain().to_vec(),
        Arc::new(key),
    )))
}

fn load_key(identity: &Identity, provider: &CryptoProvider) -> Result<Arc<dyn SigningKey>, Error> {
    provider
        .key_provider
        .load_private_key(identity.key().clone_key())
        .map_err(|error| invalid(format!("the private key cannot be used: {error}")))
}

fn invalid(reason: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::config("identity", reason)
}

/// A key that signs with the config's schemes alone, the config's favourite
/// first.
#[derive(Debug)]
struct Restricted {
    key: Arc<dyn SigningKey>,
    schemes: Vec<SignatureScheme>,
    role: Role,
}

impl SigningKey for Restricted {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let signer = self
            .schemes
            .iter()
            .filter(|scheme| offered.contains(scheme))
            .find_map(|&scheme| self.key.choose_scheme(&[scheme]));
        // A client then goes on without a certificate.
        if signer.is_none() && self.role == Role::Server {
            notes::refuse(PeerIncompatible::NoCommonSignatureScheme.into());
        }
        signer
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.key.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }
}
