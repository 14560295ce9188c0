//! Bytes of the peer that were read before TLS was turned on.

use crate::Refusal;

/// What the session reads before it reads from the descriptor.
#[derive(Default)]
pub(crate) struct HandedOver {
    bytes: Vec<u8>,
    read: usize,
}

impl HandedOver {
    /// Takes what a server has read: nothing, or the beginning of a TLS
    /// handshake record (RFC 8446, section 5.1).
    pub(crate) fn to_server(bytes: &[u8]) -> Result<Self, Refusal> {
        const HANDSHAKE_RECORD: [u8; 2] = [0x16, 0x03];
        let compared = bytes.len().min(HANDSHAKE_RECORD.len());
        if bytes[..compared] != HANDSHAKE_RECORD[..compared] {
            return Err(Refusal::PlaintextBehindUpgrade);
        }
        Ok(Self {
            bytes: bytes.to_vec(),
            read: 0,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.read == self.bytes.len()
    }

    pub(super) fn take(&mut self, buf: &mut [u8]) -> usize {
        let rest = &self.bytes[self.read..];
        let octets = rest.len().min(buf.len());
        buf[..octets].copy_from_slice(&rest[..octets]);
        self.read += octets;
        if self.is_empty() {
            *self = Self::default();
        }
        octets
    }
}
