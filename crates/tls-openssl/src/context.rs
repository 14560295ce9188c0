//! What both roles set in the library's context.

use std::panic::{AssertUnwindSafe, catch_unwind};

use openssl::error::ErrorStack;
use openssl::ssl::{
    SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslSessionCacheMode,
};
use openssl::x509::verify::{X509CheckFlags, X509VerifyFlags};
use tls_core::limits::MAX_INTERMEDIATES;
use tls_core::{BackendInfo, Error, NamedGroup, Protocol, ProtocolVersion};

use crate::info::NAME;
use crate::notes::Notes;
use crate::{OpenSsl, ffi, names};

/// At least 112 bits of security: RSA of 2048 bits, no SHA-1 in signatures
/// (`SSL_CTX_set_security_level`).
pub(crate) const SECURITY_LEVEL: u32 = 2;

/// How a host name is matched: against subjectAltName alone, a wildcard for a
/// whole label alone (RFC 9525).
pub(crate) const HOST_FLAGS: X509CheckFlags =
    X509CheckFlags::NO_PARTIAL_WILDCARDS.union(X509CheckFlags::NEVER_CHECK_SUBJECT);

/// A context with everything set that the two roles share, whether the config
/// names it or not: the library's configuration file has no say.
pub(crate) fn builder(
    backend: OpenSsl,
    protocol: &Protocol,
    info: &BackendInfo,
) -> Result<SslContextBuilder, Error> {
    let build = || {
        let mut builder = SslContext::builder(SslMethod::tls())?;
        set_behaviour(&mut builder, backend);
        set_verification(&mut builder)?;
        set_algorithms(&mut builder, protocol, info)?;
        set_key_log(&mut builder, protocol);
        Ok(builder)
    };
    build().map_err(|error: ErrorStack| Error::backend(NAME, error))
}

/// Options, modes and the session cache.
fn set_behaviour(builder: &mut SslContextBuilder, backend: OpenSsl) {
    builder.clear_options(builder.options());
    builder.set_options(
        SslOptions::NO_COMPRESSION
            | SslOptions::NO_RENEGOTIATION
            | SslOptions::NO_TICKET
            | SslOptions::ENABLE_MIDDLEBOX_COMPAT,
    );
    // Without AUTO_RETRY a read comes back after each message that is no
    // data, so that the session can send what the message caused.
    let release = SslMode::RELEASE_BUFFERS;
    ffi::clear_mode(builder, SslMode::AUTO_RETRY | release);
    builder.set_mode(
        SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER
            | SslMode::NO_AUTO_CHAIN,
    );
    if backend.releases_buffers() {
        builder.set_mode(release);
    }
    builder.set_read_ahead(true);
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
}

/// Any root that is given is an anchor, and the path to it has a bound.
fn set_verification(builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    let param = builder.verify_param_mut();
    param.clear_flags(X509VerifyFlags::from_bits_retain(!0))?;
    param.set_flags(X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::TRUSTED_FIRST)?;
    builder.set_verify_depth(MAX_INTERMEDIATES);
    Ok(())
}

/// Versions, suites, groups and signature schemes.
fn set_algorithms(
    builder: &mut SslContextBuilder,
    protocol: &Protocol,
    info: &BackendInfo,
) -> Result<(), ErrorStack> {
    builder.set_security_level(SECURITY_LEVEL);
    ffi::exempt_own_certificates(builder);
    let (min, max) = protocol.versions().into_inner();
    builder.set_min_proto_version(names::version(min))?;
    builder.set_max_proto_version(names::version(max))?;

    let suites = protocol.cipher_suites(info);
    let of = |version| {
        names::list(
            suites
                .iter()
                .filter(move |suite| suite.version() == version)
                .map(|&suite| names::cipher_suite(suite)),
        )
    };
    builder.set_ciphersuites(&of(ProtocolVersion::Tls13))?;
    let older = of(ProtocolVersion::Tls12);
    // The library takes no empty list; without TLS 1.2 it uses none of it.
    if !older.is_empty() {
        builder.set_cipher_list(&older)?;
    }

    set_groups(builder, &protocol.groups(info))?;

    let schemes = names::list(
        protocol
            .signature_schemes(info)
            .iter()
            .map(|&scheme| names::signature_scheme(scheme)),
    );
    builder.set_sigalgs_list(&schemes)?;
    if !ffi::set_client_sigalgs(builder, &schemes) {
        return Err(ErrorStack::get());
    }
    Ok(())
}

