//! A certificate authority that lives in memory, for `demo` and for `serve`
//! without a certificate of its own.

use polytls::tls::{CertificateDer, Identity, PrivateKeyDer, Roots};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::failure::Failure;

/// A CA and one server identity that it signed.
pub(crate) struct Pki {
    pub(crate) ca_pem: String,
    pub(crate) roots: Roots,
    pub(crate) server: Identity,
}

impl Pki {
    /// Makes both, for a server that is reached as one of these names or addresses.
    pub(crate) fn new(names: &[&str]) -> Result<Self, Failure> {
        let made = Self::make(names).map_err(Failure::certificates)?;
        Ok(Self {
            roots: Roots::from_der([made.ca]).map_err(Failure::config)?,
            server: Identity::from_der([made.leaf], made.key).map_err(Failure::config)?,
            ca_pem: made.ca_pem,
        })
    }

    fn make(names: &[&str]) -> Result<Made, rcgen::Error> {
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::default();
        ca.distinguished_name
            .push(DnType::CommonName, "polytls local CA");
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_certificate = ca.self_signed(&ca_key)?;
        let issuer = Issuer::new(ca, ca_key);

        let key = KeyPair::generate()?;
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut leaf = CertificateParams::new(names)?;
        leaf.distinguished_name
            .push(DnType::CommonName, "polytls server");
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let leaf = leaf.signed_by(&key, &issuer)?;
        Ok(Made {
            ca_pem: ca_certificate.pem(),
            ca: ca_certificate.der().clone(),
            leaf: leaf.der().clone(),
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        })
    }
}

struct Made {
    ca_pem: String,
    ca: CertificateDer<'static>,
    leaf: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}
