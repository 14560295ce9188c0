use std::sync::Arc;

use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use tls_core::{
    Capabilities as C, CipherSuite, ClientAuth, ClientConfig, Error, Identity, KeyLog, NamedGroup,
    PrivateKeyDer, ProtocolVersion, Role, Roots, ServerConfig, SignatureScheme, Step, TlsBackend,
    parse_server_name,
};
use tls_rustls::Rustls;

use super::assert_clean;
use super::pair::{Pair, serving, trusting};
use super::pki::{Authority, identity, self_signed};
use crate::Native;

#[test]
fn each_role_promises_what_the_library_has_in_it() {
    let info = Native::new().info();
    assert_eq!(info.name, "native-tls");
    assert!(
        info.library.starts_with("native-tls 0.2 over OpenSSL 3."),
        "{}",
        info.library
    );
    assert!(!info.fips);
    let client = C::TLS12
        | C::TLS13
        | C::ROOTS
        | C::VERIFY_IP
        | C::VERIFY_CHAIN_ONLY
        | C::VERIFY_NOTHING
        | C::IDENTITY
        | C::SNI
        | C::ALPN;
    assert_eq!(info.client, client);
    assert_eq!(info.server, C::TLS12 | C::IDENTITY);
    assert_clean();
}

#[derive(Debug)]
struct Deaf;

impl KeyLog for Deaf {
    fn log(&self, _: &str) {}
}

#[test]
fn a_client_refuses_every_setting_that_the_library_lacks() {
    let authority = Authority::new();
    let trusting = || trusting(&authority);
    let suites = CipherSuite::DEFAULT.iter().copied();
    let of = |version| {
        suites
            .clone()
            .filter(move |suite| suite.version() == version)
    };
    use ProtocolVersion::{Tls12, Tls13};
    let settings = [
        (
            C::CIPHER_SUITES_TLS12,
            trusting().max_version(Tls12).cipher_suites(of(Tls12)),
        ),
        (
            C::CIPHER_SUITES_TLS13,
            trusting().min_version(Tls13).cipher_suites(of(Tls13)),
        ),
        (C::GROUPS, trusting().groups([NamedGroup::X25519])),
        (
            C::SIGNATURE_SCHEMES,
            trusting().signature_schemes([SignatureScheme::Ed25519]),
        ),
        (C::KEY_LOG, trusting().key_log(Arc::new(Deaf))),
    ];
    let required = C::of(Role::Client) - Native::new().info().client;
    let required = required.iter().map(|flag| (flag, trusting().require(flag)));
    for (flag, builder) in settings.into_iter().chain(required) {
        let error = Native::new().client(&builder.build().unwrap()).unwrap_err();
        assert_unsupported(&error, flag);
    }
}

#[test]
fn a_server_refuses_every_setting_that_the_library_lacks() {
    let authority = Authority::new();
    let serving = || serving(&authority);
    let roots = || authority.roots();
    let settings = [
        (C::TLS13, serving().min_version(ProtocolVersion::Tls13)),
        (C::GROUPS, serving().groups([NamedGroup::X25519])),
        (
            C::SIGNATURE_SCHEMES,
            serving().signature_schemes([SignatureScheme::Ed25519]),
        ),
        (
            C::CLIENT_AUTH_OPTIONAL,
            serving().client_auth(ClientAuth::Optional(roots())),
        ),
        (
            C::CLIENT_AUTH_REQUIRED,
            serving().client_auth(ClientAuth::Required(roots())),
        ),
        (C::ALPN, serving().alpn(["h2"])),
        (C::KEY_LOG, serving().key_log(Arc::new(Deaf))),
    ];
    let required = C::of(Role::Server) - Native::new().info().server;
    let required = required.iter().map(|flag| (flag, serving().require(flag)));
    for (flag, builder) in settings.into_iter().chain(required) {
        let error = Native::new().server(&builder.build().unwrap()).unwrap_err();
        assert_unsupported(&error, flag);
    }
}

#[test]
fn a_protocol_that_is_no_text_is_refused() {
    let client = trusting(&Authority::new()).alpn([&b"h2"[..], b"\xff"]);
    let error = Native::new().client(&client.build().unwrap()).unwrap_err();
    assert_unsupported(&error, C::ALPN_OCTETS);
    assert!(error.to_string().contains("UTF-8"), "{error}");
}

#[test]
fn a_session_refuses_what_the_library_has_no_call_for_and_goes_on() {
    for mut pair in super::pair::connected() {
        let near = &mut pair.client;
        let native = near.session.facts().unwrap().version.is_none();
        if native {
            let refused = near.session.key_update(&mut near.end).unwrap_err();
            assert_unsupported(&refused, C::KEY_UPDATE);
            let exported = near
                .session
                .export_keying_material(&mut [0; 8], "label", None);
            assert_unsupported(&exported.unwrap_err(), C::EXPORTER);
        }
        assert_eq!(near.write(b"on"), Ok(Step::Ready(2)));
        assert_eq!(pair.server.receive(), b"on");
    }
}

#[track_caller]
fn assert_unsupported(error: &Error, flag: C) {
    let Error::Unsupported(refusal) = error else {
        panic!("{flag} is not refused: {error:?}");
    };
    assert_eq!(refusal.capability, flag);
    assert_eq!(refusal.backend, "native-tls");
    assert_clean();
}

