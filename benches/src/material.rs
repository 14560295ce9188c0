//! The certificates of all scenarios, made once a process: one CA, one server
//! and one client of each kind of key.

use std::sync::OnceLock;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, SignatureAlgorithm,
};
use tls_core::{CertificateDer, PrivateKeyDer};

/// The host name that the server's certificate is for.
pub const HOST: &str = "server.example";

/// What kind of key the certificates have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// ECDSA on P-256.
    Ecdsa,
    /// RSA of 2,048 bits.
    Rsa,
}

/// A CA and what it has issued. Both sides of a pair use the same.
#[derive(Debug)]
pub struct Material {
    /// The CA's own certificate.
    pub root: CertificateDer<'static>,
    /// For [`HOST`], and for nothing but servers.
    pub server: Issued,
    /// For nothing but clients.
    pub client: Issued,
}

/// A certificate that the CA itself has signed, with its key in PKCS#8.
#[derive(Debug)]
pub struct Issued {
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
    /// The certificate, in PEM.
    pub certificate_pem: String,
    /// Its key, in PEM.
    pub key_pem: String,
}

impl Material {
    /// The material with this kind of key.
    pub fn of(kind: KeyKind) -> &'static Self {
        static ECDSA: OnceLock<Material> = OnceLock::new();
        static RSA: OnceLock<Material> = OnceLock::new();

        let (made, algorithm) = match kind {
            KeyKind::Ecdsa => (&ECDSA, &PKCS_ECDSA_P256_SHA256),
            KeyKind::Rsa => (&RSA, &PKCS_RSA_SHA256),
        };
        made.get_or_init(|| make(algorithm).expect("rcgen makes what its own defaults describe"))
    }
}

fn make(algorithm: &'static SignatureAlgorithm) -> Result<Material, rcgen::Error> {
    let key = KeyPair::generate_for(algorithm)?;
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "backend-bench CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let root = params.self_signed(&key)?.der().clone();
    let issuer = Issuer::new(params, key);
    let issue = |name: &str, purpose| {
        let key = KeyPair::generate_for(algorithm)?;
        let mut params = CertificateParams::new([name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &issuer)?;
        Ok::<_, rcgen::Error>(Issued {
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    };
    Ok(Material {
        root,
        server: issue(HOST, ExtendedKeyUsagePurpose::ServerAuth)?,
        client: issue("client.example", ExtendedKeyUsagePurpose::ClientAuth)?,
    })
}
