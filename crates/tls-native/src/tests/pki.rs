//! Certificates.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair,
};
use tls_core::{CertificateDer, Identity, PrivateKeyDer, Roots};

/// The name that [`Authority::leaf`] vouches for.
pub(super) const NAME: &str = "server.example";

/// A CA and its key.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    /// With what `change` makes of the usual parameters.
    pub(super) fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = ca("polytls test CA");
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    pub(super) fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    pub(super) fn roots(&self) -> Roots {
        Roots::from_der([self.der()]).unwrap()
    }

    /// A certificate for [`NAME`] and 192.0.2.1, for servers and clients.
    pub(super) fn leaf(&self) -> Identity {
        self.leaf_with(|_| {})
    }

    /// A certificate with what `change` makes of the usual parameters.
    pub(super) fn leaf_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        self.leaf_for(&KeyPair::generate().unwrap(), change)
    }

    /// The same with this key.
    pub(super) fn leaf_for(
        &self,
        key: &KeyPair,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let mut params = leaf();
        change(&mut params);
        let der = params.signed_by(key, &self.issuer).unwrap().der().clone();
        identity(vec![der], key)
    }

    /// A leaf below an intermediate CA below this one.
    pub(super) fn leaf_below(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = ca("polytls test intermediate");
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let middle = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let own = leaf().signed_by(&key, &issuer).unwrap().der().clone();
        identity(vec![own, middle], &key)
    }
}

/// A certificate that vouches for itself.
pub(super) fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let mut params = leaf();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let der = params.self_signed(&key).unwrap().der().clone();
    identity(vec![der], &key)
}

pub(super) fn identity(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Identity {
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Identity::from_der(chain, key).unwrap()
}

fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn leaf() -> CertificateParams {
    let mut params = CertificateParams::new([NAME.to_owned(), "192.0.2.1".to_owned()]).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, "polytls test leaf");
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params
}
