//! The certificates of all scenarios, made once a process.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use polytls::tls::limits::MAX_CHAIN_LENGTH;
use polytls::tls::{CertificateDer, Identity, PrivateKeyDer, Roots, SignatureScheme};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512,
    PKCS_ED25519, PKCS_RSA_SHA256, SanType, SignatureAlgorithm, date_time_ymd,
};

/// The host name that the good certificates are for.
pub const HOST: &str = "server.example";

/// The addresses that [`Pki::by_address`] is for.
pub const ADDRESSES: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// A certificate authority, its relatives and what they have issued.
///
/// Identities without a remark are for [`HOST`], for servers and clients,
/// valid, and issued by an intermediate of `roots`.
#[derive(Debug)]
pub struct Pki {
    /// The root that the good certificates lead to.
    pub roots: Roots,
    /// A root that has issued only `unknown_ca`.
    pub other_roots: Roots,
    /// The keys of each kind.
    pub p256: Identity,
    /// With an ECDSA key on P-384.
    pub p384: Identity,
    /// With an ECDSA key on P-521.
    pub p521: Identity,
    /// With an RSA key of 2,048 bits.
    pub rsa: Identity,
    /// With an Ed25519 key.
    pub ed25519: Identity,
    /// The same, with the key in the second version of PKCS#8 (RFC 5958),
    /// which holds the public key too.
    pub ed25519_version_two: Identity,
    /// `p256` with its key in SEC1.
    pub p256_sec1: Identity,
    /// `rsa` with its key in PKCS#1.
    pub rsa_pkcs1: Identity,
    /// Issued by the root itself, so that handshakes are short.
    pub short: Identity,
    /// A client's, for nothing but clients, and without a host name.
    pub client: Identity,
    /// For `HOST`, but for nothing but clients.
    pub client_named: Identity,
    /// A server's, for nothing but servers.
    pub server: Identity,
    /// For the addresses of [`ADDRESSES`], and for no host name.
    pub by_address: Identity,
    /// For `*.wild.example`.
    pub wildcard: Identity,
    /// With `HOST` as common name and without subjectAltName.
    pub common_name_only: Identity,
    /// For `other.example`.
    pub other_name: Identity,
    /// Valid until 2001.
    pub expired: Identity,
    /// Valid from 4000 on.
    pub not_yet_valid: Identity,
    /// Issued by the root of `other_roots`.
    pub unknown_ca: Identity,
    /// Good, but presented without the intermediate.
    pub intermediate_left_out: Identity,
    /// Signed by itself.
    pub self_signed: Identity,
    /// Trusts `self_signed` directly.
    pub self_signed_roots: Roots,
    /// Issued by a CA with the root's name, but with another key; nothing but
    /// the signature tells.
    pub namesake: Identity,
    /// The same, but naming its issuer's key (authorityKeyIdentifier).
    pub namesake_with_key_id: Identity,
    /// With the last octet of the signature flipped.
    pub broken_signature: Identity,
    /// With a CA's certificate as its own.
    pub ca_as_leaf: Identity,
    /// Issued by a CA that may issue only below `permitted.example`.
    pub name_not_permitted: Identity,
    /// Issued below a CA that may have no CA below it.
    pub path_too_long: Identity,
    /// Issued by an end entity without any key usage.
    pub issued_by_no_ca: Identity,
    /// Issued by a CA whose key usage leaves out signing certificates.
    pub issuer_may_not_sign: Identity,
    /// Issued by a CA whose extended key usage is for clients alone.
    pub issuer_for_clients: Identity,
    /// For any purpose, but for none by name.
    pub any_purpose: Identity,
    /// With an RSA key that may not sign (key usage keyEncipherment alone).
    pub no_signing: Identity,
    /// Issued by the root of `other_roots`, which is presented as well.
    pub unknown_ca_with_root: Identity,
    /// A CA's certificate as its own, signed by itself.
    pub self_signed_ca: Identity,
    /// Trusts `self_signed_ca` directly.
    pub self_signed_ca_roots: Roots,
    /// Good, but below a root that has expired.
    pub below_expired_root: Identity,
    /// The root of `below_expired_root`.
    pub expired_roots: Roots,
    /// With a critical extension that nobody knows.
    pub unknown_critical_extension: Identity,
    /// A root of its own for the weak ones.
    pub weak_roots: Roots,
    /// Issued by an intermediate with an RSA key of 1,024 bits.
    pub below_weak_key: Identity,
    /// Signed with SHA-1.
    pub weakly_signed: Identity,
    /// With 24 KiB of an extension that nobody minds.
    pub large: Identity,
    /// A chain of [`MAX_CHAIN_LENGTH`] certificates, of which two are needed.
    pub longest_chain: Identity,
    /// A path of an end entity and six intermediates.
    pub long_chain: Identity,
    /// A path of an end entity and seven intermediates.
    pub too_long_chain: Identity,
}

