use boring::hash::MessageDigest;
use boring::pkey::PKey;
use boring::rsa::Rsa;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, KeyUsagePurpose, NameConstraints, date_time_ymd,
};
use tls_core::{
    Alert, CertificateError, ClientAuth, ClientConfig, Error, Identity, ProtocolVersion, Roots,
    ServerConfig, TlsSession,
};

use backend_kit::Class;

use super::{classify, code_for};
use crate::ffi;
use crate::testing::{
    Authority, NAME, Pair, leaf_by, meet, raw_server, self_signed, serving, signed_by_itself,
    trusting,
};

/// What a client with these roots makes of this server, in both versions.
fn verdict(name: &str, roots: &Roots, server: &Identity) -> Result<(), CertificateError> {
    let verdicts = [ProtocolVersion::Tls12, ProtocolVersion::Tls13].map(|version| {
        let client = ClientConfig::builder()
            .roots(roots.clone())
            .max_version(version);
        let server = ServerConfig::builder().identity(server.clone());
        let mut pair = Pair::to(name, client, server);
        if pair.handshake().0.is_ok() {
            assert!(pair.client.facts().unwrap().peer_verified);
            return Ok(());
        }
        let (client, server) = pair.errors();
        let Error::Certificate(error) = client else {
            panic!("{client:?}");
        };
        assert_eq!(server, Error::AlertReceived(error.alert()), "{error:?}");
        Err(error)
    });
    let [older, newer] = verdicts;
    assert_eq!(older, newer);
    newer
}

fn leaf_verdict(change: impl FnOnce(&mut CertificateParams)) -> Result<(), CertificateError> {
    let authority = Authority::new();
    verdict(NAME, &authority.roots(), &authority.leaf_with(change))
}

fn expire(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
}

fn add_critical(params: &mut CertificateParams) {
    let mut extension =
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    extension.set_criticality(true);
    params.custom_extensions.push(extension);
}

#[test]
fn a_sound_chain_is_accepted() {
    assert_eq!(leaf_verdict(|_| {}), Ok(()));
    let authority = Authority::new();
    let roots = authority.roots();
    assert_eq!(verdict("192.0.2.1", &roots, &authority.leaf()), Ok(()));
    let below = authority.intermediate(|_| {}).leaf();
    assert_eq!(verdict(NAME, &roots, &below), Ok(()));
}

#[test]
fn each_fault_of_a_certificate_has_its_reason_and_alert() {
    use CertificateError as E;
    assert_eq!(leaf_verdict(expire), Err(E::Expired));
    let later = |params: &mut CertificateParams| params.not_before = date_time_ymd(2200, 1, 1);
    assert_eq!(
        leaf_verdict(|params| {
            later(params);
            params.not_after = date_time_ymd(2201, 1, 1);
        }),
        Err(E::NotYetValid)
    );
    assert_eq!(
        leaf_verdict(|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }),
        Err(E::InvalidPurpose)
    );
    assert_eq!(
        leaf_verdict(add_critical),
        Err(E::UnhandledCriticalExtension)
    );
    assert_eq!(
        leaf_verdict(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
        Err(E::CaUsedAsEndEntity)
    );
}

#[test]
fn a_certificate_signed_with_sha_1_is_refused() {
    let authority = Authority::new();
    let weak = authority.leaf_by(MessageDigest::sha1());
    assert_eq!(
        verdict(NAME, &authority.roots(), &weak),
        Err(CertificateError::UnacceptableAlgorithm)
    );
    let strong = authority.leaf_by(MessageDigest::sha256());
    assert_eq!(verdict(NAME, &authority.roots(), &strong), Ok(()));
}

#[test]
fn names_are_matched_against_subject_alternative_names_alone() {
    let authority = Authority::new();
    let roots = authority.roots();
    let named = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        authority.leaf_with(|params| {
            params.subject_alt_names = CertificateParams::new(names).unwrap().subject_alt_names;
            params
                .distinguished_name
                .push(rcgen::DnType::CommonName, "common.example");
        })
    };
    let mismatch = Err(CertificateError::NameMismatch);
    let leaf = named(&["*.example", "*.a.example", "b*.part.example"]);
    assert_eq!(verdict("x.a.example", &roots, &leaf), Ok(()));
    assert_eq!(verdict("X.A.EXAMPLE", &roots, &leaf), Ok(()));
    for name in [
        "common.example2",
        "y.x.a.example",
        "a.example2",
        "bx.part.example",
        "192.0.2.1",
        "192.0.2.2",
    ] {
        assert_eq!(verdict(name, &roots, &leaf), mismatch, "{name}");
    }
    let nameless = named(&[]);
    assert_eq!(verdict("common.example", &roots, &nameless), mismatch);
    assert_eq!(verdict("192.0.2.2", &roots, &authority.leaf()), mismatch);
}

