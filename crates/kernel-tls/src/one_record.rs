//! A transport that is read no further than a record.

use std::io::{self, IoSlice};
#[cfg(unix)]
use std::os::fd::BorrowedFd;

use tls_core::Transport;

/// A record's header: its type, its version and the length of what follows
/// (RFC 8446, section 5.1).
const HEADER: usize = 5;

/// Where the peer's records end, seen from the outside.
#[derive(Debug, Default)]
pub(crate) struct Borders {
    header: [u8; HEADER],
    /// How much of the header has come.
    known: usize,
    /// How much of the record is still to come behind its header.
    left: usize,
}

impl Borders {
    /// Whether all that was read are whole records.
    pub(crate) fn is_at_one(&self) -> bool {
        self.known == 0 && self.left == 0
    }

    /// How much may be read: the rest of the header, or of the record.
    fn room(&self) -> usize {
        match self.left {
            0 => HEADER - self.known,
            left => left,
        }
    }

    /// Takes note of what was read, which is no more than there was room for.
    fn note(&mut self, read: &[u8]) {
        if self.left > 0 {
            self.left = self.left.saturating_sub(read.len());
            return;
        }
        for octet in read.iter().take(HEADER - self.known) {
            self.header[self.known] = *octet;
            self.known += 1;
        }
        if self.known == HEADER {
            self.known = 0;
            self.left = usize::from(u16::from_be_bytes([self.header[3], self.header[4]]));
        }
    }
}

/// A transport of which the handshake's records are read, and nothing behind
/// them: no read passes the end of a record. It costs two reads a record.
pub struct OneRecordAtATime<'a> {
    io: &'a mut dyn Transport,
    borders: Option<&'a mut Borders>,
}

impl<'a> OneRecordAtATime<'a> {
    /// Stops at these borders, or at none.
    pub(crate) fn new(io: &'a mut dyn Transport, borders: Option<&'a mut Borders>) -> Self {
        Self { io, borders }
    }
}

impl Transport for OneRecordAtATime<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(borders) = &mut self.borders else {
            return self.io.read(buf);
        };
        let room = buf.len().min(borders.room());
        let taken = self.io.read(&mut buf[..room])?;
        borders.note(buf.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.io.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.io.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.io.flush()
    }

    #[cfg(unix)]
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.io.descriptor()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// An empty record, one of two octets, and one of 300.
    fn records() -> Vec<u8> {
        let mut octets = vec![22, 3, 1, 0, 0, 22, 3, 3, 0, 2, 9, 9, 23, 3, 3, 1, 44];
        octets.resize(octets.len() + 300, 7);
        octets
    }

    #[test]
    fn no_read_passes_a_border() {
        for most in [1, 2, 3, 5, 7, 1000] {
            let sent = records();
            let mut io = VecDeque::from(sent.clone());
            let mut borders = Borders::default();
            let mut got = Vec::new();
            let mut whole = Vec::new();
            while got.len() < sent.len() {
                let mut buf = vec![0; most];
                let mut wire = OneRecordAtATime::new(&mut io, Some(&mut borders));
                let taken = wire.read(&mut buf).unwrap();
                got.extend_from_slice(&buf[..taken]);
                if borders.is_at_one() {
                    whole.push(got.len());
                }
            }
            assert_eq!(got, sent);
            assert_eq!(whole, [5, 12, 317], "reads of {most}");
        }
    }

    #[test]
    fn without_borders_all_passes() {
        let mut io = VecDeque::from(records());
        let mut buf = [0; 1000];
        let taken = OneRecordAtATime::new(&mut io, None).read(&mut buf).unwrap();
        assert_eq!(taken, 317);
    }
}
