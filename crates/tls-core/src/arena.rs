//! Buffers for records, lent for as long as something is in them.

use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};

/// How many buffers a thread keeps for later: enough for sessions inside of
/// sessions, and for a few that wait for the rest of a record.
const KEPT: usize = 8;

thread_local! {
    static ARENA: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// Room for one record, from the arena of this thread; dropped, it goes back
/// there. So a session without anything in hand holds no memory for records,
/// and one that takes a buffer for each record allocates none.
///
/// What is in it at first is of an earlier use. It may be sent to another
/// thread, and then goes back to that one's arena. An arena keeps eight at most.
pub struct RecordBuffer(Box<[u8]>);

impl RecordBuffer {
    /// How many octets it has room for: the longest record of TLS 1.3 (RFC
    /// 8446, section 5.2), which is 16,645, and a little of the one behind it.
    pub const LEN: usize = 16_768;

    /// Takes one out of the arena, or makes one.
    pub fn take() -> Self {
        let kept = ARENA.try_with(|arena| arena.borrow_mut().pop());
        Self(kept.ok().flatten().unwrap_or_else(fresh))
    }
}

#[cold]
fn fresh() -> Box<[u8]> {
    vec![0; RecordBuffer::LEN].into_boxed_slice()
}

impl Deref for RecordBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for RecordBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for RecordBuffer {
    fn drop(&mut self) {
        let octets = mem::take(&mut self.0);
        // At the end of the thread there is no arena any more.
        let _ = ARENA.try_with(|arena| {
            let mut arena = arena.borrow_mut();
            if arena.len() < KEPT {
                arena.push(octets);
            }
        });
    }
}

impl fmt::Debug for RecordBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordBuffer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> usize {
        ARENA.with_borrow(Vec::len)
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
