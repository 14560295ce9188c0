//! Gives a context its certificate chain and private key.

use backend_kit::pkcs8;
use boring::ec::EcKey;
use boring::error::ErrorStack;
use boring::pkey::{Id, PKey, Private};
use boring::rsa::Rsa;
use boring::ssl::SslContextBuilder;
use boring::x509::X509;
use boring_sys as sys;
use tls_core::{Capabilities, Error, Identity, PrivateKeyDer, SignatureScheme, Unsupported};

use crate::info::NAME;
use crate::{ffi, names, signing};

/// The shortest RSA key that any backend signs with.
const MIN_RSA_BITS: u32 = 2048;

/// Loads the chain as it is, in its order, and the key, to sign with those of
/// the schemes that are the key's own; checks that they fit together. Whether
/// the certificates are any good is the peer's to judge; a key that is too
/// short to sign with is refused. Answers the schemes that are left.
pub(crate) fn load(
    builder: &mut SslContextBuilder,
    identity: &Identity,
    schemes: &[SignatureScheme],
) -> Result<Vec<SignatureScheme>, Error> {
    let key = private_key(identity.key())?;
    for (index, der) in identity.chain().iter().enumerate() {
        let certificate = X509::from_der(der).map_err(|error| {
            invalid(format!(
                "certificate {index} of the chain cannot be parsed: {error}"
            ))
        })?;
        let refuse = |error: ErrorStack| {
            invalid(format!(
                "certificate {index} of the chain is refused: {error}"
            ))
        };
        if index > 0 {
            builder.add_extra_chain_cert(certificate).map_err(refuse)?;
            continue;
        }
        let own = certificate.public_key().map_err(refuse)?;
        if !own.public_eq(&key) {
            return Err(invalid("the private key is not the certificate's"));
        }
        builder
            .set_certificate(&certificate)
            .map_err(|error| unsupported(&error).unwrap_or_else(|| refuse(error)))?;
    }
    builder
        .set_private_key(&key)
        .and_then(|()| builder.check_private_key())
        .map_err(|error| invalid(format!("the private key is refused: {error}")))?;
    let own = signing::own(schemes, &key);
    let unfit = [signing::unfit(&key)];
    let list = names::schemes(if own.is_empty() { &unfit } else { &own });
    ffi::set_signing_schemes(builder, &list)
        .map_err(|error| invalid(format!("the private key signs with no scheme: {error}")))?;
    Ok(own)
}

/// The one certificate that is the peer's to judge and that the library does
/// not present: of an EC key whose key usage forbids it to sign.
fn unsupported(error: &ErrorStack) -> Option<Error> {
    let reasons = |error: &boring::error::Error| error.library_reason(sys::ERR_LIB_SSL);
    let mut reasons = error.errors().iter().filter_map(reasons);
    reasons
        .any(|reason| reason == sys::SSL_R_KEY_USAGE_BIT_INCORRECT)
        .then(|| {
            let because = "the library presents no EC certificate whose key may not sign";
            Unsupported::new(NAME, Capabilities::IDENTITY, because).into()
        })
}

fn private_key(key: &PrivateKeyDer<'_>) -> Result<PKey<Private>, Error> {
    let der = key.secret_der();
    let parsed = match key {
        PrivateKeyDer::Pkcs1(_) => Rsa::private_key_from_der(der).and_then(PKey::from_rsa),
        PrivateKeyDer::Sec1(_) => EcKey::private_key_from_der(der).and_then(PKey::from_ec_key),
        _ => match pkcs8::first_version(der) {
            Some(first) => PKey::private_key_from_pkcs8(&first),
            None => PKey::private_key_from_pkcs8(der),
        },
    };
    let key =
        parsed.map_err(|error| invalid(format!("the private key cannot be parsed: {error}")))?;
    if key.id() == Id::RSA && key.bits() < MIN_RSA_BITS {
        return Err(invalid(format!(
            "the private key has {} bits, but RSA needs {MIN_RSA_BITS}",
            key.bits()
        )));
    }
    Ok(key)
}

fn invalid(reason: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::config("identity", reason)
}

#[cfg(test)]
mod tests {
    use boring::hash::MessageDigest;
    use boring::rsa::Rsa;
    use rcgen::KeyPair;
    use tls_core::{CertificateDer, ServerConfig, TlsBackend};

    use super::*;
    use crate::Boring;
    use crate::testing::{Authority, assert_clean, signed_by_itself};

    fn refusal(identity: Identity) -> String {
        let config = ServerConfig::builder().identity(identity).build().unwrap();
        let error = Boring::new().server(&config).unwrap_err();
        assert_clean();
        match error {
            Error::Config(error) => {
                assert_eq!(error.field, "identity");
                error.reason.into_owned()
            }
            other => panic!("{other:?}"),
        }
    }

    fn with_key(chain: Vec<CertificateDer<'static>>, key: Vec<u8>) -> Identity {
        Identity::from_der(chain, PrivateKeyDer::Pkcs8(key.into())).unwrap()
    }

    fn signed(key: &PKey<Private>, digest: MessageDigest) -> Identity {
        let chain = vec![signed_by_itself(key, digest)];
        with_key(chain, key.private_key_to_der_pkcs8().unwrap())
    }

    #[test]
    fn what_does_not_fit_together_or_parse_is_refused_with_its_reason() {
        let authority = Authority::new();
        let chain = authority.leaf().chain().to_vec();
        let stranger = KeyPair::generate().unwrap().serialize_der();
        assert!(refusal(with_key(chain.clone(), stranger)).contains("not the certificate's"));
        let garbage = vec![0x30, 0];
        assert!(refusal(with_key(chain, garbage)).contains("key cannot be parsed"));
        let leaf = authority.leaf();
        let broken = vec![leaf.chain()[0].clone(), vec![0x30, 0].into()];
        let identity = Identity::from_der(broken, leaf.key().clone_key()).unwrap();
        assert!(refusal(identity).contains("certificate 1 of the chain cannot be parsed"));
    }

    #[test]
    fn an_ec_key_that_may_not_sign_is_not_supported() {
        let identity = Authority::new().leaf_with(|params| {
            params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
        });
        let config = ServerConfig::builder().identity(identity).build().unwrap();
        let error = Boring::new().server(&config).unwrap_err();
        assert!(
            matches!(&error, Error::Unsupported(error)
                if error.capability == Capabilities::IDENTITY),
            "{error:?}"
        );
        assert_clean();
    }

    #[test]
    fn a_weak_key_is_refused_but_a_weak_signature_is_the_peers_to_judge() {
        let weak = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
        let reason = refusal(signed(&weak, MessageDigest::sha256()));
        assert!(reason.contains("1024 bits"), "{reason}");
        let strong = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let identity = signed(&strong, MessageDigest::sha1());
        let config = ServerConfig::builder().identity(identity).build().unwrap();
        Boring::new().server(&config).unwrap();
        assert_clean();
    }
}
