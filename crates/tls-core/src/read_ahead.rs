//! Reading more than a library asks for.

use std::fmt;
use std::io;

use crate::arena::{self, Octets};

/// A request of at least this many octets is for the body of a long record:
/// it is read in place, because to copy that much costs more than it spares.
const IN_PLACE: usize = 8 * 1024;

/// A record's header, which libraries ask for first (RFC 8446, section 5.1).
const HEADER: usize = 5;

/// Octets that came before the library asked for them.
///
/// Libraries ask for a record's header and then for its body, or for a few
/// KiB at a time, and each of these is a system call. This asks for a whole
/// record instead. The buffer is lent only as long as something is in it.
#[derive(Default)]
pub struct ReadAhead {
    /// Lent while `from` is below `to`.
    buffer: Option<Octets>,
    from: usize,
    to: usize,
}

impl ReadAhead {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self {
            buffer: None,
            from: 0,
            to: 0,
        }
    }

    /// Whether there is nothing that the library has not asked for.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.from == self.to
    }

    /// Drops what is there.
    #[inline]
    pub fn clear(&mut self) {
        self.to = self.from;
        if let Some(octets) = self.buffer.take() {
            arena::give_back(octets);
        }
    }

    /// Reads what is there, or, if that is nothing, what `source` gives.
    #[inline]
    pub fn read(
        &mut self,
        buf: &mut [u8],
        source: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        match self.is_empty() {
            true => self.fetch(buf, source),
            false => Ok(self.take(buf)),
        }
    }

    /// Reads what is there.
    #[inline(always)]
    pub(crate) fn take(&mut self, buf: &mut [u8]) -> usize {
        let there = self.there();
        let taken = there.len().min(buf.len());
        match (&mut *buf, there.first_chunk::<HEADER>()) {
            // Too little for a call of memcpy.
            ([a, b, c, d, e], Some(header)) => [*a, *b, *c, *d, *e] = *header,
            _ => buf[..taken].copy_from_slice(&there[..taken]),
        }
        self.from += taken;
        if self.is_empty() {
            self.clear();
        }
        taken
    }

    fn there(&self) -> &[u8] {
        let octets = self.buffer.as_deref();
        octets.map_or(&[], |octets| &octets[self.from..self.to])
    }

    /// Reads what `source` gives, where nothing is there.
    #[inline(always)]
    pub(crate) fn fetch(
        &mut self,
        buf: &mut [u8],
        source: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        if buf.len() >= IN_PLACE || buf.is_empty() {
            return source(buf);
        }
        let room = self.buffer.get_or_insert_with(arena::take);
        match source(&mut room[..]) {
            Ok(came) => {
                self.from = 0;
                // No more than there is room for, whatever the source says.
                self.to = came.min(room.len());
                Ok(self.take(buf))
            }
            Err(error) => {
                self.clear();
                Err(error)
            }
        }
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for ReadAhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAhead")
            .field("held", &(self.to - self.from))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecordBuffer;

    #[test]
    fn small_requests_share_one_read_and_large_ones_read_in_place() {
        let mut ahead = ReadAhead::new();
        let mut asked = Vec::new();
        let mut read = |ahead: &mut ReadAhead, want: usize| {
            let mut buf = vec![0; want];
            let taken = ahead.read(&mut buf, |room| {
                asked.push(room.len());
                room[..10].copy_from_slice(b"0123456789");
                Ok(10)
            });
            buf.truncate(taken.unwrap());
            buf
        };
        assert_eq!(read(&mut ahead, 5), b"01234");
        assert!(!ahead.is_empty());
        assert_eq!(read(&mut ahead, 3), b"567");
        assert_eq!(
            read(&mut ahead, IN_PLACE),
            b"89",
            "what is there comes first"
        );
        assert!(ahead.is_empty());
        assert_eq!(read(&mut ahead, IN_PLACE), b"0123456789");
        assert!(ahead.is_empty());
        assert_eq!(read(&mut ahead, 10), b"0123456789");
        assert!(ahead.is_empty(), "nothing is held when all was taken");
        assert_eq!(asked, [RecordBuffer::LEN, IN_PLACE, RecordBuffer::LEN]);
    }

    #[test]
    fn a_source_that_ends_or_fails_leaves_nothing() {
        let mut ahead = ReadAhead::new();
        let ended = ahead.read(&mut [0; 5], |_| Ok(0));
        assert_eq!(ended.unwrap(), 0);
        let blocked = ahead.read(&mut [0; 5], |_| Err(io::ErrorKind::WouldBlock.into()));
        assert_eq!(blocked.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(ahead.is_empty());
    }

    #[test]
    fn what_is_there_can_be_dropped() {
        let mut ahead = ReadAhead::new();
        assert_eq!(ahead.read(&mut [0; 1], |_| Ok(9)).unwrap(), 1);
        assert!(!ahead.is_empty());
        ahead.clear();
        assert!(ahead.is_empty());
    }
}
