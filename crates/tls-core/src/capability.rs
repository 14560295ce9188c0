//! What a backend can do.

use std::fmt;

use crate::Role;

macro_rules! capabilities {
    ($($(#[doc = $sentence:literal])+ $flag:ident = $bit:literal;)*) => {
        bitflags::bitflags! {
            /// What a backend promises, in one role.
            ///
            /// A flag that is set is a promise that tests keep; what a flag
            /// that is not set stands for is refused with
            /// [`Error::Unsupported`](crate::Error::Unsupported) when the
            /// config is built. The flags come from the library as it is
            /// built and loaded, so ask the backend value and the role that
            /// will make the session, and never guess from its name.
            #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
            pub struct Capabilities: u64 {
                $($(#[doc = $sentence])+ const $flag = 1 << $bit;)*
            }
        }

        impl Capabilities {
            /// What holds when this flag is set, in a sentence; `None` unless
            /// exactly one flag is set.
            pub fn sentence(self) -> Option<&'static str> {
                $(if self == Self::$flag {
                    return Some(concat!($($sentence),+).trim_ascii());
                })*
                None
            }
        }
    };
}

capabilities! {
    /// TLS 1.2 can be negotiated.
    TLS12 = 0;
    /// TLS 1.3 can be negotiated.
    TLS13 = 1;
    /// The cipher suites of TLS 1.2 and their order can be set.
    CIPHER_SUITES_TLS12 = 2;
    /// The cipher suites of TLS 1.3 and their order can be set.
    CIPHER_SUITES_TLS13 = 3;
    /// The key exchange groups and their order can be set.
    GROUPS = 4;
    /// ML-KEM hybrid groups are there (X25519MLKEM768 at least).
    POST_QUANTUM_GROUPS = 5;
    /// The signature schemes that are accepted and signed with can be set.
    SIGNATURE_SCHEMES = 6;
    /// Trust goes to the config's roots and to no others.
    ROOTS = 7;
    /// The peer can be verified against an IP address (iPAddress in subjectAltName).
    VERIFY_IP = 8;
    /// The chain can be verified without the name.
    VERIFY_CHAIN_ONLY = 9;
    /// Any certificate can be accepted; the handshake's signature is still verified.
    VERIFY_NOTHING = 10;
    /// This side can present a certificate.
    IDENTITY = 11;
    /// A client certificate can be asked for, and the handshake goes on without one.
    CLIENT_AUTH_OPTIONAL = 12;
    /// A client certificate can be demanded.
    CLIENT_AUTH_REQUIRED = 13;
    /// A client can leave the server name indication out; a server learns the name.
    SNI = 14;
    /// Application protocols are negotiated (RFC 7301).
    ALPN = 15;
    /// Without a common application protocol the handshake fails (RFC 7301, section 3.2).
    ALPN_STRICT = 16;
    /// Secrets can be logged for traffic analysis (SSLKEYLOGFILE).
    KEY_LOG = 17;
    /// Keying material can be exported (RFC 5705; RFC 8446, section 7.5).
    EXPORTER = 18;
    /// The keys of a TLS 1.3 session can be renewed (RFC 8446, section 4.6.3).
    KEY_UPDATE = 19;
    /// The facts tell the version that was negotiated.
    FACT_VERSION = 20;
    /// The facts tell the cipher suite that was negotiated.
    FACT_CIPHER_SUITE = 21;
    /// The facts tell the key exchange group that was negotiated.
    FACT_GROUP = 22;
    /// The facts tell the signature scheme that the peer signed with.
    FACT_SIGNATURE_SCHEME = 23;
    /// The facts tell all certificates that the peer sent, not its own alone.
    FACT_PEER_CHAIN = 24;
    /// Certificates are judged by the rules that backends share, and the alert names the reason.
    CERTIFICATE_RULES = 25;
    /// The names of application protocols may be any octets, not text alone.
    ALPN_OCTETS = 26;
    /// The kernel can encrypt what a TLS 1.3 session sends, and so send files (kernel TLS).
    KTLS_TX = 27;
    /// The kernel can decrypt what a TLS 1.3 session receives (kernel TLS).
    KTLS_RX = 28;
}

impl Capabilities {
    /// The flags that mean something in this role; a backend advertises no
    /// others there.
    pub const fn of(role: Role) -> Self {
        let other = match role {
            Role::Client => Self::CLIENT_AUTH_OPTIONAL
                .union(Self::CLIENT_AUTH_REQUIRED)
                .union(Self::ALPN_STRICT),
            Role::Server => Self::VERIFY_IP
                .union(Self::VERIFY_CHAIN_ONLY)
                .union(Self::VERIFY_NOTHING),
        };
        Self::all().difference(other)
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bitflags::parser::to_writer(self, f)
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bitflags::parser::to_writer(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_a_sentence_and_a_bit_of_its_own() {
        let mut seen = Capabilities::empty();
        for (name, flag) in Capabilities::all().iter_names() {
            assert!(!seen.intersects(flag), "{name} shares a bit");
            seen |= flag;
            let sentence = flag.sentence().unwrap();
            assert!(sentence.ends_with('.'), "{name}: {sentence}");
        }
        assert_eq!((Capabilities::TLS12 | Capabilities::TLS13).sentence(), None);
    }
}
