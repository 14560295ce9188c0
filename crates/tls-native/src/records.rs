//! Follows the records that a peer sends (RFC 8446, section 5.1), as far as
//! they are in the clear: type and length.

/// The octets before a record's content.
const HEADER: usize = 5;

/// The content type of handshake messages.
const HANDSHAKE: u8 = 22;
/// The content type of data; in TLS 1.3 that of all that is encrypted.
const APPLICATION_DATA: u8 = 23;

/// Where in the stream of records the library stands.
#[derive(Debug, Default)]
pub(crate) struct Records {
    header: [u8; HEADER],
    /// How much of the header has come.
    filled: usize,
    /// How much of the content is to come.
    left: usize,
    /// How many records have begun.
    begun: u64,
    heard: bool,
    encrypts_types: bool,
}

impl Records {
    /// Whether the next octet begins a record.
    pub(crate) fn at_boundary(&self) -> bool {
        self.filled == 0 && self.left == 0
    }

    /// How many records have begun.
    pub(crate) fn begun(&self) -> u64 {
        self.begun
    }

    /// Whether a whole record of handshake messages has come in the clear.
    pub(crate) fn has_heard(&self) -> bool {
        self.heard
    }

    /// Whether a record of data has begun: before the end of a handshake that
    /// is the mark of TLS 1.3, which calls all that is encrypted so.
    pub(crate) fn encrypts_types(&self) -> bool {
        self.encrypts_types
    }

    /// Takes note of octets that are handed to the library; whether a record of
    /// handshake messages begins in them.
    #[inline]
    pub(crate) fn pass(&mut self, octets: &[u8]) -> bool {
        match octets {
            // The library asks for a header, and then for what is behind it.
            [kind, .., high, low] if octets.len() == HEADER && self.at_boundary() => {
                self.header[0] = *kind;
                self.left = usize::from(u16::from_be_bytes([*high, *low]));
                self.end_if_whole();
                self.begin(*kind)
            }
            [_, ..] if octets.len() == self.left => {
                self.left = 0;
                self.end_if_whole();
                false
            }
            _ => self.pass_pieces(octets),
        }
    }

    #[inline(never)]
    fn pass_pieces(&mut self, mut octets: &[u8]) -> bool {
        let mut handshake = false;
        while let Some((&first, rest)) = octets.split_first() {
            if self.left > 0 {
                let content = self.left.min(octets.len());
                octets = &octets[content..];
                self.left -= content;
                self.end_if_whole();
                continue;
            }
            if self.filled == 0 {
                handshake |= self.begin(first);
            }
            self.header[self.filled] = first;
            self.filled += 1;
            octets = rest;
            if self.filled == HEADER {
                let [.., high, low] = self.header;
                self.filled = 0;
                self.left = usize::from(u16::from_be_bytes([high, low]));
                self.end_if_whole();
            }
        }
        handshake
    }

    /// Begins a record of this type; whether it has handshake messages.
    fn begin(&mut self, kind: u8) -> bool {
        self.begun += 1;
        self.encrypts_types |= kind == APPLICATION_DATA;
        kind == HANDSHAKE
    }

    fn end_if_whole(&mut self) {
        if self.left == 0 {
            self.heard |= self.header[0] == HANDSHAKE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Data of three octets, a handshake message of two, and an empty record.
    const STREAM: &[u8] = &[
        23, 3, 3, 0, 3, 1, 2, 3, 22, 3, 3, 0, 2, 4, 5, 23, 3, 3, 0, 0,
    ];

    #[test]
    fn records_are_counted_however_they_are_cut() {
        for size in 1..=STREAM.len() {
            let mut records = Records::default();
            let pieces = STREAM.chunks(size);
            let began = pieces.filter(|piece| records.pass(piece)).count();
            assert_eq!(began, 1, "{size}");
            assert_eq!(records.begun(), 3);
            assert!(records.at_boundary());
            assert!(records.has_heard());
        }
    }

    #[test]
    fn a_record_counts_with_its_first_octet_and_is_heard_with_its_last() {
        let mut records = Records::default();
        assert!(!records.pass(&STREAM[..8]));
        assert_eq!(records.begun(), 1);
        assert!(records.at_boundary() && records.encrypts_types());
        assert!(records.pass(&STREAM[8..9]));
        assert_eq!(records.begun(), 2);
        assert!(!records.pass(&STREAM[9..14]));
        assert!(!records.at_boundary() && !records.has_heard());
        records.pass(&STREAM[14..15]);
        assert!(records.at_boundary() && records.has_heard());
    }
}
