//! The stream that the library owns.

use std::io::{self, ErrorKind, Read, Write};
use std::mem;

use tls_core::{Alert, StagedTransport};

/// A record's header: the type, the version and the length (RFC 8446, section 5.1).
const HEADER_OCTETS: usize = 5;

/// An alert in the clear: its level and its description (RFC 8446, section 6).
const ALERT_OCTETS: usize = 2;
const ALERT: u8 = 21;

/// What the library may receive until it has to say that it wants more: four
/// records of the longest. It goes on by itself until it has data; a peer that
/// sends none cannot keep the caller inside of it.
const BUDGET: usize = 4 * (16_384 + 2_048);

/// A [`StagedTransport`] that follows the records which come through it.
///
/// It lets no record through whose type does not exist, because the library
/// tries to decrypt first, and would call it forged. And it stops the library
/// when that has received a call's worth.
#[derive(Debug)]
pub(crate) struct Gate {
    staged: StagedTransport,
    /// The header as far as it has come.
    header: [u8; HEADER_OCTETS],
    filled: usize,
    /// What of the record's body has not come.
    body: usize,
    /// The end of the body as far as it has come.
    tail: [u8; ALERT_OCTETS],
    /// How many records have come whole.
    records: u64,
    /// How much the library may still receive: nothing behind an odd record.
    budget: usize,
    stopped: bool,
    odd: bool,
}

impl Gate {
    pub(crate) fn new(mut staged: StagedTransport) -> Self {
        staged.read_ahead();
        Self {
            staged,
            header: [0; HEADER_OCTETS],
            filled: 0,
            body: 0,
            tail: [0; ALERT_OCTETS],
            records: 0,
            budget: BUDGET,
            stopped: false,
            odd: false,
        }
    }

    #[inline]
    pub(crate) fn staged(&self) -> &StagedTransport {
        &self.staged
    }

    #[inline]
    pub(crate) fn staged_mut(&mut self) -> &mut StagedTransport {
        &mut self.staged
    }

    /// Lets the library go on. Whether it was stopped although the transport
    /// may have more.
    pub(crate) fn reopen(&mut self) -> bool {
        if !self.odd {
            self.budget = BUDGET;
        }
        mem::take(&mut self.stopped)
    }

    /// How many records have come whole.
    #[inline]
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Whether a record came whose type does not exist.
    pub(crate) fn is_odd(&self) -> bool {
        self.odd
    }

    /// The last record, if it is a whole alert in the clear: its level and its
    /// description. A protected record is longer.
    pub(crate) fn clear_alert(&self) -> Option<(u8, Alert)> {
        let [level, description] = self.tail;
        let is_alert = matches!(self.header, [ALERT, 3, _, 0, 2]);
        (is_alert && self.filled == 0 && self.body == 0).then_some((level, Alert(description)))
    }

    /// Says that there is nothing, because there must not be.
    #[cold]
    fn refuse(&mut self) -> io::Error {
        self.stopped = !self.odd;
        ErrorKind::WouldBlock.into()
    }

    /// The same from now on: a record came that does not exist.
    #[cold]
    fn refuse_odd(&mut self) -> io::Error {
        self.odd = true;
        self.budget = 0;
        self.refuse()
    }

    /// Takes note of what came; `false` if a record begins in it that does not exist.
    #[inline]
    fn follow(&mut self, came: &[u8]) -> bool {
        // The library asks for a header, and then for the rest of the record.
        match (self.body, self.filled) {
            (0, 0) => match *came {
                [kind, one, two, high, low] => {
                    self.header = [kind, one, two, high, low];
                    self.begin();
                    is_content_type(kind)
                }
                _ => self.follow_pieces(came),
            },
            (body, 0) if came.len() <= body => {
                self.pass(came);
                true
            }
            _ => self.follow_pieces(came),
        }
    }

    #[inline(never)]
    fn follow_pieces(&mut self, mut came: &[u8]) -> bool {
        while !came.is_empty() {
            if self.body > 0 {
                let (inside, rest) = came.split_at(self.body.min(came.len()));
                self.pass(inside);
                came = rest;
                continue;
            }
            let Some((&octet, rest)) = came.split_first() else {
                break;
            };
            if self.filled == 0 && !is_content_type(octet) {
                return false;
            }
            self.header[self.filled] = octet;
            self.filled += 1;
            came = rest;
            if self.filled == HEADER_OCTETS {
                self.filled = 0;
                self.begin();
            }
        }
        true
    }

