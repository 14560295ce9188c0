//! What is refused before any byte is sent, and what is advertised.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use tls_core::{
    Capabilities, CertificateDer, CipherSuite, ClientAuth, Error, Identity, NamedGroup, Roots,
    SignatureScheme, TlsBackend,
};

use super::{client_config, pki, server_config};
use crate::Rustls;

fn config_error<T: std::fmt::Debug>(result: Result<T, Error>) -> (&'static str, String) {
    match result {
        Err(Error::Config(error)) => (error.field, error.reason.into_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_release_that_is_named_is_the_one_that_is_linked() {
    let lock = include_str!("../../../../Cargo.lock");
    let linked = lock
        .split("name = \"rustls\"\nversion = \"")
        .nth(1)
        .unwrap();
    let library = Rustls::default().info().library;
    let release = library.split(' ').nth(1).unwrap();
    assert!(linked.starts_with(&format!("{release}.")), "{library}");
    assert_eq!(library, format!("rustls {release} with aws-lc-rs"));
}

#[test]
fn everything_of_aws_lc_rs_is_advertised() {
    let info = Rustls::default().info();
    assert_eq!(info.name, "rustls");
    for flags in [info.client, info.server] {
        assert!(flags.contains(Capabilities::TLS12 | Capabilities::TLS13));
        assert!(flags.contains(Capabilities::POST_QUANTUM_GROUPS));
    }
    for group in NamedGroup::DEFAULT {
        assert!(info.groups.contains(group), "{group}");
    }
    assert!(info.groups.contains(&NamedGroup::SecP256r1MLKEM768));
    for suite in CipherSuite::DEFAULT {
        assert!(info.cipher_suites.contains(suite), "{suite}");
    }
    for scheme in SignatureScheme::DEFAULT {
        assert!(info.signature_schemes.contains(scheme), "{scheme}");
    }
}

#[test]
fn what_a_provider_lacks_is_neither_advertised_nor_taken() {
    let mut provider = aws_lc_rs::default_provider();
    provider
        .cipher_suites
        .retain(|suite| suite.tls13().is_some());
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
    let backend = Rustls::with_provider(Arc::new(provider));
    let info = backend.info();
    assert_eq!(info.groups, [NamedGroup::X25519]);
    let lacks =
        Capabilities::TLS12 | Capabilities::CIPHER_SUITES_TLS12 | Capabilities::POST_QUANTUM_GROUPS;
    assert!(!info.client.intersects(lacks) && !info.server.intersects(lacks));

    assert!(backend.client(&client_config().build().unwrap()).is_ok());
    let asks = client_config()
        .groups([NamedGroup::Secp256r1])
        .build()
        .unwrap();
    assert!(matches!(
        backend.client(&asks),
        Err(Error::Unsupported(refusal)) if refusal.capability == Capabilities::GROUPS
    ));
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let server = &pki::pki().server;
    let other = pki::pki().client.key().clone_key();
    let mixed = Identity::from_der(server.chain().to_vec(), other).unwrap();
    let config = server_config().identity(mixed.clone()).build().unwrap();
    let (field, reason) = config_error(Rustls::default().server(&config));
    assert_eq!(
        (field, reason.as_str()),
        ("identity", "the private key is not the certificate's")
    );
    let config = client_config().identity(mixed).build().unwrap();
    assert_eq!(
        config_error(Rustls::default().client(&config)).0,
        "identity"
    );
}

#[test]
fn an_identity_that_cannot_be_parsed_is_refused_and_named() {
    let good = &pki::pki().server;
    let hollow = CertificateDer::from(vec![0x30, 0]);
    let refused = |identity: Identity| {
        let config = server_config().identity(identity).build().unwrap();
        config_error(Rustls::default().server(&config))
    };
    let chain = [good.chain(), std::slice::from_ref(&hollow)].concat();
    let (field, reason) = refused(Identity::from_der(chain, good.key().clone_key()).unwrap());
    assert_eq!(field, "identity");
    assert!(reason.contains("certificate 1"), "{reason}");
    let key = tls_core::PrivateKeyDer::Pkcs8(vec![0x30, 0].into());
    let (field, reason) = refused(Identity::from_der(good.chain().to_vec(), key).unwrap());
    assert_eq!(field, "identity");
    assert!(reason.contains("private key"), "{reason}");
}

#[test]
fn roots_that_cannot_be_parsed_are_refused_in_both_roles() {
    let hollow = Roots::from_der([CertificateDer::from(vec![0x30, 0])]).unwrap();
    let config = client_config().roots(hollow.clone()).build().unwrap();
    assert_eq!(config_error(Rustls::default().client(&config)).0, "roots");
    let config = server_config()
        .client_auth(ClientAuth::Required(hollow))
        .build()
        .unwrap();
    assert_eq!(config_error(Rustls::default().server(&config)).0, "roots");
}

#[test]
fn a_context_holds_to_the_config_and_resumes_nothing() {
    let backend = Rustls::default();
    let config = client_config()
        .groups([NamedGroup::Secp384r1, NamedGroup::X25519])
        .cipher_suites([
            CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        ])
        .build()
        .unwrap();
    let context = backend.client(&config).unwrap();
    let provider = context.config().crypto_provider();
    let groups: Vec<_> = provider
        .kx_groups
        .iter()
        .map(|group| u16::from(group.name()))
        .collect();
    assert_eq!(groups, [24, 29]);
    let suites: Vec<_> = provider
        .cipher_suites
        .iter()
        .map(|s| u16::from(s.suite()))
        .collect();
    assert_eq!(suites, [0x1303, 0xc02b]);

    let context = backend.server(&server_config().build().unwrap()).unwrap();
    assert_eq!(context.config().send_tls13_tickets, 0);
    assert!(!context.config().ticketer.enabled());
    assert!(!context.config().session_storage.can_cache());
}
