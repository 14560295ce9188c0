//! What rustls tells of a session whose handshake is done.

use rustls::Connection;
use tls_core::{SessionFacts, SignatureScheme};

use crate::names;
use crate::session::Origin;

/// Collects the facts.
pub(crate) fn gather(
    connection: &Connection,
    origin: &mut Origin,
    peer_scheme: Option<SignatureScheme>,
) -> SessionFacts {
    let mut facts = SessionFacts::default();
    facts.version = connection.protocol_version().and_then(names::version);
    facts.cipher_suite = connection.negotiated_cipher_suite().and_then(names::suite);
    facts.group = connection
        .negotiated_key_exchange_group()
        .and_then(|group| names::group(group.name()));
    facts.peer_signature_scheme = peer_scheme;
    facts.alpn = connection.alpn_protocol().map(<[u8]>::to_vec);
    facts.server_name = match connection {
        Connection::Client(_) => origin.sent_name.take(),
        Connection::Server(server) => server.server_name().map(str::to_owned),
    };
    let presented = connection.peer_certificates().unwrap_or_default().iter();
    facts.peer_certificates = origin
        .peers
        .share(presented.map(|certificate| &**certificate));
    facts.peer_verified = origin.verifies && !facts.peer_certificates.is_empty();
    facts
}
