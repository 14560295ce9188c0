//! A CA and a certificate for this machine, made in memory.

use polytls::tls::Identity;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// How clients on this machine reach the server.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The server's certificate and key, and the CA to trust, in PEM.
pub(crate) fn make() -> Result<(Identity, String), Box<dyn std::error::Error>> {
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::default();
    ca.distinguished_name
        .push(DnType::CommonName, "polytls example CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca_pem = ca.self_signed(&ca_key)?.pem();

    let key = KeyPair::generate()?;
    let mut leaf = CertificateParams::new(NAMES.map(str::to_owned))?;
    leaf.distinguished_name
        .push(DnType::CommonName, "polytls example");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let leaf = leaf.signed_by(&key, &Issuer::new(ca, ca_key))?.pem();
    let identity = Identity::from_pem(leaf.as_bytes(), key.serialize_pem().as_bytes())?;
    Ok((identity, ca_pem))
}