#[test]
fn a_chain_to_nowhere_differs_from_a_forged_one() {
    let authority = Authority::new();
    let stranger = Authority::with(|params| {
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "somebody else");
    });
    let unknown = Err(CertificateError::UnknownIssuer);
    let forged = Err(CertificateError::BadSignature);
    assert_eq!(verdict(NAME, &stranger.roots(), &authority.leaf()), unknown);
    let itself = self_signed(|params| {
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "self-made");
    });
    assert_eq!(verdict(NAME, &authority.roots(), &itself), unknown);
    // The same name with another key, with and without key identifiers.
    assert_eq!(
        verdict(NAME, &Authority::new().roots(), &authority.leaf()),
        forged
    );
    let identified = authority.leaf_with(|params| {
        params.use_authority_key_identifier_extension = true;
    });
    assert_eq!(
        verdict(NAME, &Authority::new().roots(), &identified),
        forged
    );
    assert_eq!(verdict(NAME, &authority.roots(), &identified), Ok(()));
}

#[test]
fn the_first_reason_is_the_same_whatever_else_is_wrong() {
    let authority = Authority::new();
    let stranger = Authority::with(|params| {
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "somebody else");
    });
    let expired = authority.leaf_with(expire);
    for roots in [authority.roots(), stranger.roots()] {
        assert_eq!(
            verdict("other.example", &roots, &expired),
            Err(CertificateError::Expired)
        );
    }
    assert_eq!(
        verdict("other.example", &stranger.roots(), &authority.leaf()),
        Err(CertificateError::UnknownIssuer)
    );
}

#[test]
fn an_intermediate_must_be_a_ca_that_may_have_this_leaf() {
    use CertificateError as E;
    let authority = Authority::new();
    let roots = authority.roots();
    let below = |change: &dyn Fn(&mut CertificateParams)| {
        verdict(NAME, &roots, &authority.intermediate(change).leaf())
    };
    assert_eq!(
        below(&|params| params.is_ca = IsCa::ExplicitNoCa),
        Err(E::ConstraintViolated)
    );
    assert_eq!(
        below(&|params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature]),
        Err(E::ConstraintViolated)
    );
    assert_eq!(below(&expire), Err(E::Expired));
    let only = |name: &str| NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName(name.to_owned())],
        excluded_subtrees: Vec::new(),
    };
    assert_eq!(
        below(&|params| params.name_constraints = Some(only("elsewhere.example"))),
        Err(E::ConstraintViolated)
    );
    assert_eq!(
        below(&|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }),
        Err(E::InvalidPurpose)
    );
    assert_eq!(
        below(&|params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0))),
        Ok(())
    );
}

#[test]
fn a_path_has_six_intermediates_at_most() {
    let authority = Authority::new();
    for (count, expected) in [(6, Ok(())), (7, Err(CertificateError::ConstraintViolated))] {
        let leaf = authority.leaf_below(count);
        assert_eq!(leaf.chain().len(), count + 1);
        assert_eq!(verdict(NAME, &authority.roots(), &leaf), expected);
    }
}

#[test]
fn any_given_root_is_an_anchor_for_its_name_and_key_alone() {
    let expired = Authority::with(expire);
    assert_eq!(verdict(NAME, &expired.roots(), &expired.leaf()), Ok(()));
    let no_ca = Authority::with(|params| params.is_ca = IsCa::ExplicitNoCa);
    assert_eq!(verdict(NAME, &no_ca.roots(), &no_ca.leaf()), Ok(()));
    // An intermediate as the only root.
    let authority = Authority::new();
    let below = authority.intermediate(|_| {}).leaf();
    let partial = Roots::from_der([below.chain()[1].clone()]).unwrap();
    assert_eq!(verdict(NAME, &partial, &below), Ok(()));
}

