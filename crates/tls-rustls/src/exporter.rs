//! Keying material for others (RFC 5705; RFC 8446, section 7.5).

use std::borrow::Cow;

use rustls::Connection;
use tls_core::{Error, ProtocolVersion, SessionFacts};

use crate::error;

/// What the label of an exporter has at most: TLS 1.3 puts `tls13 ` before it
/// and its length into one octet (RFC 8446, section 7.1).
const MAX_EXPORTER_LABEL: usize = 249;

/// The labels with which TLS 1.2 derives its own secrets (RFC 5705, section 4;
/// RFC 7627, section 4).
const RESERVED_LABELS: &[&str] = &[
    "client finished",
    "server finished",
    "master secret",
    "extended master secret",
    "key expansion",
];

/// Fills `out`. What the session's version cannot derive is refused here,
/// where rustls would panic or derive something else.
pub(crate) fn export(
    connection: &Connection,
    facts: &SessionFacts,
    out: &mut [u8],
    label: &str,
    context: Option<&[u8]>,
) -> Result<(), Error> {
    if label.len() > MAX_EXPORTER_LABEL {
        return Err(refusal("the label has more than 249 octets"));
    }
    if facts.version != Some(ProtocolVersion::Tls13) {
        if RESERVED_LABELS.contains(&label) {
            return Err(refusal("the label is TLSv1.2's own"));
        }
        if context.is_some_and(|context| context.len() > usize::from(u16::MAX)) {
            return Err(refusal("the context has more than 65535 octets"));
        }
    }
    if out.is_empty() {
        return Ok(());
    }
    match connection.export_keying_material(out, label.as_bytes(), context) {
        Ok(_) => Ok(()),
        Err(rustls::Error::General(reason)) => Err(refusal(reason)),
        Err(error) => Err(error::translate(error)),
    }
}

pub(crate) fn refusal(reason: impl Into<Cow<'static, str>>) -> Error {
    Error::config("export_keying_material", reason)
}
