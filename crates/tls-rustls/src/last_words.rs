//! The alert that leaves before an error returns.

use std::io::{self, Write};

use rustls::{Connection, ProtocolVersion};
use tls_core::{Alert, CertificateError, Error, PeerIncompatible, PeerMisbehaved, Transport};

use crate::wire::Outbound;

/// Alerts of rustls's that are not ours: the first because TLS 1.2 does not
/// know it, the second when the resolver has given a reason of its own, the
/// third when a client is older than what rustls misses in its hello.
const FOREIGN: [[u8; 7]; 3] = [
    plain(Alert::CERTIFICATE_REQUIRED),
    plain(Alert::ACCESS_DENIED),
    plain(Alert::HANDSHAKE_FAILURE),
];

/// What a session has to say before it ends with an error.
#[derive(Debug, Default)]
pub(crate) struct LastWords(Vec<u8>);

impl LastWords {
    /// Takes what is queued, with the alert for `error` at its end.
    pub(crate) fn take(connection: &mut Connection, error: &Error) -> Self {
        let mut words = Vec::new();
        while connection.wants_write() {
            if connection.write_tls(&mut words).is_err() {
                break;
            }
        }
        if still_plain(connection, error)
            && let Some(alert) = alert_for(error)
        {
            if let Some(foreign) = FOREIGN.iter().find(|foreign| words.ends_with(*foreign)) {
                words.truncate(words.len() - foreign.len());
                words.extend(plain(alert));
            } else if words.is_empty() {
                words.extend(plain(alert));
            }
        }
        Self(words)
    }

    /// Whether nothing is left to be said.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends what the transport takes without waiting. One that has failed
    /// takes nothing more, and nothing is left for it.
    pub(crate) fn send(&mut self, io: &mut dyn Transport) {
        while !self.is_empty() {
            match Outbound(io).write(&self.0) {
                Ok(taken @ 1..) => {
                    self.0.drain(..taken.min(self.0.len()));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                _ => self.0.clear(),
            }
        }
        let _ = io.flush();
    }
}

/// Whether this side's records are certainly not encrypted yet: nothing is
/// negotiated, or it is TLS 1.2 before this side's ChangeCipherSpec. A server
/// sends that last, and a client behind its judgement of the certificate.
fn still_plain(connection: &Connection, error: &Error) -> bool {
    match connection.protocol_version() {
        None => true,
        Some(ProtocolVersion::TLSv1_2) => {
            connection.is_handshaking()
                && (matches!(connection, Connection::Server(_))
                    || *error == Error::Certificate(CertificateError::Missing))
        }
        Some(_) => false,
    }
}

/// The alert for an error for which rustls may send none.
fn alert_for(error: &Error) -> Option<Alert> {
    Some(match error {
        Error::Certificate(CertificateError::Missing) => Alert::HANDSHAKE_FAILURE,
        Error::Certificate(reason) => reason.alert(),
        Error::PeerIncompatible(PeerIncompatible::NoCommonVersion) => Alert::PROTOCOL_VERSION,
        Error::PeerIncompatible(_) => Alert::HANDSHAKE_FAILURE,
        Error::PeerMisbehaved(PeerMisbehaved::UnexpectedMessage) => Alert::UNEXPECTED_MESSAGE,
        Error::PeerMisbehaved(PeerMisbehaved::Malformed) => Alert::DECODE_ERROR,
        Error::PeerMisbehaved(PeerMisbehaved::RecordOverflow) => Alert::RECORD_OVERFLOW,
        Error::PeerMisbehaved(PeerMisbehaved::BadCryptography) => Alert::DECRYPT_ERROR,
        Error::PeerMisbehaved(_) => Alert::ILLEGAL_PARAMETER,
        Error::Backend(_) => Alert::INTERNAL_ERROR,
        _ => return None,
    })
}

/// A fatal alert in a record of its own, not encrypted (RFC 5246, section 7.2).
const fn plain(alert: Alert) -> [u8; 7] {
    [21, 3, 3, 0, 2, 2, alert.0]
}
