//! The libraries used directly, as an expert would.
//!
//! `client` and `server` set what ours sets (`crates/tls-*/src/context.rs` and
//! its siblings): versions, suites, groups, signature schemes, verification,
//! no tickets. `default_client` and `default_server` set nothing that need not
//! be set.

mod boring;
mod buffered;
mod counted;
mod native;
mod openssl;
mod rustls;
mod rustls_unbuffered;

pub use boring::Boring;
pub use buffered::Buffered;
pub use counted::Counted;
pub use native::Native;
pub use openssl::OpenSsl;
pub use rustls::Rustls;
pub(crate) use rustls::host;
pub use rustls_unbuffered::RustlsUnbuffered;

use std::io::IoSlice;

use tls_core::{CipherSuite, NamedGroup, SignatureScheme};

/// Slices as one: what an expert does for a library that takes one buffer. The
/// scratch is the session's own, and grows once.
fn joined<'a>(bufs: &'a [IoSlice<'_>], scratch: &'a mut Vec<u8>) -> &'a [u8] {
    if let [one] = bufs {
        return one;
    }
    scratch.clear();
    for buf in bufs {
        scratch.extend_from_slice(buf);
    }
    scratch
}

/// A suite as OpenSSL and BoringSSL know it in TLS 1.2.
fn old_name(suite: CipherSuite) -> &'static str {
    ::openssl::ssl::cipher_name(suite.name())
}

/// A group as OpenSSL and BoringSSL know it.
fn group_name(group: NamedGroup) -> &'static str {
    match group {
        NamedGroup::Secp256r1 => "P-256",
        NamedGroup::X25519 => "X25519",
        other => other.name(),
    }
}

fn group_names(groups: &[NamedGroup]) -> String {
    let names: Vec<_> = groups.iter().map(|&group| group_name(group)).collect();
    names.join(":")
}

/// The schemes that ours accepts by default.
fn scheme_names() -> String {
    let names: Vec<_> = SignatureScheme::DEFAULT
        .iter()
        .map(|scheme| scheme.name())
        .collect();
    names.join(":")
}
