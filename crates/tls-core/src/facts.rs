//! What is known of a session once its handshake is done.

use crate::{CipherSuite, NamedGroup, PeerCertificates, ProtocolVersion, SignatureScheme};

/// What was negotiated, and with whom.
///
/// A `None` in a field that has a capability (`FACT_...`) means that the
/// backend cannot tell; a caller that depends on it says so with
/// `require(...)` in the config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionFacts {
    /// The protocol version ([`FACT_VERSION`](crate::Capabilities::FACT_VERSION)).
    pub version: Option<ProtocolVersion>,
    /// The cipher suite ([`FACT_CIPHER_SUITE`](crate::Capabilities::FACT_CIPHER_SUITE)).
    pub cipher_suite: Option<CipherSuite>,
    /// The key exchange group ([`FACT_GROUP`](crate::Capabilities::FACT_GROUP)).
    pub group: Option<NamedGroup>,
    /// What the peer signed the handshake with
    /// ([`FACT_SIGNATURE_SCHEME`](crate::Capabilities::FACT_SIGNATURE_SCHEME));
    /// `None` also where the peer did not sign: a client without certificate.
    pub peer_signature_scheme: Option<SignatureScheme>,
    /// The application protocol, if one was negotiated.
    pub alpn: Option<Vec<u8>>,
    /// The name in the server name indication: sent by a client, received by
    /// a server ([`SNI`](crate::Capabilities::SNI)); in lower case, as the case
    /// of a host name means nothing (RFC 4343). An IP address is never in it.
    pub server_name: Option<String>,
    /// The certificates that the peer sent, its own first; empty when it sent
    /// none. Without [`FACT_PEER_CHAIN`](crate::Capabilities::FACT_PEER_CHAIN)
    /// the peer's own alone. Sessions of one context share the chain of one
    /// peer.
    pub peer_certificates: PeerCertificates,
    /// Whether the peer's certificate was verified under the config's roots.
    /// `false` where the config accepts any certificate or where none was sent.
    pub peer_verified: bool,
}