/// A client sends a key share of the first group. If that is a hybrid it
/// sends one of the first classical group too, which costs little and spares
/// a round trip with a server that has no hybrids.
fn set_groups(builder: &mut SslContextBuilder, groups: &[NamedGroup]) -> Result<(), ErrorStack> {
    let plain = names::list(groups.iter().map(|&group| names::group(group)));
    if groups.first().is_some_and(|first| first.is_post_quantum())
        && let Some(classical) = groups.iter().position(|group| !group.is_post_quantum())
    {
        let marked: Vec<_> = groups
            .iter()
            .enumerate()
            .map(|(index, &group)| {
                let mark = if index == 0 || index == classical {
                    "*"
                } else {
                    ""
                };
                format!("{mark}{}", names::group(group))
            })
            .collect();
        // The mark is not known to a library that has hybrids from a provider.
        if builder.set_groups_list(&marked.join(":")).is_ok() {
            return Ok(());
        }
    }
    builder.set_groups_list(&plain)
}

/// Shows secrets to the config's key log, and keeps those that the kernel is
/// to have.
fn set_key_log(builder: &mut SslContextBuilder, protocol: &Protocol) {
    let key_log = protocol.key_log().cloned();
    let keeps = protocol.prefers_kernel_tls() && !kernel_tls::capabilities().is_empty();
    if key_log.is_none() && !keeps {
        return;
    }
    builder.set_keylog_callback(move |ssl, line| {
        if keeps && let Some(notes) = Notes::of(ssl) {
            notes.note_secret(line);
        }
        if let Some(key_log) = &key_log {
            // A panic must not reach the library, and a lost line not the session.
            let _ = catch_unwind(AssertUnwindSafe(|| key_log.log(line)));
        }
    });
}

#[cfg(test)]
mod tests {
    use tls_core::ClientConfig;

    use super::*;
    use crate::info::info;

    fn bare(backend: OpenSsl) -> SslContextBuilder {
        let config = ClientConfig::builder()
            .danger()
            .accept_any_certificate()
            .build()
            .unwrap();
        builder(backend, config.protocol(), info()).unwrap()
    }

    #[test]
    fn buffers_are_released_only_where_that_is_asked() {
        for asked in [false, true] {
            let mut builder = bare(OpenSsl::new().release_buffers(asked));
            let mode = builder.set_mode(SslMode::empty());
            assert_eq!(mode.contains(SslMode::RELEASE_BUFFERS), asked);
            assert!(!mode.contains(SslMode::AUTO_RETRY));
            assert!(mode.contains(SslMode::NO_AUTO_CHAIN));
        }
    }

    #[test]
    fn options_are_ours_alone() {
        let builder = bare(OpenSsl::new());
        let ours = SslOptions::NO_COMPRESSION
            | SslOptions::NO_RENEGOTIATION
            | SslOptions::NO_TICKET
            | SslOptions::ENABLE_MIDDLEBOX_COMPAT;
        assert_eq!(builder.options(), ours);
    }

    #[test]
    fn groups_are_taken_with_and_without_a_hybrid_in_front() {
        let hybrid = [NamedGroup::X25519MLKEM768, NamedGroup::X25519];
        let mut builder = bare(OpenSsl::new());
        let has_hybrids = hybrid.iter().all(|group| info().groups.contains(group));
        assert_eq!(set_groups(&mut builder, &hybrid).is_ok(), has_hybrids);
        assert!(set_groups(&mut builder, &hybrid[1..]).is_ok());
    }
}
