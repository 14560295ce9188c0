//! The certificates of the tests, made once.

use std::sync::OnceLock;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SignatureAlgorithm, date_time_ymd,
};
use tls_core::{Identity, PrivateKeyDer, Roots};

pub(super) struct Pki {
    pub(super) roots: Roots,
    pub(super) server: Identity,
    pub(super) client: Identity,
    ca: Issuer<'static, KeyPair>,
}

pub(super) fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(|| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "polytls test CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let ca = Issuer::new(params, key);
        Pki {
            roots: Roots::from_der([certificate.der().clone()]).unwrap(),
            server: issue(&ca, |_| ()),
            client: issue(&ca, |params| {
                params.subject_alt_names.clear();
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            }),
            ca,
        }
    })
}

/// A server's certificate with this about it.
pub(super) fn server(change: impl FnOnce(&mut CertificateParams)) -> Identity {
    issue(&pki().ca, change)
}

pub(super) fn expired(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2001, 1, 1);
}

pub(super) fn not_yet_valid(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(3000, 1, 1);
    params.not_after = date_time_ymd(3001, 1, 1);
}

pub(super) fn for_clients(params: &mut CertificateParams) {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
}

pub(super) fn ca(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

/// A certificate that vouches for itself.
pub(super) fn stranger() -> Identity {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    Identity::from_der([certificate.der().clone()], key).unwrap()
}

/// A server's certificate for a key of this kind.
pub(super) fn server_with_key(kind: &'static SignatureAlgorithm) -> Identity {
    issue_for(&KeyPair::generate_for(kind).unwrap(), &pki().ca, |_| ())
}

fn issue(ca: &Issuer<'_, KeyPair>, change: impl FnOnce(&mut CertificateParams)) -> Identity {
    issue_for(&KeyPair::generate().unwrap(), ca, change)
}

fn issue_for(
    key: &KeyPair,
    ca: &Issuer<'_, KeyPair>,
    change: impl FnOnce(&mut CertificateParams),
) -> Identity {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    change(&mut params);
    let certificate = params.signed_by(key, ca).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    Identity::from_der([certificate.der().clone()], key).unwrap()
}
