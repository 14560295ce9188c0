use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tls_core::{Alert, CertificateError, ClientConfig, Error, Identity, Roots, ServerConfig};
use tls_rustls::Rustls;

use super::VERSIONS;
use super::pair::{Pair, trusting};
use super::pki::{Authority, NAME, self_signed};
use crate::Native;
use crate::library::Judging;
use crate::peers::Peers;

/// What a client with these roots makes of this server, in both versions, and
/// what the server is told.
#[track_caller]
fn verdict(
    name: &str,
    roots: &Roots,
    server: &Identity,
) -> Result<(), (CertificateError, Option<Alert>)> {
    let verdicts = VERSIONS.map(|version| {
        let client = ClientConfig::builder()
            .roots(roots.clone())
            .max_version(version);
        let server = ServerConfig::builder().identity(server.clone());
        let mut pair = Pair::to(name, (Native::new(), Rustls::default()), client, server);
        if pair.handshake().0.is_ok() {
            assert!(pair.client.session.facts().unwrap().peer_verified);
            return Ok(());
        }
        let (client, server) = pair.errors();
        let Error::Certificate(error) = client else {
            panic!("{client:?}");
        };
        match server {
            Error::AlertReceived(alert) => Err((error, Some(alert))),
            Error::Truncated => Err((error, None)),
            other => panic!("{other:?}"),
        }
    });
    let [older, newer] = verdicts;
    assert_eq!(older, newer);
    newer
}

#[track_caller]
fn leaf_verdict(
    change: impl FnOnce(&mut CertificateParams),
) -> Result<(), (CertificateError, Option<Alert>)> {
    let authority = Authority::new();
    verdict(NAME, &authority.roots(), &authority.leaf_with(change))
}

fn expire(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
}

#[test]
fn a_sound_chain_is_accepted() {
    assert_eq!(leaf_verdict(|_| {}), Ok(()));
    let authority = Authority::new();
    let roots = authority.roots();
    assert_eq!(verdict("192.0.2.1", &roots, &authority.leaf()), Ok(()));
    let below = authority.leaf_below(|_| {});
    assert_eq!(verdict(NAME, &roots, &below), Ok(()));
    let both = roots.and(&Authority::new().roots());
    assert_eq!(verdict(NAME, &both, &below), Ok(()));
}

/// The alert is the library's own, and for some reasons another than ours.
#[test]
fn faults_that_the_library_finds_have_their_reason_and_its_alert() {
    use CertificateError as E;
    for (change, error, alert) in [
        (
            expire as fn(&mut CertificateParams),
            E::Expired,
            Alert::CERTIFICATE_EXPIRED,
        ),
        (
            |params| {
                params.not_before = date_time_ymd(2200, 1, 1);
                params.not_after = date_time_ymd(2201, 1, 1);
            },
            E::NotYetValid,
            Alert::BAD_CERTIFICATE,
        ),
        (
            |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
            E::InvalidPurpose,
            Alert::UNSUPPORTED_CERTIFICATE,
        ),
        (
            |params| {
                let number = [1, 3, 6, 1, 4, 1, 32473, 1];
                let mut unknown = CustomExtension::from_oid_content(&number, vec![5, 0]);
                unknown.set_criticality(true);
                params.custom_extensions.push(unknown);
            },
            E::UnhandledCriticalExtension,
            Alert::CERTIFICATE_UNKNOWN,
        ),
    ] {
        assert_eq!(leaf_verdict(change), Err((error, Some(alert))));
    }
}

#[test]
fn a_chain_to_nowhere_and_another_name_are_refused() {
    use CertificateError as E;
    let authority = Authority::new();
    let stranger = Authority::with(|params| {
        params
            .distinguished_name
            .push(DnType::CommonName, "polytls test stranger");
    });
    for (name, roots, error) in [
        ("elsewhere.example", authority.roots(), E::NameMismatch),
        ("192.0.2.2", authority.roots(), E::NameMismatch),
        (NAME, stranger.roots(), E::UnknownIssuer),
        (NAME, Roots::bundled(), E::UnknownIssuer),
    ] {
        let alert = error.alert();
        let found = verdict(name, &roots, &authority.leaf());
        assert_eq!(found, Err((error, Some(alert))));
    }
}