#[test]
fn a_certificate_that_is_a_root_itself_is_accepted_if_it_vouches_for_itself_and_is_no_ca() {
    let own = |identity: &Identity| Roots::from_der([identity.chain()[0].clone()]).unwrap();
    let itself = self_signed(|_| {});
    assert_eq!(verdict(NAME, &own(&itself), &itself), Ok(()));
    let expired = self_signed(expire);
    assert_eq!(
        verdict(NAME, &own(&expired), &expired),
        Err(CertificateError::Expired)
    );
    let for_clients = self_signed(|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    assert_eq!(
        verdict(NAME, &own(&for_clients), &for_clients),
        Err(CertificateError::InvalidPurpose)
    );
    assert_eq!(
        verdict("other.example", &own(&itself), &itself),
        Err(CertificateError::NameMismatch)
    );
    let ca = self_signed(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert_eq!(
        verdict(NAME, &own(&ca), &ca),
        Err(CertificateError::CaUsedAsEndEntity)
    );
    let authority = Authority::new();
    assert_eq!(
        verdict(NAME, &authority.roots(), &authority.as_leaf()),
        Err(CertificateError::CaUsedAsEndEntity)
    );
    let leaf = authority.leaf();
    assert_eq!(
        verdict(NAME, &own(&leaf), &leaf),
        Err(CertificateError::UnknownIssuer)
    );
}

#[test]
fn a_key_usage_that_forbids_signing_is_refused_with_the_alert_for_that() {
    let authority = Authority::new();
    let encrypting = |change: &dyn Fn(&mut CertificateParams)| {
        authority.rsa_leaf_with(|params| {
            params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
            change(params);
        })
    };
    let roots = authority.roots();
    let verdict = |leaf| verdict(NAME, &roots, &leaf);
    assert_eq!(
        verdict(encrypting(&|_| {})),
        Err(CertificateError::InvalidPurpose)
    );
    // What weighs more is the reason here as well.
    assert_eq!(verdict(encrypting(&expire)), Err(CertificateError::Expired));
    let signing = authority.rsa_leaf_with(|params| {
        params.key_usages = vec![
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::DigitalSignature,
        ];
    });
    assert_eq!(verdict(signing), Ok(()));
}

#[test]
fn a_clients_key_that_may_not_sign_is_refused_with_the_alert_for_that() {
    let authority = Authority::new();
    let identity = authority.rsa_leaf_with(|params| {
        params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    });
    for version in [ProtocolVersion::Tls12, ProtocolVersion::Tls13] {
        let mut pair = Pair::new(
            trusting(&authority)
                .identity(identity.clone())
                .max_version(version),
            serving(&authority).client_auth(ClientAuth::Required(authority.roots())),
        );
        let (client, server) = pair.errors();
        assert_eq!(server, CertificateError::InvalidPurpose.into(), "{version}");
        assert_eq!(client, Error::AlertReceived(Alert::UNSUPPORTED_CERTIFICATE));
    }
}

#[test]
fn a_certificate_that_cannot_be_parsed_is_refused_for_that() {
    let authority = Authority::new();
    let leaf = authority.leaf();
    let key = PKey::private_key_from_der(leaf.key().secret_der()).unwrap();
    let chain = [leaf.chain()[0].to_vec(), vec![0x30, 1, 0]];
    for version in [ProtocolVersion::Tls12, ProtocolVersion::Tls13] {
        let (mut end, mut server) = raw_server(&leaf, |builder| {
            ffi::present(builder, &chain, &key);
        });
        let client = trusting(&authority).max_version(version);
        let (_, outcome) = meet(client, &mut end, &mut server);
        assert_eq!(
            outcome,
            Err(CertificateError::BadEncoding.into()),
            "{version}"
        );
    }
}

#[test]
fn a_root_vouches_whatever_its_key_usage_says() {
    let authority = Authority::with(|params| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    });
    assert_eq!(verdict(NAME, &authority.roots(), &authority.leaf()), Ok(()));
}

#[test]
fn a_short_key_is_refused_even_if_it_is_a_roots() {
    for (bits, expected) in [
        (1024, Err(CertificateError::UnacceptableAlgorithm)),
        (2048, Ok(())),
    ] {
        let key = PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
        let root = signed_by_itself(&key, MessageDigest::sha256());
        let leaf = leaf_by(&root, &key, MessageDigest::sha256());
        let roots = Roots::from_der([root]).unwrap();
        assert_eq!(verdict(NAME, &roots, &leaf), expected);
    }
}

#[test]
fn the_chain_is_verified_without_the_name_where_that_is_asked() {
    let authority = Authority::new();
    let any_name = || trusting(&authority).danger().accept_any_name();
    for name in ["other.example", "198.51.100.7"] {
        let mut pair = Pair::to(name, any_name(), serving(&authority));
        pair.connect();
        assert!(pair.client.facts().unwrap().peer_verified);
    }
    let stranger = self_signed(|_| {});
    let mut pair = Pair::new(any_name(), ServerConfig::builder().identity(stranger));
    assert_eq!(pair.errors().0, CertificateError::UnknownIssuer.into());
}

#[test]
fn a_clients_chain_is_judged_the_same_way() {
    let authority = Authority::new();
    let cases = [
        (authority.leaf_with(expire), CertificateError::Expired),
        (
            authority.leaf_with(|params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            }),
            CertificateError::InvalidPurpose,
        ),
        (self_signed(|_| {}), CertificateError::UnknownIssuer),
    ];
    for (identity, expected) in cases {
        for version in [ProtocolVersion::Tls12, ProtocolVersion::Tls13] {
            for demand in [ClientAuth::Optional, ClientAuth::Required] {
                let mut pair = Pair::new(
                    trusting(&authority)
                        .identity(identity.clone())
                        .max_version(version),
                    serving(&authority).client_auth(demand(authority.roots())),
                );
                let (client, server) = pair.errors();
                assert_eq!(server, expected.clone().into());
                assert_eq!(client, Error::AlertReceived(expected.alert()));
            }
        }
    }
}

#[test]
fn codes_without_a_name_keep_the_librarys_words() {
    assert_eq!(classify(23), (Class::Revocation, CertificateError::Revoked));
    let (class, error) = classify(17);
    assert_eq!(class, Class::Other);
    assert_eq!(error.to_string(), "out of memory");
    assert_eq!(error.alert(), Alert::CERTIFICATE_UNKNOWN);
    assert_eq!(code_for(error.alert()), 41);
}
