//! The backend as a whole, against itself and others.

mod config;
mod data;
mod ending;
mod handshake;
mod pair;
mod pki;
mod trust;

use tls_core::{ProtocolVersion, TlsBackend};

use crate::Native;

/// The versions that a client has.
const VERSIONS: [ProtocolVersion; 2] = [ProtocolVersion::Tls12, ProtocolVersion::Tls13];

/// The library's error queue is empty between calls.
#[track_caller]
fn assert_clean() {
    assert_eq!(Native::new().leftover_errors(), 0);
}
