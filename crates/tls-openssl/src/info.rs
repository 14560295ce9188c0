//! What the library can do, as it is built and loaded.

use std::sync::LazyLock;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod};
use tls_core::{BackendInfo, CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

use crate::context::SECURITY_LEVEL;
use crate::{ffi, names, queue};

/// The name by which this backend is chosen.
pub(crate) const NAME: &str = "openssl";

/// Asked of the library once: a process loads one.
pub(crate) fn info() -> &'static BackendInfo {
    static INFO: LazyLock<BackendInfo> = LazyLock::new(|| queue::scoped(probe));
    &INFO
}

fn probe() -> BackendInfo {
    let mut info = BackendInfo::new(NAME, openssl::version::version());
    info.fips = ffi::fips_enabled();
    info.cipher_suites = cipher_suites();
    info.groups = accepted(NamedGroup::ALL, |builder, group| {
        builder.set_groups_list(names::group(group))
    });
    info.signature_schemes = accepted(SignatureScheme::ALL, |builder, scheme| {
        builder.set_sigalgs_list(names::signature_scheme(scheme))
    });
    info.promise_all(kernel_tls::capabilities(), can_set);
    info
}

/// Whether the library can be held to this version alone.
fn can_set(version: ProtocolVersion) -> bool {
    let only = || {
        let mut builder = SslContext::builder(SslMethod::tls())?;
        builder.set_min_proto_version(names::version(version))?;
        builder.set_max_proto_version(names::version(version))
    };
    let settable: Result<(), ErrorStack> = only();
    settable.is_ok()
}

/// The suites that a client would offer that asks for all.
fn cipher_suites() -> Vec<CipherSuite> {
    let offered = || {
        let mut builder = SslContext::builder(SslMethod::tls())?;
        builder.set_security_level(SECURITY_LEVEL);
        builder.set_min_proto_version(names::version(ProtocolVersion::Tls12))?;
        builder.set_max_proto_version(None)?;
        builder.set_cipher_list("ALL")?;
        builder.set_ciphersuites(&names::list(
            CipherSuite::ALL
                .iter()
                .filter(|suite| suite.version() == ProtocolVersion::Tls13)
                .map(|suite| suite.name()),
        ))?;
        let mut ssl = Ssl::new(&builder.build())?;
        ssl.set_connect_state();
        Ok(ffi::supported_ciphers(&mut ssl))
    };
    let offered: Result<_, ErrorStack> = offered();
    let numbers: Vec<_> = offered
        .ok()
        .flatten()
        .iter()
        .flatten()
        .map(|cipher| u16::from_be_bytes(cipher.protocol_id()))
        .collect();
    let has = |suite: &CipherSuite| numbers.contains(&suite.number());
    CipherSuite::ALL.iter().copied().filter(has).collect()
}

/// What the library takes, each tried alone.
fn accepted<T: Copy>(
    all: &[T],
    set: impl Fn(&mut SslContextBuilder, T) -> Result<(), ErrorStack>,
) -> Vec<T> {
    let takes = |item: &T| {
        SslContext::builder(SslMethod::tls())
            .and_then(|mut builder| set(&mut builder, *item))
            .is_ok()
    };
    all.iter().copied().filter(takes).collect()
}

#[cfg(test)]
mod tests {
    use tls_core::{Capabilities, Role};

    use super::*;

    #[test]
    fn the_library_names_itself_and_has_all_defaults() {
        let info = info();
        assert!(info.library.starts_with("OpenSSL 3."), "{}", info.library);
        for suite in CipherSuite::DEFAULT {
            assert!(info.cipher_suites.contains(suite), "{suite}");
        }
        assert!(
            info.cipher_suites
                .contains(&CipherSuite::TLS_AES_128_CCM_SHA256)
        );
        for scheme in SignatureScheme::DEFAULT {
            assert!(info.signature_schemes.contains(scheme), "{scheme}");
        }
        for group in [NamedGroup::X25519, NamedGroup::Secp256r1, NamedGroup::X448] {
            assert!(info.groups.contains(&group), "{group}");
        }
    }

    #[test]
    fn post_quantum_groups_are_promised_only_by_a_library_that_has_them() {
        let info = info();
        let number = openssl::version::number();
        let new = number >= 0x3050_0000;
        assert_eq!(info.groups.contains(&NamedGroup::X25519MLKEM768), new);
        assert_eq!(info.client.contains(Capabilities::POST_QUANTUM_GROUPS), new);
        assert_eq!(info.server.contains(Capabilities::POST_QUANTUM_GROUPS), new);
    }

    #[test]
    fn all_that_a_role_can_have_is_promised_but_for_what_the_library_may_lack() {
        for role in [Role::Client, Role::Server] {
            let missing = Capabilities::of(role) - info().capabilities(role);
            let kernel = Capabilities::KTLS_TX | Capabilities::KTLS_RX;
            assert_eq!(
                missing - Capabilities::POST_QUANTUM_GROUPS,
                kernel - kernel_tls::capabilities()
            );
            assert!(Capabilities::of(role).contains(info().capabilities(role)));
        }
    }

    #[test]
    fn probing_leaves_no_errors_behind() {
        let fresh = queue::scoped(probe);
        assert_eq!(queue::count(), 0);
        assert_eq!(fresh.client, info().client);
        assert!(!fresh.fips);
    }

    #[test]
    fn what_the_library_does_not_take_is_left_out() {
        let none = accepted(&["no such group"], |builder, name| {
            builder.set_groups_list(name)
        });
        assert!(none.is_empty());
    }
}
