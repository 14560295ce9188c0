//! What is negotiated, the same on both sides of a pair.

use tls_core::{BackendInfo, Capabilities, CipherSuite, NamedGroup, ProtocolVersion, Role};

use crate::material::{KeyKind, Material};

/// One version, one suite and one group: so the peer alone decides what is
/// negotiated, even where a subject has no such settings (native-tls).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The only version.
    pub version: ProtocolVersion,
    /// The only suite.
    pub suite: CipherSuite,
    /// The group that is used.
    pub group: NamedGroup,
    /// The kind of the certificates' keys.
    pub key: KeyKind,
    /// Whether the client shows a certificate too.
    pub mutual: bool,
}

impl Settings {
    /// TLS 1.3 with this suite, X25519 and an ECDSA key.
    pub const fn tls13(suite: CipherSuite) -> Self {
        Self {
            version: ProtocolVersion::Tls13,
            suite,
            group: NamedGroup::X25519,
            key: KeyKind::Ecdsa,
            mutual: false,
        }
    }

    /// The certificates.
    pub fn material(&self) -> &'static Material {
        Material::of(self.key)
    }

    /// The groups to set. In TLS 1.2 they are for certificates too (RFC 8422,
    /// section 5.1.1), so that of the key follows; nobody prefers it.
    pub fn groups(&self) -> Vec<NamedGroup> {
        let mut groups = vec![self.group];
        if self.version == ProtocolVersion::Tls12 && self.key == KeyKind::Ecdsa {
            groups.push(NamedGroup::Secp256r1);
        }
        groups
    }

    /// Whether this backend can play this role, by what it advertises.
    pub fn suit(&self, info: &BackendInfo, role: Role) -> bool {
        let mut needs = match self.version {
            ProtocolVersion::Tls13 => Capabilities::TLS13,
            _ => Capabilities::TLS12,
        };
        if self.group.is_post_quantum() {
            needs |= Capabilities::POST_QUANTUM_GROUPS;
        }
        if self.mutual {
            needs |= match role {
                Role::Client => Capabilities::IDENTITY,
                Role::Server => Capabilities::CLIENT_AUTH_REQUIRED,
            };
        }
        // The list is empty where the library does not tell.
        let suites = &info.cipher_suites;
        info.capabilities(role).contains(needs)
            && (suites.is_empty() || suites.contains(&self.suite))
    }
}
