//! Which signature schemes a key signs with.

use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, Id, PKeyRef};
use openssl::ssl::SslContextBuilder;
use tls_core::{Role, SignatureScheme};

use crate::{ffi, names};

/// Restricts what this side signs with to the schemes that are the key's own.
///
/// The library would sign with an ECDSA scheme of another curve in TLS 1.2,
/// where the name of a scheme means the digest alone. What is accepted from
/// the peer stays as it is: the library keeps two lists, of which a server
/// signs with the first and a client with the second.
pub(crate) fn restrict<T: HasPublic>(
    builder: &mut SslContextBuilder,
    role: Role,
    schemes: &[SignatureScheme],
    key: &PKeyRef<T>,
) -> Result<(), ErrorStack> {
    let mut own: Vec<_> = schemes
        .iter()
        .copied()
        .filter(|&scheme| fits(key, scheme))
        .collect();
    if own.is_empty() {
        // The library takes no empty list: a scheme that the key cannot use.
        own.push(if key.id() == Id::EC {
            SignatureScheme::RsaPssRsaeSha256
        } else {
            SignatureScheme::EcdsaSecp256r1Sha256
        });
    }
    let list = names::list(own.iter().map(|&scheme| names::signature_scheme(scheme)));
    match role {
        Role::Server => builder.set_sigalgs_list(&list),
        Role::Client if ffi::set_client_sigalgs(builder, &list) => Ok(()),
        Role::Client => Err(ErrorStack::get()),
    }
}

fn fits<T: HasPublic>(key: &PKeyRef<T>, scheme: SignatureScheme) -> bool {
    use SignatureScheme as S;

    let is_on = |curve| {
        key.ec_key()
            .is_ok_and(|key| key.group().curve_name() == Some(curve))
    };
    match scheme {
        S::EcdsaSecp256r1Sha256 => is_on(Nid::X9_62_PRIME256V1),
        S::EcdsaSecp384r1Sha384 => is_on(Nid::SECP384R1),
        S::EcdsaSecp521r1Sha512 => is_on(Nid::SECP521R1),
        S::Ed25519 => key.id() == Id::ED25519,
        S::Ed448 => key.id() == Id::ED448,
        _ => key.id() == Id::RSA,
    }
}

#[cfg(test)]
mod tests {
    use openssl::ec::{EcGroup, EcKey};
    use openssl::pkey::{PKey, Private};
    use openssl::rsa::Rsa;

    use super::*;

    fn fitting(key: &PKey<Private>) -> Vec<SignatureScheme> {
        let all = SignatureScheme::ALL.iter().copied();
        all.filter(|&scheme| fits(key, scheme)).collect()
    }

    #[test]
    fn a_key_fits_the_schemes_of_its_kind_and_curve() {
        let group = EcGroup::from_curve_name(Nid::SECP384R1).unwrap();
        let p384 = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        assert_eq!(fitting(&p384), [SignatureScheme::EcdsaSecp384r1Sha384]);
        let ed25519 = PKey::generate_ed25519().unwrap();
        assert_eq!(fitting(&ed25519), [SignatureScheme::Ed25519]);
        let rsa = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let fitting = fitting(&rsa);
        assert_eq!(fitting.len(), 6);
        assert!(
            fitting
                .iter()
                .all(|scheme| scheme.name().starts_with("rsa_"))
        );
    }
}
