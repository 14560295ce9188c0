//! What is read from a file at once.

use std::io::IoSlice;
use std::os::fd::BorrowedFd;

use rustix::io::{Errno, pread};
#[cfg(feature = "tls")]
use tls_core::RecordBuffer as Buffer;

use crate::wire::uninterrupted;

/// How much is read into one buffer: a full record.
const PIECE: usize = 16 * 1024;

/// How many buffers there are: as many records as sessions send together. The
/// buffers come from the arena of records.
#[cfg(feature = "tls")]
const PIECES: usize = 4;

/// Without the arena there is one on the stack.
#[cfg(not(feature = "tls"))]
const PIECES: usize = 1;

/// The front of a part of a file, in the order of the file.
pub(crate) struct FilePieces([Option<Piece>; PIECES]);

struct Piece {
    buffer: Buffer,
    octets: usize,
}

impl FilePieces {
    /// Reads what is there, `most` octets at most; nothing is the end.
    pub(crate) fn read(file: BorrowedFd<'_>, offset: u64, most: u64) -> Result<Self, Errno> {
        let mut pieces = [const { None }; PIECES];
        let mut done = 0;
        for piece in &mut pieces {
            let room = PIECE.min(usize::try_from(most - done).unwrap_or(usize::MAX));
            if room == 0 {
                break;
            }
            let mut buffer = Buffer::take();
            let read = uninterrupted(|| pread(file, &mut buffer[..room], offset + done));
            let octets = match read {
                Ok(octets) => octets,
                // The next read meets it again.
                Err(_) if done > 0 => break,
                Err(errno) => return Err(errno),
            };
            done += octets as u64;
            *piece = Some(Piece { buffer, octets });
            if octets < room {
                break;
            }
        }
        Ok(Self(pieces))
    }

    /// Shows them; none is empty.
    pub(crate) fn show<T>(&self, to: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        let slices = self.0.each_ref().map(|piece| {
            let read = piece.as_ref().map(|piece| &piece.buffer[..piece.octets]);
            IoSlice::new(read.unwrap_or_default())
        });
        let filled = slices.iter().take_while(|slice| !slice.is_empty()).count();
        to(&slices[..filled])
    }
}

#[cfg(not(feature = "tls"))]
struct Buffer([u8; PIECE]);

#[cfg(not(feature = "tls"))]
impl Buffer {
    fn take() -> Self {
        Self([0; PIECE])
    }
}

#[cfg(not(feature = "tls"))]
impl std::ops::Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(not(feature = "tls"))]
impl std::ops::DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::os::fd::AsFd;

    use super::*;

    fn read(file: &File, offset: u64, most: u64) -> Vec<u8> {
        let pieces = FilePieces::read(file.as_fd(), offset, most).unwrap();
        pieces.show(|slices| {
            assert!(slices.iter().all(|slice| !slice.is_empty()));
            assert!(
                slices
                    .iter()
                    .rev()
                    .skip(1)
                    .all(|slice| slice.len() == PIECE)
            );
            slices.iter().flat_map(|slice| slice.to_vec()).collect()
        })
    }

    #[test]
    fn no_more_is_read_than_asked_for_and_than_there_is_room() {
        let content: Vec<u8> = (0..6 * PIECE).map(|place| (place % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        let length = content.len();
        for offset in [0, 5, PIECE + 5, length - PIECE - 3, length - 1, length] {
            for most in [1, PIECE - 1, PIECE, PIECE + 1, usize::MAX] {
                let expected = most.min(PIECES * PIECE).min(length - offset);
                let got = read(&file, offset as u64, most as u64);
                assert!(got == content[offset..][..expected], "{offset} {most}");
            }
        }
        assert_eq!(read(&file, length as u64 + 1, 10), []);
        assert_eq!(read(&file, 0, 0), []);
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let directory = File::open(folder.path()).unwrap();
        let result = FilePieces::read(directory.as_fd(), 0, 10);
        assert_eq!(result.err(), Some(Errno::ISDIR));
    }
}