/// The one PKI of this process.
pub fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(make)
}

impl Pki {
    /// An identity that can sign with this scheme; `None` for a kind of key
    /// that cannot be made here.
    pub fn for_scheme(&self, scheme: SignatureScheme) -> Option<&Identity> {
        use SignatureScheme as S;
        Some(match scheme {
            S::EcdsaSecp256r1Sha256 => &self.p256,
            S::EcdsaSecp384r1Sha384 => &self.p384,
            S::EcdsaSecp521r1Sha512 => &self.p521,
            S::Ed25519 => &self.ed25519,
            S::RsaPkcs1Sha256
            | S::RsaPkcs1Sha384
            | S::RsaPkcs1Sha512
            | S::RsaPssRsaeSha256
            | S::RsaPssRsaeSha384
            | S::RsaPssRsaeSha512 => &self.rsa,
            _ => return None,
        })
    }
}

/// One CA.
struct Authority {
    params: CertificateParams,
    key: KeyPair,
    certificate: CertificateDer<'static>,
}

impl Authority {
    fn root(name: &str) -> Self {
        Self::self_signed(ca(name))
    }

    fn self_signed(params: CertificateParams) -> Self {
        let key = new_key(&PKCS_ECDSA_P256_SHA256);
        let certificate = params.self_signed(&key).expect("a root").der().clone();
        Self {
            params,
            key,
            certificate,
        }
    }

    fn below(issuer: &Self, params: CertificateParams) -> Self {
        let key = new_key(&PKCS_ECDSA_P256_SHA256);
        let certificate = issuer.sign(&params, &key);
        Self {
            params,
            key,
            certificate,
        }
    }

    fn sign(&self, params: &CertificateParams, key: &KeyPair) -> CertificateDer<'static> {
        let issuer = Issuer::from_params(&self.params, &self.key);
        let signed = params.signed_by(key, &issuer).expect("a certificate");
        signed.der().clone()
    }

    /// An identity with a new key; `above` follows its certificate.
    fn issue(&self, params: &CertificateParams, above: &[&Self]) -> Identity {
        let key = new_key(&PKCS_ECDSA_P256_SHA256);
        identity(self.sign(params, &key), above, &key)
    }

    fn trusted(&self) -> Roots {
        Roots::from_der([self.certificate.clone()]).expect("roots")
    }
}