#[test]
fn what_the_library_lets_pass_is_refused_behind_it_and_without_an_alert() {
    use CertificateError as E;
    let ca = |params: &mut CertificateParams| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    };
    assert_eq!(leaf_verdict(ca), Err((E::CaUsedAsEndEntity, None)));
    let common_name = |params: &mut CertificateParams| {
        params.subject_alt_names.clear();
        params.distinguished_name.push(DnType::CommonName, NAME);
    };
    assert_eq!(leaf_verdict(common_name), Err((E::NameMismatch, None)));
    let own = self_signed(ca);
    let roots = Roots::from_der(own.chain().to_vec()).unwrap();
    let found = verdict(NAME, &roots, &own);
    assert_eq!(found, Err((E::CaUsedAsEndEntity, None)));
    let authority = Authority::new();
    let rsa = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let found = verdict(
        NAME,
        &authority.roots(),
        &authority.leaf_for(&rsa, only_encrypts),
    );
    assert_eq!(found, Err((E::InvalidPurpose, None)));
}

fn only_encrypts(params: &mut CertificateParams) {
    params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
}

/// In TLS 1.2 the library finds it out by itself.
#[test]
fn an_ecdsa_key_that_may_not_sign_has_the_same_reason_in_each_version() {
    for version in VERSIONS {
        let authority = Authority::new();
        let client = trusting(&authority).max_version(version);
        let server = ServerConfig::builder().identity(authority.leaf_with(only_encrypts));
        let mut pair = Pair::of((Native::new(), Rustls::default()), client, server);
        let error = Error::from(CertificateError::InvalidPurpose);
        assert_eq!(pair.errors().0, error, "{version}");
    }
}

#[test]
fn the_chain_is_verified_without_the_name_where_that_is_asked() {
    let authority = Authority::new();
    for (identity, refused) in [
        (authority.leaf(), None),
        (
            authority.leaf_with(|params| params.subject_alt_names.clear()),
            None,
        ),
        (authority.leaf_with(expire), Some(CertificateError::Expired)),
        (self_signed(|_| {}), Some(CertificateError::UnknownIssuer)),
    ] {
        for name in ["elsewhere.example", "192.0.2.99"] {
            let client = trusting(&authority).danger().accept_any_name();
            let server = ServerConfig::builder().identity(identity.clone());
            let mut pair = Pair::to(name, (Native::new(), Rustls::default()), client, server);
            match &refused {
                None => {
                    pair.connect();
                    assert!(pair.client.session.facts().unwrap().peer_verified);
                }
                Some(error) => assert_eq!(pair.errors().0, error.clone().into()),
            }
        }
    }
}

#[test]
fn a_certificate_that_vouches_for_itself_is_accepted_as_its_own_root() {
    let own = self_signed(|_| {});
    let roots = Roots::from_der(own.chain().to_vec()).unwrap();
    assert_eq!(verdict(NAME, &roots, &own), Ok(()));
}

#[test]
fn a_judgement_holds_for_the_same_certificate_and_what_it_looked_at() {
    let nameless = self_signed(|params| {
        params.subject_alt_names.clear();
        params.distinguished_name.push(DnType::CommonName, NAME);
    });
    let own = &nameless.chain()[0];
    let peers = Peers::default();
    let first = peers.accept(own, Judging::Chain).unwrap();
    for _ in 0..2 {
        let for_host = peers.accept(own, Judging::ForHost);
        assert_eq!(for_host, Err(CertificateError::NameMismatch));
        let again = peers.accept(own, Judging::Chain).unwrap();
        assert_eq!(again.as_ptr(), first.as_ptr(), "one copy is held");
    }
    let other = self_signed(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    for _ in 0..2 {
        let refused = peers.accept(&other.chain()[0], Judging::Chain);
        assert_eq!(refused, Err(CertificateError::CaUsedAsEndEntity));
    }
}
