//! Several small pieces of plaintext, in one record.

use std::io::IoSlice;

use tls_core::RecordBuffer;
use tls_core::limits::MAX_RECORD_PLAINTEXT;

/// Copies the first record's worth out of the pieces and hands it to `f`.
#[inline]
pub(crate) fn gathered<'p, T>(
    pieces: impl Iterator<Item = &'p [u8]>,
    f: impl FnOnce(&[u8]) -> T,
) -> T {
    let mut buffer = RecordBuffer::take();
    let mut room = &mut buffer[..MAX_RECORD_PLAINTEXT];
    for piece in pieces {
        let taken = piece.len().min(room.len());
        let (place, rest) = room.split_at_mut(taken);
        place.copy_from_slice(&piece[..taken]);
        room = rest;
        if room.is_empty() {
            break;
        }
    }
    let filled = MAX_RECORD_PLAINTEXT - room.len();
    f(&buffer[..filled])
}

/// A place in a list of pieces.
pub(crate) struct Pieces<'b> {
    bufs: &'b [IoSlice<'b>],
    /// What of the first piece has been passed.
    passed: usize,
}

impl<'b> Pieces<'b> {
    pub(crate) fn new(bufs: &'b [IoSlice<'b>]) -> Self {
        let mut pieces = Self { bufs, passed: 0 };
        pieces.advance(0);
        pieces
    }

    /// Goes on by so many octets, and past pieces that are empty then.
    pub(crate) fn advance(&mut self, octets: usize) {
        self.passed += octets;
        while let Some((first, rest)) = self.bufs.split_first() {
            if self.passed < first.len() {
                break;
            }
            self.passed -= first.len();
            self.bufs = rest;
        }
    }

    /// What is left of the first piece; empty at the end.
    pub(crate) fn first(&self) -> &'b [u8] {
        match self.bufs.first() {
            Some(first) => &first[self.passed..],
            None => &[],
        }
    }

    /// What is left, piece by piece.
    pub(crate) fn rest(&self) -> impl Iterator<Item = &'b [u8]> {
        let later = self.bufs.iter().skip(1).map(|piece| &**piece);
        std::iter::once(self.first()).chain(later)
    }

    /// Whether what is left takes more than one record.
    pub(crate) fn take_several(&self) -> bool {
        let mut room = MAX_RECORD_PLAINTEXT;
        self.rest()
            .any(|piece| match room.checked_sub(piece.len()) {
                Some(left) => {
                    room = left;
                    false
                }
                None => true,
            })
    }

    /// Whether the next record can be made of the first piece alone.
    pub(crate) fn first_suffices(&self) -> bool {
        self.first().len() >= MAX_RECORD_PLAINTEXT
            || self.bufs.iter().skip(1).all(|piece| piece.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slices<'b>(bufs: &[&'b [u8]]) -> Vec<IoSlice<'b>> {
        bufs.iter().map(|buf| IoSlice::new(buf)).collect()
    }

    #[test]
    fn small_pieces_are_gathered_in_order_and_empty_ones_passed_over() {
        let bufs = slices(&[b"", b"ab", b"", b"c", b""]);
        let mut pieces = Pieces::new(&bufs);
        assert!(!pieces.first_suffices());
        gathered(pieces.rest(), |all| assert_eq!(all, b"abc"));
        pieces.advance(1);
        gathered(pieces.rest(), |all| assert_eq!(all, b"bc"));
        pieces.advance(1);
        assert_eq!(pieces.first(), b"c");
        assert!(pieces.first_suffices(), "only empty pieces follow");
        pieces.advance(1);
        assert_eq!(pieces.first(), b"");
    }

    #[test]
    fn no_more_than_a_record_is_gathered() {
        let big = [7; MAX_RECORD_PLAINTEXT];
        let bufs = slices(&[b"x", &big]);
        let mut pieces = Pieces::new(&bufs);
        gathered(pieces.rest(), |all| {
            assert_eq!(all.len(), MAX_RECORD_PLAINTEXT);
            assert_eq!(all[..2], [b'x', 7]);
        });
        assert!(pieces.take_several());
        pieces.advance(1);
        assert!(pieces.first_suffices());
        assert!(!pieces.take_several());
    }

    #[test]
    fn gathering_inside_of_gathering_keeps_both() {
        gathered([&b"outer"[..]].into_iter(), |outer| {
            gathered([&b"inner"[..]].into_iter(), |inner| {
                assert_eq!(inner, b"inner");
            });
            assert_eq!(outer, b"outer");
        });
    }
}