fn make() -> Pki {
    let root = Authority::root("Conformance Root");
    let middle = Authority::below(&root, ca("Conformance Intermediate"));
    let other = Authority::root("Another Root");
    let namesake = Authority::root("Conformance Root");
    let chain = [&middle];
    let with_key = |algorithm| {
        let key = new_key(algorithm);
        identity(middle.sign(&leaf(HOST), &key), &chain, &key)
    };
    let changed = |change: &dyn Fn(&mut CertificateParams)| {
        let mut params = leaf(HOST);
        change(&mut params);
        middle.issue(&params, &chain)
    };
    let p256 = with_key(&PKCS_ECDSA_P256_SHA256);
    let rsa = with_key(&PKCS_RSA_SHA256);
    let ed25519 = with_key(&PKCS_ED25519);
    let self_signed_key = new_key(&PKCS_ECDSA_P256_SHA256);
    let self_signed = leaf(HOST).self_signed(&self_signed_key);
    let self_signed = self_signed.expect("a certificate").der().clone();
    let mut self_signed_ca = ca("A CA as a server, signed by itself");
    self_signed_ca.subject_alt_names = leaf(HOST).subject_alt_names;
    let self_signed_ca = self_signed_ca.self_signed(&self_signed_key);
    let self_signed_ca = self_signed_ca.expect("a certificate").der().clone();
    let expired_root = Authority::self_signed({
        let mut params = ca("Expired Root");
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        params
    });
    Pki {
        roots: root.trusted(),
        other_roots: other.trusted(),
        p256_sec1: rekeyed(&p256, sec1(&p256)),
        p256,
        p384: with_key(&PKCS_ECDSA_P384_SHA384),
        p521: with_key(&PKCS_ECDSA_P521_SHA512),
        rsa_pkcs1: rekeyed(&rsa, pkcs1(&rsa)),
        rsa,
        ed25519: rekeyed(&ed25519, version_one(&ed25519)),
        ed25519_version_two: ed25519,
        short: root.issue(&leaf(HOST), &[]),
        client: changed(&|params| {
            params.subject_alt_names.clear();
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }),
        client_named: changed(&|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }),
        server: changed(&|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        }),
        by_address: changed(&|params| {
            params.subject_alt_names = ADDRESSES.map(SanType::IpAddress).to_vec();
        }),
        wildcard: middle.issue(&leaf("*.wild.example"), &chain),
        common_name_only: changed(&|params| {
            params.subject_alt_names.clear();
            params.distinguished_name = named(HOST);
        }),
        other_name: middle.issue(&leaf("other.example"), &chain),
        expired: changed(&|params| {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        }),
        not_yet_valid: changed(&|params| {
            params.not_before = date_time_ymd(4000, 1, 1);
            params.not_after = date_time_ymd(4001, 1, 1);
        }),
        unknown_ca: other.issue(&leaf(HOST), &[]),
        intermediate_left_out: middle.issue(&leaf(HOST), &[]),
        self_signed_roots: Roots::from_der([self_signed.clone()]).expect("roots"),
        self_signed: identity(self_signed, &[], &self_signed_key),
        namesake: namesake.issue(&leaf(HOST), &[]),
        namesake_with_key_id: {
            let mut params = leaf(HOST);
            params.use_authority_key_identifier_extension = true;
            namesake.issue(&params, &[])
        },
        broken_signature: {
            let key = new_key(&PKCS_ECDSA_P256_SHA256);
            let mut der = middle.sign(&leaf(HOST), &key).to_vec();
            if let Some(last) = der.last_mut() {
                *last ^= 1;
            }
            identity(der.into(), &chain, &key)
        },
        ca_as_leaf: {
            let mut params = ca("A CA as a server");
            params.subject_alt_names = leaf(HOST).subject_alt_names;
            middle.issue(&params, &chain)
        },
        name_not_permitted: {
            let mut params = ca("Constrained Intermediate");
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![GeneralSubtree::DnsName("permitted.example".into())],
                excluded_subtrees: Vec::new(),
            });
            let constrained = Authority::below(&root, params);
            constrained.issue(&leaf(HOST), &[&constrained])
        },
        path_too_long: {
            let mut params = ca("Lowest Intermediate");
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
            let lowest = Authority::below(&root, params);
            let below = Authority::below(&lowest, ca("One too many"));
            below.issue(&leaf(HOST), &[&below, &lowest])
        },
        issued_by_no_ca: {
            let mut params = leaf("no-ca.example");
            params.distinguished_name = named("Another end entity");
            params.key_usages.clear();
            let no_ca = Authority::below(&root, params);
            no_ca.issue(&leaf(HOST), &[&no_ca])
        },
        issuer_may_not_sign: {
            let mut params = ca("A CA that may not sign");
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            let issuer = Authority::below(&root, params);
            issuer.issue(&leaf(HOST), &[&issuer])
        },
        issuer_for_clients: {
            let mut params = ca("A CA for clients");
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            let issuer = Authority::below(&root, params);
            issuer.issue(&leaf(HOST), &[&issuer])
        },
        any_purpose: changed(&|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any];
        }),
        no_signing: {
            let mut params = leaf(HOST);
            params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
            let key = new_key(&PKCS_RSA_SHA256);
            identity(middle.sign(&params, &key), &chain, &key)
        },
        unknown_ca_with_root: other.issue(&leaf(HOST), &[&other]),
        self_signed_ca_roots: Roots::from_der([self_signed_ca.clone()]).expect("roots"),
        self_signed_ca: identity(self_signed_ca, &[], &self_signed_key),
        below_expired_root: expired_root.issue(&leaf(HOST), &[]),
        expired_roots: expired_root.trusted(),
        unknown_critical_extension: changed(&|params| {
            let mut extension = extension_of(b"\x05\x00".to_vec());
            extension.set_criticality(true);
            params.custom_extensions = vec![extension];
        }),
        weak_roots: Roots::from_pem(include_bytes!("../fixtures/weak_root.pem")).expect("roots"),
        below_weak_key: weak(include_bytes!("../fixtures/below_rsa_1024.pem")),
        weakly_signed: weak(include_bytes!("../fixtures/signed_with_sha1.pem")),
        large: changed(&|params| {
            let mut content = vec![0x04, 0x82, 0x60, 0x00];
            content.resize(4 + 0x6000, 7);
            params.custom_extensions = vec![extension_of(content)];
        }),
        longest_chain: {
            let strangers = [(); MAX_CHAIN_LENGTH - 2].map(|()| Authority::root("A stranger"));
            let chain: Vec<_> = chain.into_iter().chain(&strangers).collect();
            middle.issue(&leaf(HOST), &chain)
        },
        long_chain: path(&root, 6),
        too_long_chain: path(&root, 7),
    }
}

