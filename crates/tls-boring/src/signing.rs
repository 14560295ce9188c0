//! Which signature schemes a key signs with.

use boring::nid::Nid;
use boring::pkey::{HasPublic, Id, PKeyRef};
use tls_core::SignatureScheme;

/// Of these schemes, those that are the key's own.
///
/// The library would sign with an ECDSA scheme of another curve in TLS 1.2,
/// where the name of a scheme means the digest alone.
pub(crate) fn own<T: HasPublic>(
    schemes: &[SignatureScheme],
    key: &PKeyRef<T>,
) -> Vec<SignatureScheme> {
    let schemes = schemes.iter().copied();
    schemes.filter(|&scheme| fits(key, scheme)).collect()
}

/// A scheme that the key cannot sign with: of an empty list the library makes
/// its default.
pub(crate) fn unfit<T: HasPublic>(key: &PKeyRef<T>) -> SignatureScheme {
    if key.id() == Id::EC {
        SignatureScheme::RsaPssRsaeSha256
    } else {
        SignatureScheme::EcdsaSecp256r1Sha256
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
        S::Ed448 => false,
        _ => key.id() == Id::RSA,
    }
}

#[cfg(test)]
mod tests {
    use boring::ec::{EcGroup, EcKey};
    use boring::pkey::{PKey, Private};
    use boring::rsa::Rsa;

    use super::*;

    fn fitting(key: &PKey<Private>) -> Vec<SignatureScheme> {
        let fitting = own(SignatureScheme::ALL, key);
        assert!(!fitting.contains(&unfit(key)));
        fitting
    }

    #[test]
    fn a_key_fits_the_schemes_of_its_kind_and_curve() {
        let group = EcGroup::from_curve_name(Nid::SECP384R1).unwrap();
        let p384 = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        assert_eq!(fitting(&p384), [SignatureScheme::EcdsaSecp384r1Sha384]);
        let ed25519 = PKey::generate(Id::ED25519).unwrap();
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
