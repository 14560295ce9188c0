//! Collects what was negotiated, once, when the handshake is done.

use std::sync::Arc;

use boring::ssl::{NameType, SslRef};
use tls_core::{CipherSuite, NamedGroup, Role, ServerName, SessionFacts};

use crate::names;
use crate::peers::Peers;

/// What is known of a session before its handshake.
#[derive(Debug)]
pub(crate) struct Known {
    /// The name that a client sends.
    pub(crate) server_name: Option<String>,
    /// Whether a certificate that the peer sends is verified.
    pub(crate) verifies: bool,
    /// The chains of the context's peers.
    pub(crate) peers: Arc<Peers>,
}

/// The facts of a session whose handshake is done.
pub(crate) fn collect(ssl: &SslRef, role: Role, known: Known) -> SessionFacts {
    let mut facts = SessionFacts::default();
    facts.version = ssl.version2().and_then(names::version_from);
    facts.cipher_suite = ssl
        .current_cipher()
        .and_then(|cipher| CipherSuite::from_number(cipher.protocol_id()));
    facts.group = ssl.curve().and_then(NamedGroup::from_number);
    facts.peer_signature_scheme = ssl.peer_signature_algorithm().and_then(names::scheme_from);
    facts.alpn = ssl.selected_alpn_protocol().map(<[u8]>::to_vec);
    facts.server_name = match role {
        Role::Client => known.server_name,
        Role::Server => received_name(ssl),
    };
    facts.peer_certificates = known.peers.share(ssl);
    facts.peer_verified = known.verifies && !facts.peer_certificates.is_empty();
    facts
}

/// The name that a client sent, if it is a host name.
fn received_name(ssl: &SslRef) -> Option<String> {
    let name = ssl.servername_raw(NameType::HOST_NAME)?;
    match ServerName::try_from(name) {
        Ok(ServerName::DnsName(host)) => Some(host.as_ref().to_ascii_lowercase()),
        _ => None,
    }
}
