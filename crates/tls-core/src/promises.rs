//! What a library with all settings promises.

use crate::{BackendInfo, Capabilities, NamedGroup, ProtocolVersion, Role};

impl BackendInfo {
    /// Promises, in each role that it means something in, all that a library
    /// promises whose every setting can be made: what does not depend on its
    /// build, and what its suites, groups and schemes say. `settable` tells
    /// whether a version can be chosen; `kernel` is what there is of kernel
    /// TLS, which takes TLS 1.3.
    pub fn promise_all(
        &mut self,
        kernel: Capabilities,
        settable: impl Fn(ProtocolVersion) -> bool,
    ) {
        let both = all_of(self, kernel, settable);
        self.client = both & Capabilities::of(Role::Client);
        self.server = both & Capabilities::of(Role::Server);
    }
}

fn all_of(
    info: &BackendInfo,
    kernel: Capabilities,
    settable: impl Fn(ProtocolVersion) -> bool,
) -> Capabilities {
    let mut found = Capabilities::ROOTS
        | Capabilities::VERIFY_IP
        | Capabilities::VERIFY_CHAIN_ONLY
        | Capabilities::VERIFY_NOTHING
        | Capabilities::IDENTITY
        | Capabilities::CLIENT_AUTH_OPTIONAL
        | Capabilities::CLIENT_AUTH_REQUIRED
        | Capabilities::SNI
        | Capabilities::ALPN
        | Capabilities::ALPN_STRICT
        | Capabilities::ALPN_OCTETS
        | Capabilities::CERTIFICATE_RULES
        | Capabilities::KEY_LOG
        | Capabilities::EXPORTER
        | Capabilities::FACT_VERSION
        | Capabilities::FACT_CIPHER_SUITE
        | Capabilities::FACT_GROUP
        | Capabilities::FACT_SIGNATURE_SCHEME
        | Capabilities::FACT_PEER_CHAIN;
    let has_version = |version| {
        let mut suites = info.cipher_suites.iter();
        settable(version) && suites.any(|suite| suite.version() == version)
    };
    if has_version(ProtocolVersion::Tls12) {
        found |= Capabilities::TLS12 | Capabilities::CIPHER_SUITES_TLS12;
    }
    if has_version(ProtocolVersion::Tls13) {
        found |= Capabilities::TLS13 | Capabilities::CIPHER_SUITES_TLS13 | Capabilities::KEY_UPDATE;
        found |= kernel;
    }
    if !info.groups.is_empty() {
        found |= Capabilities::GROUPS;
    }
    if info.groups.contains(&NamedGroup::X25519MLKEM768) {
        found |= Capabilities::POST_QUANTUM_GROUPS;
    }
    if !info.signature_schemes.is_empty() {
        found |= Capabilities::SIGNATURE_SCHEMES;
    }
    found
}
