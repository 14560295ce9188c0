//! The library's names for the protocol versions.

use tls_core::ProtocolVersion;

/// `None` stands for a version that the library does not know.
pub(crate) fn protocol(version: ProtocolVersion) -> Option<native_tls::Protocol> {
    match version {
        ProtocolVersion::Tls12 => Some(native_tls::Protocol::Tlsv12),
        ProtocolVersion::Tls13 => Some(native_tls::Protocol::Tlsv13),
        _ => None,
    }
}
