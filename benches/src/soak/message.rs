//! What a client says, and the server says back.

/// How long a message is.
pub(super) const OCTETS: usize = 64;

/// A message that only this connection sends, the `turn`th time.
pub(super) fn message(connection: usize, turn: u8) -> [u8; OCTETS] {
    let mut message = [turn; OCTETS];
    let number = (connection as u64).to_be_bytes();
    message[..number.len()].copy_from_slice(&number);
    message
}