    /// The header is there.
    fn begin(&mut self) {
        self.body = usize::from(u16::from_be_bytes([self.header[3], self.header[4]]));
        self.records += u64::from(self.body == 0);
    }

    /// A part of the body came.
    fn pass(&mut self, part: &[u8]) {
        if self.header[0] == ALERT {
            for &octet in &part[part.len().saturating_sub(ALERT_OCTETS)..] {
                self.tail = [self.tail[1], octet];
            }
        }
        self.body -= part.len();
        self.records += u64::from(self.body == 0 && !part.is_empty());
    }
}

/// Whether TLS has records of this type: change_cipher_spec, alert, handshake
/// and application_data.
fn is_content_type(octet: u8) -> bool {
    (20..=23).contains(&octet)
}

impl Read for Gate {
    #[inline(always)]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.budget == 0 {
            return Err(self.refuse());
        }
        let taken = self.staged.read(buf)?;
        self.budget = self.budget.saturating_sub(taken);
        match self.follow(&buf[..taken]) {
            true => Ok(taken),
            false => Err(self.refuse_odd()),
        }
    }
}

impl Write for Gate {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.staged.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.staged.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use tls_core::{Lender, LentTransport};

    use super::*;

    fn gate() -> (Lender, Gate) {
        let (lender, lent) = LentTransport::new();
        (lender, Gate::new(StagedTransport::new(lent)))
    }

    /// A record with a body of so many octets.
    fn record(kind: u8, length: u16) -> Vec<u8> {
        let [high, low] = length.to_be_bytes();
        let mut record = vec![kind, 3, 3, high, low];
        record.resize(HEADER_OCTETS + usize::from(length), 99);
        record
    }

    #[test]
    fn records_pass_in_pieces_of_any_length_and_odd_ones_do_not() {
        let sound = [record(22, 1), record(23, 0), record(20, 300)].concat();
        for most in [1, 2, 3, 5, 7, 1000] {
            let (mut lender, mut gate) = gate();
            let mut io = VecDeque::from(sound.clone());
            let mut got = Vec::new();
            let mut buf = vec![0; most];
            lender.lend(&mut io, || {
                while got.len() < sound.len() {
                    let taken = gate.read(&mut buf).unwrap();
                    got.extend_from_slice(&buf[..taken]);
                }
            });
            assert_eq!(got, sound);
            assert_eq!(gate.records(), 3);
            assert!(!gate.is_odd());
            io.extend(record(24, 3));
            lender.lend(&mut io, || {
                for _ in 0..2 {
                    let error = gate.read(&mut buf).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                }
            });
            assert!(gate.is_odd());
        }
    }

    #[test]
    fn a_call_receives_so_much_and_the_next_one_goes_on() {
        let (mut lender, mut gate) = gate();
        let record = record(23, 16_384);
        let mut io = VecDeque::from(record.repeat(12));
        let mut buf = vec![0; 10_000];
        for _ in 0..2 {
            let mut got = 0;
            lender.lend(&mut io, || {
                while let Ok(taken @ 1..) = gate.read(&mut buf) {
                    got += taken;
                }
            });
            assert!(gate.reopen());
            assert!((BUDGET..BUDGET + buf.len()).contains(&got), "{got}");
        }
    }

    #[test]
    fn an_alert_in_the_clear_is_told_once_it_is_whole_and_last() {
        let (mut lender, mut gate) = gate();
        let mut io = VecDeque::from([record(22, 5), vec![21, 3, 3, 0, 2, 2, 49]].concat());
        let mut told = Vec::new();
        lender.lend(&mut io, || {
            for _ in 0..17 {
                gate.read_exact(&mut [0]).unwrap();
                told.push(gate.clear_alert());
            }
        });
        let (last, before) = told.split_last().unwrap();
        assert_eq!(*last, Some((2, Alert::ACCESS_DENIED)));
        assert!(before.iter().all(Option::is_none));
        io.extend(record(21, 18));
        lender.lend(&mut io, || gate.read_exact(&mut [0; 5]).unwrap());
        assert_eq!(gate.clear_alert(), None, "a protected one is longer");
    }
}