/// What `fixtures/make.sh` has made: no generator here makes weak signatures.
fn weak(chain: &[u8]) -> Identity {
    let key = include_bytes!("../fixtures/leaf_key.pem");
    Identity::from_pem(chain, key).expect("an identity")
}

/// An end entity below so many intermediates.
fn path(root: &Authority, intermediates: usize) -> Identity {
    let mut authorities: Vec<Authority> = Vec::new();
    for depth in 0..intermediates {
        let issuer = authorities.last().unwrap_or(root);
        let next = Authority::below(issuer, ca(&format!("Intermediate {depth}")));
        authorities.push(next);
    }
    let above: Vec<_> = authorities.iter().rev().collect();
    above[0].issue(&leaf(HOST), &above)
}

/// The parameters of an end entity, for servers and clients.
fn leaf(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).expect("a host name");
    params.distinguished_name = named("An end entity");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params
}

fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    params
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// An extension under a number that is nobody's (RFC 5612's example arc).
fn extension_of(content: Vec<u8>) -> CustomExtension {
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 32473, 1], content)
}

fn new_key(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(algorithm).expect("a key")
}

fn identity(own: CertificateDer<'static>, above: &[&Authority], key: &KeyPair) -> Identity {
    let above = above.iter().map(|authority| authority.certificate.clone());
    Identity::from_der(std::iter::once(own).chain(above), private(key)).expect("an identity")
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::try_from(key.serialize_der()).expect("a key in PKCS#8")
}

/// The same certificates, with the same key in another form.
fn rekeyed(identity: &Identity, key: PrivateKeyDer<'static>) -> Identity {
    Identity::from_der(identity.chain().iter().cloned(), key).expect("an identity")
}

/// What stands behind the first `mark` in a key.
fn behind<'a>(identity: &'a Identity, mark: &[u8]) -> &'a [u8] {
    let der = identity.key().secret_der();
    let place = der.windows(mark.len()).position(|window| window == mark);
    &der[place.expect("the key has the mark") + mark.len()..]
}

/// An Ed25519 key without its public half (RFC 8410, section 7).
fn version_one(identity: &Identity) -> PrivateKeyDer<'static> {
    let mark = [0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let mut der = vec![0x30, 0x2e, 2, 1, 0];
    der.extend(mark);
    der.extend(&behind(identity, &mark)[..32]);
    PrivateKeyDer::Pkcs8(der.into())
}

/// A P-256 key with the name of its curve (RFC 5915, section 3).
fn sec1(identity: &Identity) -> PrivateKeyDer<'static> {
    let start = [2, 1, 1, 4, 0x20];
    let mut der = vec![0x30, 0x31];
    der.extend(start);
    der.extend(&behind(identity, &start)[..32]);
    der.extend([0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
    PrivateKeyDer::Sec1(der.into())
}

/// What PKCS#8 wraps for RSA (RFC 8017, appendix A.1.2).
fn pkcs1(identity: &Identity) -> PrivateKeyDer<'static> {
    let algorithm = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let octet_string = behind(identity, &algorithm);
    assert_eq!(
        octet_string[..2],
        [4, 0x82],
        "an octet string with a long length"
    );
    PrivateKeyDer::Pkcs1(octet_string[4..].to_vec().into())
}

/// A certificate whose outer layer is sound and whose content is not.
pub fn hollow(certificate: &CertificateDer<'_>) -> CertificateDer<'static> {
    let mut der = certificate.to_vec();
    let content = der.iter_mut().skip(8);
    content.take(40).for_each(|octet| *octet = 0xff);
    der.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pki_is_made_and_made_once() {
        assert!(std::ptr::eq(pki(), pki()));
        assert_eq!(pki().p256.chain().len(), 2);
        assert_eq!(pki().long_chain.chain().len(), 7);
        assert_eq!(pki().longest_chain.chain().len(), MAX_CHAIN_LENGTH);
        let hollow = hollow(&pki().p256.chain()[0]);
        assert_eq!(hollow.len(), pki().p256.chain()[0].len());
        assert_ne!(hollow, pki().p256.chain()[0]);
    }
}
