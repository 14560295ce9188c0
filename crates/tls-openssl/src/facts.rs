//! Collects what was negotiated, once, when the handshake is done.

use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::ssl::{NameType, SslRef};
use openssl::x509::X509Ref;
use tls_core::{CipherSuite, PeerChains, Role, ServerName, SessionFacts};

use crate::{ffi, names};

/// What is known of a session before its handshake.
#[derive(Debug)]
pub(crate) struct Known {
    /// The name that a client sends.
    pub(crate) server_name: Option<String>,
    /// Whether a certificate that the peer sends is verified.
    pub(crate) verifies: bool,
    /// The chains of the context's peers.
    pub(crate) peers: Arc<PeerChains>,
}

/// The facts of a session whose handshake is done.
pub(crate) fn collect(ssl: &SslRef, role: Role, known: Known) -> Result<SessionFacts, ErrorStack> {
    let mut facts = SessionFacts::default();
    facts.version = ssl.version2().and_then(names::version_from);
    facts.cipher_suite = ssl
        .current_cipher()
        .map(|cipher| u16::from_be_bytes(cipher.protocol_id()))
        .and_then(CipherSuite::from_number);
    facts.group = names::group_from(ffi::negotiated_group(ssl));
    facts.peer_signature_scheme = ffi::peer_signature(ssl)
        .and_then(|(kind, digest)| names::signature_scheme_from(kind, digest));
    facts.alpn = ssl.selected_alpn_protocol().map(<[u8]>::to_vec);
    facts.server_name = match role {
        Role::Client => known.server_name,
        Role::Server => received_name(ssl),
    };
    let presented = peer_certificates(ssl, role)?;
    facts.peer_certificates = known.peers.share(presented.iter().map(Vec::as_slice));
    facts.peer_verified = known.verifies && !facts.peer_certificates.is_empty();
    Ok(facts)
}

/// The name that a client sent, if it is a host name.
fn received_name(ssl: &SslRef) -> Option<String> {
    let name = ssl.servername_raw(NameType::HOST_NAME)?;
    match ServerName::try_from(name) {
        Ok(ServerName::DnsName(host)) => Some(host.as_ref().to_ascii_lowercase()),
        _ => None,
    }
}

/// The certificates as the peer sent them. A server's library keeps the
/// client's own apart from the others.
fn peer_certificates(ssl: &SslRef, role: Role) -> Result<Vec<Vec<u8>>, ErrorStack> {
    let own = match role {
        Role::Client => None,
        Role::Server => ssl.peer_certificate(),
    };
    let others = ssl.peer_cert_chain().into_iter().flatten();
    own.iter()
        .map(|own| &**own)
        .chain(others)
        .map(X509Ref::to_der)
        .collect()
}
