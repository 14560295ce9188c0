//! The handshake messages that come after the handshake (RFC 8446, section 4.6).

use tls_core::{PeerMisbehaved, Role};

const NEW_SESSION_TICKET: u8 = 4;
const KEY_UPDATE: u8 = 24;

/// A message's header: its type, and its length in three octets.
const HEADER: usize = 4;

/// The longest ticket message: four octets each for lifetime and age, a nonce,
/// a ticket and extensions, of the longest that their lengths can say.
const MAX_TICKET: usize = 8 + (1 + 255) + (2 + 65_535) + (2 + 65_534);

/// A KeyUpdate, whole.
pub(crate) const fn key_update(asks: bool) -> [u8; HEADER + 1] {
    [KEY_UPDATE, 0, 0, 1, asks as u8]
}

/// A KeyUpdate that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyUpdate {
    /// Whether it asks for one in return.
    pub(crate) asks: bool,
}

/// Follows the messages through the records. Of a message that is longer than
/// a KeyUpdate nothing is kept.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    header: [u8; HEADER],
    /// How much of the header has come.
    known: usize,
    /// How much of the body is still to come behind a whole header.
    left: usize,
}

impl Messages {
    /// Whether a message has come in part.
    pub(crate) fn is_amid_one(&self) -> bool {
        self.known > 0
    }

    /// Takes a record's content. A client passes over tickets: this session
    /// resumes none. A KeyUpdate ends its record (section 5.1).
    pub(crate) fn take(
        &mut self,
        role: Role,
        mut record: &[u8],
    ) -> Result<Option<KeyUpdate>, PeerMisbehaved> {
        if record.is_empty() {
            return Err(PeerMisbehaved::UnexpectedMessage);
        }
        while let Some((&octet, rest)) = record.split_first() {
            if self.known < HEADER {
                self.header[self.known] = octet;
                self.known += 1;
                record = rest;
                if self.known == HEADER {
                    self.begin(role)?;
                }
                continue;
            }
            if self.header[0] == KEY_UPDATE {
                if !rest.is_empty() {
                    return Err(PeerMisbehaved::UnexpectedMessage);
                }
                *self = Self::default();
                return match octet {
                    0 | 1 => Ok(Some(KeyUpdate { asks: octet == 1 })),
                    _ => Err(PeerMisbehaved::IllegalParameter),
                };
            }
            let passed = self.left.min(record.len());
            record = &record[passed..];
            self.left -= passed;
            if self.left == 0 {
                self.known = 0;
            }
        }
        Ok(None)
    }

    /// Looks at a header that is whole.
    fn begin(&mut self, role: Role) -> Result<(), PeerMisbehaved> {
        let [kind, high, middle, low] = self.header;
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        let is_sound = match (kind, role) {
            (NEW_SESSION_TICKET, Role::Client) => (1..=MAX_TICKET).contains(&length),
            (KEY_UPDATE, _) => length == 1,
            _ => return Err(PeerMisbehaved::UnexpectedMessage),
        };
        if !is_sound {
            return Err(PeerMisbehaved::Malformed);
        }
        self.left = length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(length: usize) -> Vec<u8> {
        let [_, high, middle, low] = u32::try_from(length).unwrap().to_be_bytes();
        let mut message = vec![NEW_SESSION_TICKET, high, middle, low];
        message.resize(HEADER + length, 24);
        message
    }

    #[test]
    fn tickets_and_updates_come_in_records_of_any_size() {
        let all = [ticket(1), ticket(300), key_update(true).to_vec()].concat();
        for piece in 1..=all.len() {
            let mut messages = Messages::default();
            let mut found = Vec::new();
            for record in all.chunks(piece) {
                found.extend(messages.take(Role::Client, record).unwrap());
            }
            assert_eq!(found, [KeyUpdate { asks: true }], "{piece}");
            assert!(!messages.is_amid_one());
        }
    }

    #[test]
    fn a_server_has_no_use_for_tickets() {
        let refused = Messages::default().take(Role::Server, &ticket(10));
        assert_eq!(refused, Err(PeerMisbehaved::UnexpectedMessage));
        let update = Messages::default().take(Role::Server, &key_update(false));
        assert_eq!(update, Ok(Some(KeyUpdate { asks: false })));
    }

    #[test]
    fn what_is_not_allowed_is_told_apart() {
        use PeerMisbehaved::{IllegalParameter, Malformed, UnexpectedMessage};

        for (record, error) in [
            (&[][..], UnexpectedMessage),
            (&[1, 0, 0, 1], UnexpectedMessage),
            (&[20, 0, 0, 32], UnexpectedMessage),
            (&[24, 0, 0, 1, 2], IllegalParameter),
            (&[24, 0, 0, 0], Malformed),
            (&[24, 0, 0, 2], Malformed),
            (&[24, 1, 0, 1], Malformed),
            (&[24, 0, 0, 1, 0, 4], UnexpectedMessage),
            (&[4, 0, 0, 0], Malformed),
            (&[4, 0xff, 0xff, 0xff], Malformed),
        ] {
            let refused = Messages::default().take(Role::Client, record);
            assert_eq!(refused, Err(error), "{record:?}");
        }
    }

    #[test]
    fn a_message_in_part_is_seen() {
        let mut messages = Messages::default();
        for octet in &ticket(3)[..6] {
            assert_eq!(messages.take(Role::Client, &[*octet]), Ok(None));
            assert!(messages.is_amid_one());
        }
        assert_eq!(messages.take(Role::Client, &[0]), Ok(None));
        assert!(!messages.is_amid_one());
    }
}
