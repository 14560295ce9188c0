//! Where the peer's records begin and end.

/// A record's header: type, version, and the length of what follows.
const HEADER: usize = 5;

/// Follows the record layer from the outside (RFC 8446, section 5.1).
#[derive(Debug, Default)]
pub(super) struct Framing {
    header: [u8; HEADER],
    /// How much of the header has come.
    known: usize,
    /// How much of the record is still to come behind its header.
    left: usize,
}

impl Framing {
    /// Takes note of what was read.
    #[inline]
    pub(super) fn note(&mut self, read: &[u8]) {
        // Most reads are one whole record.
        let is_record = self.is_between_records()
            && read
                .split_first_chunk::<HEADER>()
                .is_some_and(|(header, body)| body.len() == length(header));
        if !is_record {
            self.follow(read);
        }
    }

    /// The same of any read.
    fn follow(&mut self, mut read: &[u8]) {
        if self.known == 0 {
            // Most reads begin and end where a record does.
            while let Some((header, rest)) = read
                .split_at_checked(self.left)
                .and_then(|(_, next)| next.split_first_chunk::<HEADER>())
            {
                self.left = length(header);
                read = rest;
            }
        }
        while !read.is_empty() {
            let here = read.len().min(self.to_next_border());
            let (now, later) = read.split_at(here);
            read = later;
            if self.left > 0 {
                self.left -= here;
                continue;
            }
            self.header[self.known..][..here].copy_from_slice(now);
            self.known += here;
            if self.known == HEADER {
                self.left = length(&self.header);
                self.known = 0;
            }
        }
    }

    /// How much can be read without reading beyond this record, or beyond the
    /// header that tells its length. At least 1.
    pub(super) fn to_next_border(&self) -> usize {
        match self.left {
            0 => HEADER - self.known,
            left => left,
        }
    }

    /// Whether all that was read are whole records.
    #[inline]
    pub(super) fn is_between_records(&self) -> bool {
        self.left == 0 && self.known == 0
    }
}

/// How much follows this header.
fn length([.., high, low]: &[u8; HEADER]) -> usize {
    u16::from_be_bytes([*high, *low]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDS: &[u8] = &[23, 3, 3, 0, 2, 7, 7, 22, 3, 3, 0, 0, 21, 3, 3, 1, 0];

    #[test]
    fn records_are_followed_however_they_are_cut() {
        for piece in 1..=RECORDS.len() {
            let mut framing = Framing::default();
            let mut between = Vec::new();
            for (index, read) in RECORDS.chunks(piece).enumerate() {
                framing.note(read);
                if framing.is_between_records() {
                    between.push(index * piece + read.len());
                }
            }
            let borders = [7, 12];
            assert!(between.iter().all(|place| borders.contains(place)));
            assert!(piece > 1 || between == borders);
            assert_eq!(framing.to_next_border(), 256, "the last is under way");
        }
    }

    #[test]
    fn no_border_is_passed_by_who_asks_for_it() {
        let mut framing = Framing::default();
        let (mut read, mut steps) = (0, Vec::new());
        while read < RECORDS.len() {
            let step = framing.to_next_border();
            framing.note(&RECORDS[read..read + step]);
            read += step;
            steps.push(step);
        }
        assert_eq!(steps, [5, 2, 5, 5]);
    }
}
