//! Buffers for records, lent for as long as something is in them.

use std::cell::Cell;
use std::fmt;
use std::io::IoSlice;
use std::ops::{Deref, DerefMut};

/// How many buffers a thread keeps for later: enough for sessions inside of
/// sessions, and for a few that wait for the rest of a record.
const KEPT: usize = 8;

thread_local! {
    static ARENA: Arena = const { Arena::new() };
}

/// Room for [`RecordBuffer::LEN`] octets.
pub(crate) type Octets = Box<[u8; RecordBuffer::LEN]>;

/// What a thread keeps: the first `kept` places are full.
struct Arena {
    kept: Cell<usize>,
    places: [Cell<Option<Octets>>; KEPT],
}

impl Arena {
    const fn new() -> Self {
        Self {
            kept: Cell::new(0),
            places: [const { Cell::new(None) }; KEPT],
        }
    }

    #[inline]
    fn take(&self) -> Option<Octets> {
        let last = self.kept.get().checked_sub(1)?;
        self.kept.set(last);
        self.places.get(last)?.take()
    }

    #[inline]
    fn keep(&self, octets: Octets) {
        if let Some(place) = self.places.get(self.kept.get()) {
            self.kept.set(self.kept.get() + 1);
            place.set(Some(octets));
        }
    }
}

/// Takes room out of the arena of this thread, or makes some.
#[inline]
pub(crate) fn take() -> Octets {
    let kept = ARENA.try_with(Arena::take);
    kept.ok().flatten().unwrap_or_else(fresh)
}

#[cold]
fn fresh() -> Octets {
    Box::new([0; RecordBuffer::LEN])
}

/// Gives it back, to the arena of this thread.
#[inline]
pub(crate) fn give_back(octets: Octets) {
    // At the end of the thread there is no arena any more.
    let _ = ARENA.try_with(|arena| arena.keep(octets));
}

/// Room for one record, from the arena of this thread; dropped, it goes back
/// there. So a session without anything in hand holds no memory for records,
/// and one that takes a buffer for each record allocates none.
///
/// What is in it at first is of an earlier use. It may be sent to another
/// thread, and then goes back to that one's arena. An arena keeps eight at most.
pub struct RecordBuffer(
    /// There until it is dropped.
    Option<Octets>,
);

impl RecordBuffer {
    /// How many octets it has room for: the longest record of TLS 1.3 (RFC
    /// 8446, section 5.2), which is 16,645, and a little of the one behind it.
    pub const LEN: usize = 16_768;

    /// Takes one out of the arena, or makes one.
    #[inline]
    pub fn take() -> Self {
        Self(Some(take()))
    }

    /// Copies pieces that hold so many octets together into its front, one
    /// behind the other.
    ///
    /// # Panics
    ///
    /// If they hold more, or if it has no room for so many.
    #[inline]
    pub fn gather(&mut self, pieces: &[IoSlice<'_>], octets: usize) -> &[u8] {
        let mut room = &mut self[..octets];
        for piece in pieces {
            let (place, rest) = room.split_at_mut(piece.len());
            place.copy_from_slice(piece);
            room = rest;
        }
        let filled = octets - room.len();
        &self[..filled]
    }
}

impl Deref for RecordBuffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.0.as_deref().map_or(&[], |octets| octets)
    }
}

impl DerefMut for RecordBuffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        self.0.as_deref_mut().map_or(&mut [], |octets| octets)
    }
}

impl Drop for RecordBuffer {
    #[inline]
    fn drop(&mut self) {
        if let Some(octets) = self.0.take() {
            give_back(octets);
        }
    }
}

impl fmt::Debug for RecordBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordBuffer")
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn pieces_are_gathered_in_order_and_empty_ones_passed_over() {
        let pieces = [&b""[..], b"ab", b"", b"c", b""].map(IoSlice::new);
        let mut buffer = RecordBuffer::take();
        assert_eq!(buffer.gather(&pieces, 3), b"abc");
        assert_eq!(buffer.gather(&[], 0), b"");
        let whole = vec![7; RecordBuffer::LEN];
        assert_eq!(buffer.gather(&[IoSlice::new(&whole)], whole.len()), whole);
    }

    fn kept() -> usize {
        ARENA.with(|arena| arena.kept.get())
    }

    #[test]
    fn a_buffer_comes_back_and_is_lent_again() {
        let mut buffer = RecordBuffer::take();
        assert_eq!(buffer.len(), RecordBuffer::LEN);
        buffer[0] = 77;
        let place = buffer.as_ptr();
        assert_eq!(kept(), 0);
        drop(buffer);
        assert_eq!(kept(), 1);
        assert_eq!(RecordBuffer::take().as_ptr(), place);
    }

    #[test]
    fn no_more_than_a_few_are_kept() {
        let many: Vec<_> = (0..3 * KEPT).map(|_| RecordBuffer::take()).collect();
        drop(many);
        assert_eq!(kept(), KEPT);
    }

    #[test]
    fn a_buffer_may_end_on_another_thread_and_at_its_end() {
        thread_local! {
            static LATE: RefCell<Option<RecordBuffer>> = const { RefCell::new(None) };
        }
        let buffer = RecordBuffer::take();
        std::thread::spawn(move || {
            LATE.set(Some(buffer));
            drop(RecordBuffer::take());
            assert_eq!(kept(), 1);
        })
        .join()
        .unwrap();
        assert_eq!(kept(), 0);
    }
}
