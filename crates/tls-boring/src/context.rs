//! What both roles set in the library's context.

use std::panic::{AssertUnwindSafe, catch_unwind};

use boring::error::ErrorStack;
use boring::ssl::{
    SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslSessionCacheMode,
};
use boring::x509::verify::{X509CheckFlags, X509VerifyFlags};
use tls_core::limits::MAX_INTERMEDIATES;
use tls_core::{BackendInfo, Error, Protocol, ProtocolVersion};

use crate::info::NAME;
use crate::notes::Notes;
use crate::{ffi, names};

/// How a host name is matched: against subjectAltName alone, a wildcard for a
/// whole label alone (RFC 9525).
pub(crate) const HOST_FLAGS: X509CheckFlags =
    X509CheckFlags::NO_PARTIAL_WILDCARDS.union(X509CheckFlags::NEVER_CHECK_SUBJECT);

/// A context with everything set that the two roles share, whether the config
/// names it or not.
pub(crate) fn builder(protocol: &Protocol, info: &BackendInfo) -> Result<SslContextBuilder, Error> {
    let build = || {
        let mut builder = SslContext::builder(SslMethod::tls())?;
        set_behaviour(&mut builder);
        ffi::share_certificates(&mut builder)?;
        set_verification(&mut builder);
        set_algorithms(&mut builder, protocol, info)?;
        set_key_log(&mut builder, protocol);
        Ok(builder)
    };
    build().map_err(|error: ErrorStack| Error::backend(NAME, error))
}

/// Options, modes and the session cache. The library renegotiates, compresses
/// and sends early data only where it is told to.
fn set_behaviour(builder: &mut SslContextBuilder) {
    builder.clear_options(builder.options());
    builder.set_options(SslOptions::NO_TICKET);
    builder.set_mode(
        SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER
            | SslMode::NO_AUTO_CHAIN,
    );
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    builder.set_grease_enabled(false);
    builder.set_permute_extensions(false);
}

/// Any root that is given is an anchor, and the path to it has a bound. The
/// library asks whether it may pass over what makes an issuer unfit, instead
/// of looking for another.
fn set_verification(builder: &mut SslContextBuilder) {
    let param = ffi::verify_param_mut(builder);
    param.clear_flags(X509VerifyFlags::all());
    param.set_flags(
        X509VerifyFlags::PARTIAL_CHAIN
            | X509VerifyFlags::TRUSTED_FIRST
            | X509VerifyFlags::CB_ISSUER_CHECK,
    );
    builder.set_verify_depth(MAX_INTERMEDIATES);
}

/// Versions, suites, groups and signature schemes.
fn set_algorithms(
    builder: &mut SslContextBuilder,
    protocol: &Protocol,
    info: &BackendInfo,
) -> Result<(), ErrorStack> {
    let (min, max) = protocol.versions().into_inner();
    builder.set_min_proto_version(names::version(min))?;
    builder.set_max_proto_version(names::version(max))?;

    // Of an empty list the library makes its default; a version that is not
    // allowed uses none of it.
    let suites = protocol.cipher_suites(info);
    ffi::set_tls13_suites(builder, &names::suites(&suites, ProtocolVersion::Tls13))?;
    let older = names::list(&suites, ProtocolVersion::Tls12);
    if !older.is_empty() {
        builder.set_strict_cipher_list(&older)?;
    }
    ffi::set_groups(builder, &names::groups(&protocol.groups(info)))?;
    let schemes: Vec<_> = protocol
        .signature_schemes(info)
        .into_iter()
        .map(names::scheme)
        .collect();
    builder.set_verify_algorithm_prefs(&schemes)
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

    #[test]
    fn options_and_modes_are_ours_alone() {
        let config = ClientConfig::builder()
            .danger()
            .accept_any_certificate()
            .build()
            .unwrap();
        let mut builder = builder(config.protocol(), info()).unwrap();
        assert_eq!(builder.options(), SslOptions::NO_TICKET);
        assert_eq!(
            builder.set_mode(SslMode::empty()),
            SslMode::ENABLE_PARTIAL_WRITE
                | SslMode::ACCEPT_MOVING_WRITE_BUFFER
                | SslMode::NO_AUTO_CHAIN
        );
    }
}
