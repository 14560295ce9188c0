//! Telling records of data from other messages, from the outside.

/// A record's header: type, version, and the length of what follows (RFC 8446,
/// section 5.1).
const HEADER: usize = 5;

/// What a protected record adds to its data: the inner type and the tag
/// (RFC 8446, section 5.2).
const EXPANSION: usize = 1 + 16;

/// How much data the records hold that came, if they hold nothing else.
///
/// rustls does not say that a KeyUpdate has come, but a record with one gives
/// no data for its length.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    header: [u8; HEADER],
    /// How much of the header has come.
    known: usize,
    /// How much of the record is still to come behind its header.
    left: usize,
    /// How much data the records promise that has not been accounted for.
    promised: usize,
}

impl Tally {
    /// Whether a record ends where the octets do that came.
    pub(crate) fn is_between_records(&self) -> bool {
        self.left == 0 && self.known == 0
    }

    /// Takes note of a whole record that came between others, by how much data
    /// it holds if it holds nothing else.
    pub(crate) fn note_whole(&mut self, data: usize) {
        self.promised += data;
    }

    /// Takes note of what came.
    #[inline(never)]
    pub(crate) fn note(&mut self, mut came: &[u8]) {
        while !came.is_empty() {
            if self.left > 0 {
                let inside = came.len().min(self.left);
                self.left -= inside;
                came = &came[inside..];
                continue;
            }
            let here = came.len().min(HEADER - self.known);
            let (now, later) = came.split_at(here);
            self.header[self.known..][..here].copy_from_slice(now);
            self.known += here;
            came = later;
            if self.known == HEADER {
                self.known = 0;
                self.begin(&{ self.header });
            }
        }
    }

    fn begin(&mut self, header: &[u8; HEADER]) {
        self.left = length(header);
        self.promised += self.left.saturating_sub(EXPANSION);
    }

    /// Whether all that came since the last time are whole records of data, of
    /// so many octets together.
    pub(crate) fn is_all_data(&mut self, octets: usize) -> bool {
        self.promised = self.promised.saturating_sub(octets);
        if !self.is_between_records() {
            return false;
        }
        std::mem::take(&mut self.promised) == 0
    }
}

/// How much data these octets hold if they are one whole record, and that
/// holds nothing else; 0 if they are anything but one.
#[inline]
pub(crate) fn data_of_one(came: &[u8]) -> usize {
    match came.split_first_chunk() {
        Some((header, rest)) if rest.len() == length(header) => {
            rest.len().saturating_sub(EXPANSION)
        }
        _ => 0,
    }
}

fn length([.., high, low]: &[u8; HEADER]) -> usize {
    u16::from_be_bytes([*high, *low]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(length: usize) -> Vec<u8> {
        let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
        let mut record = vec![23, 3, 3, high, low];
        record.resize(HEADER + length, 0);
        record
    }

    #[test]
    fn data_is_told_from_messages_however_the_records_are_cut() {
        let data = [record(100 + EXPANSION), record(7 + EXPANSION)].concat();
        let mixed = [data.clone(), record(5 + EXPANSION)].concat();
        for piece in 1..mixed.len() {
            let mut tally = Tally::default();
            data.chunks(piece).for_each(|came| tally.note(came));
            assert!(tally.is_all_data(107), "{piece}");
            mixed.chunks(piece).for_each(|came| tally.note(came));
            assert!(!tally.is_all_data(107), "{piece}");
            data.chunks(piece).for_each(|came| tally.note(came));
            assert!(tally.is_all_data(107), "the next time is another matter");
        }
    }

    #[test]
    fn nothing_is_said_of_a_part_of_a_record() {
        let whole = record(50 + EXPANSION);
        for cut in 1..whole.len() {
            let mut tally = Tally::default();
            tally.note(&whole[..cut]);
            assert!(!tally.is_all_data(0));
            tally.note(&whole[cut..]);
            assert!(tally.is_all_data(50));
        }
    }

    #[test]
    fn one_whole_record_is_told_from_all_else() {
        let one = record(100 + EXPANSION);
        assert_eq!(data_of_one(&one), 100);
        let two = [one.clone(), one.clone()].concat();
        let others = (0..two.len()).filter(|&cut| cut != one.len());
        assert!(
            others
                .map(|cut| &two[..cut])
                .all(|came| data_of_one(came) == 0)
        );
        assert_eq!(data_of_one(&two), 0);
        let mut tally = Tally::default();
        tally.note_whole(data_of_one(&one));
        tally.note(&one);
        assert!(tally.is_all_data(200));
    }

    #[test]
    fn an_alert_and_an_empty_record_are_no_trouble() {
        let mut tally = Tally::default();
        tally.note(&record(2));
        assert!(tally.is_all_data(0));
        tally.note(&record(0));
        assert!(tally.is_all_data(0));
    }
}