#[test]
fn a_root_that_is_none_is_refused() {
    let authority = Authority::new();
    let refused = |roots: Roots| {
        let config = ClientConfig::builder().roots(roots).build().unwrap();
        let error = Native::new().client(&config).unwrap_err();
        assert_clean();
        error
    };
    let garbage = Roots::from_der([authority.der(), vec![0x30, 0].into()]).unwrap();
    let error = refused(garbage);
    assert!(
        matches!(&error, Error::Config(error) if error.field == "roots" && error.reason.contains("certificate 1")),
        "{error:?}"
    );
    let middle = authority.leaf_below(|_| {}).chain()[1].clone();
    let error = refused(Roots::from_der([authority.der(), middle]).unwrap());
    assert_unsupported(&error, C::CERTIFICATE_RULES);
    assert!(error.to_string().contains("certificate 1"), "{error}");
}

#[test]
fn bundled_roots_are_all_taken() {
    let config = ClientConfig::builder().roots(Roots::bundled()).build();
    Native::new().client(&config.unwrap()).unwrap();
    assert_clean();
}

fn refusal(identity: &Identity) -> String {
    let server = ServerConfig::builder().identity(identity.clone());
    let at_server = Native::new().server(&server.build().unwrap()).unwrap_err();
    assert_clean();
    let client = ClientConfig::builder().roots(Roots::bundled());
    let client = client.identity(identity.clone());
    let at_client = Native::new().client(&client.build().unwrap()).unwrap_err();
    assert_clean();
    assert_eq!(at_client, at_server);
    match at_server {
        Error::Config(error) => {
            assert_eq!(error.field, "identity");
            error.reason.into_owned()
        }
        other => panic!("{other:?}"),
    }
}

fn with_key(like: &Identity, key: Vec<u8>) -> Identity {
    Identity::from_der(like.chain().to_vec(), PrivateKeyDer::Pkcs8(key.into())).unwrap()
}

#[test]
fn an_identity_that_does_not_fit_together_or_parse_is_refused_with_its_reason() {
    let leaf = Authority::new().leaf();
    let stranger = rcgen::KeyPair::generate().unwrap().serialize_der();
    assert!(refusal(&with_key(&leaf, stranger)).contains("not the certificate's"));
    assert!(refusal(&with_key(&leaf, vec![0x30, 0])).contains("key cannot be parsed"));
    let broken = vec![leaf.chain()[0].clone(), vec![0x30, 0].into()];
    let broken = Identity::from_der(broken, leaf.key().clone_key()).unwrap();
    assert!(refusal(&broken).contains("certificate 1 of the chain cannot be parsed"));
    let weak = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    let reason = refusal(&with_key(&leaf, weak.private_key_to_pkcs8().unwrap()));
    assert!(reason.contains("1024 bits"), "{reason}");
}

#[test]
fn a_key_in_each_form_is_taken() {
    let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&ed25519);
    let certificate = certificate.unwrap().der().clone();
    let version_two = identity(vec![certificate], &ed25519);

    let own = self_signed(|_| {});
    let ec = PKey::private_key_from_der(own.key().secret_der()).unwrap();
    let sec1 = PrivateKeyDer::Sec1(ec.ec_key().unwrap().private_key_to_der().unwrap().into());
    let sec1 = Identity::from_der(own.chain().to_vec(), sec1).unwrap();

    let rsa = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let certificate = rcgen::CertificateParams::default()
        .self_signed(&rsa)
        .unwrap();
    let parsed = PKey::private_key_from_der(&rsa.serialize_der()).unwrap();
    let pkcs1 = parsed.rsa().unwrap().private_key_to_der().unwrap();
    let pkcs1 = PrivateKeyDer::Pkcs1(pkcs1.into());
    let pkcs1 = Identity::from_der([certificate.der().clone()], pkcs1).unwrap();

    for identity in [version_two, sec1, pkcs1] {
        let client = ClientConfig::builder().danger().accept_any_certificate();
        let server = ServerConfig::builder().identity(identity.clone());
        let mut pair = Pair::of((Rustls::default(), Native::new()), client, server);
        pair.connect();
        let seen = pair.client.session.facts().unwrap();
        assert_eq!(seen.peer_certificates, identity.chain());
    }
}

#[test]
fn contexts_are_shared_and_say_little_of_themselves() {
    let authority = Authority::new();
    let client = Native::new()
        .client(&trusting(&authority).build().unwrap())
        .unwrap();
    let server = Native::new()
        .server(&serving(&authority).build().unwrap())
        .unwrap();
    let name = parse_server_name("server.example").unwrap();
    for _ in 0..2 {
        Native::new().connect(&client.clone(), &name).unwrap();
        Native::new().accept(&server.clone()).unwrap();
    }
    assert!(format!("{:?}", client.connector()).contains("use_sni"));
    assert_eq!(format!("{server:?}"), "ServerContext { .. }");
    assert_clean();
}

/// To serve such certificates is their owner's choice, but the library is
/// not ready to: what it refuses only amid a handshake is found here before.
#[test]
fn an_identity_that_is_too_weak_for_the_library_is_refused_as_beyond_it() {
    let key = include_bytes!("../../../../tests/fixtures/leaf_key.pem");
    for chain in [
        &include_bytes!("../../../../tests/fixtures/below_rsa_1024.pem")[..],
        include_bytes!("../../../../tests/fixtures/signed_with_sha1.pem"),
    ] {
        let identity = Identity::from_pem(chain, key).unwrap();
        let server = ServerConfig::builder().identity(identity.clone());
        let error = Native::new().server(&server.build().unwrap()).unwrap_err();
        assert_unsupported(&error, C::CERTIFICATE_RULES);
        assert!(error.to_string().contains("of the chain"), "{error}");
        let client = ClientConfig::builder().roots(Roots::bundled());
        let client = client.identity(identity).build().unwrap();
        assert_eq!(Native::new().client(&client).unwrap_err(), error);
    }
}
