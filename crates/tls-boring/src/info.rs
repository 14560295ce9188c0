//! What the library can do, as it is built.

use std::sync::LazyLock;

use boring::error::ErrorStack;
use boring::ssl::{SslContext, SslContextBuilder, SslMethod};
use tls_core::{BackendInfo, CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

use crate::{ffi, names, queue};

/// The name by which this backend is chosen.
pub(crate) const NAME: &str = "boring";

/// Asked of the library once: a process has one.
pub(crate) fn info() -> &'static BackendInfo {
    static INFO: LazyLock<BackendInfo> = LazyLock::new(|| queue::scoped(probe));
    &INFO
}

fn probe() -> BackendInfo {
    let mut info = BackendInfo::new(NAME, library());
    info.fips = boring::fips::enabled();
    info.cipher_suites = accepted(CipherSuite::ALL, |builder, suite| match suite.version() {
        ProtocolVersion::Tls13 => ffi::set_tls13_suites(builder, &[suite.number()]),
        _ => builder.set_strict_cipher_list(suite.name()),
    });
    info.groups = accepted(NamedGroup::ALL, |builder, group| {
        ffi::set_groups(builder, &[group.number()])
    });
    info.signature_schemes = accepted(SignatureScheme::ALL, |builder, scheme| {
        builder.set_verify_algorithm_prefs(&[names::scheme(scheme)])?;
        ffi::set_signing_schemes(builder, &[scheme.number()])
    });
    info.promise_all(kernel_tls::capabilities(), can_set);
    info
}

/// The library has a name and no version: its interface is numbered.
fn library() -> String {
    format!(
        "{} (API version {})",
        boring::version::version(),
        boring_sys::BORINGSSL_API_VERSION
    )
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
        assert!(
            info.library.starts_with("BoringSSL (API version "),
            "{}",
            info.library
        );
        for suite in CipherSuite::DEFAULT {
            assert!(info.cipher_suites.contains(suite), "{suite}");
        }
        for scheme in SignatureScheme::DEFAULT {
            assert!(info.signature_schemes.contains(scheme), "{scheme}");
        }
        for group in NamedGroup::DEFAULT {
            assert!(info.groups.contains(group), "{group}");
        }
    }

    #[test]
    fn what_the_library_does_not_have_is_left_out() {
        let info = info();
        let ccm = CipherSuite::TLS_AES_128_CCM_SHA256;
        assert!(!info.cipher_suites.contains(&ccm));
        assert!(!info.groups.contains(&NamedGroup::X448));
        assert!(!info.signature_schemes.contains(&SignatureScheme::Ed448));
        let none = accepted(&["no such suite"], |builder, name| {
            builder.set_strict_cipher_list(name)
        });
        assert!(none.is_empty());
    }

    #[test]
    fn all_that_a_role_can_have_is_promised() {
        for role in [Role::Client, Role::Server] {
            let kernel = Capabilities::KTLS_TX | Capabilities::KTLS_RX;
            let missing = kernel - kernel_tls::capabilities();
            assert_eq!(info().capabilities(role), Capabilities::of(role) - missing);
        }
    }

    #[test]
    fn probing_leaves_no_errors_behind() {
        let fresh = queue::scoped(probe);
        assert_eq!(queue::count(), 0);
        assert_eq!(fresh.client, info().client);
        assert!(!fresh.fips);
    }
}
