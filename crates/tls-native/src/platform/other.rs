//! native-tls over SChannel or Secure Transport. This has not been run.

use std::error::Error as StdError;

use backend_kit::pkcs8;
use tls_core::{Capabilities, CertificateError, Error, Identity, PrivateKeyDer, Role};
use zeroize::Zeroizing;

use crate::identity::invalid;
use crate::info::NAME;

/// The library; it does not tell its version.
pub(crate) fn library() -> &'static str {
    if cfg!(windows) {
        "SChannel"
    } else {
        "Secure Transport"
    }
}

/// What native-tls documents for both libraries. TLS 1.3 depends on the
/// version of Windows, and whether an address is verified is not documented.
pub(crate) fn capabilities(role: Role) -> Capabilities {
    let mut found = Capabilities::TLS12;
    if role == Role::Client {
        found |= Capabilities::ROOTS
            | Capabilities::VERIFY_CHAIN_ONLY
            | Capabilities::VERIFY_NOTHING
            | Capabilities::SNI
            | Capabilities::ALPN;
    }
    if cfg!(any(windows, target_os = "macos")) {
        found |= Capabilities::IDENTITY;
    }
    found
}

/// Both libraries take what they are given as an anchor.
pub(crate) fn can_be_root(_: &[u8]) -> bool {
    true
}

/// The identity's key in PKCS#8. That it is the certificate's is the library's
/// to check.
pub(crate) fn checked_key(identity: &Identity) -> Result<Zeroizing<Vec<u8>>, Error> {
    for (index, der) in identity.chain().iter().enumerate() {
        native_tls::Certificate::from_der(der).map_err(|error| {
            invalid(format!(
                "certificate {index} of the chain cannot be parsed: {error}"
            ))
        })?;
    }
    match identity.key() {
        PrivateKeyDer::Pkcs8(key) => {
            let der = key.secret_pkcs8_der();
            Ok(pkcs8::first_version(der).unwrap_or_else(|| Zeroizing::new(der.to_vec())))
        }
        _ => Err(invalid(
            "the library takes a private key in PKCS#8 alone: convert it first (openssl pkcs8 \
             -topk8 -nocrypt)",
        )),
    }
}

/// Leaves the judgement to the library.
pub(crate) fn judge(_: &[u8], _for_host: bool) -> Result<(), CertificateError> {
    Ok(())
}

/// What they do is not documented, so it is refused.
pub(crate) fn lets_renegotiate(_: Role) -> bool {
    true
}

/// Why the library failed, in its own words.
pub(crate) fn translate(
    error: &(dyn StdError + 'static),
    _: Role,
    _heard: bool,
    ended: bool,
) -> Error {
    if ended {
        Error::Truncated
    } else {
        Error::backend(NAME, error.to_string())
    }
}

/// There is no error queue.
pub(crate) fn scoped<T>(f: impl FnOnce() -> T) -> T {
    f()
}

/// There is no error queue.
pub(crate) fn clear_errors() {}

/// There is no error queue.
pub(crate) fn leftover_errors() -> usize {
    0
}
