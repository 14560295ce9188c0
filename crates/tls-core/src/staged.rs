//! The stream under a library that wants its writes retried.

use std::io::{self, IoSlice, Read, Write};
use std::mem;

use transport::{Interest, Step};

use crate::limits::{MAX_HELD_PLAINTEXT, MAX_RECORD_PLAINTEXT};
use crate::{LentTransport, ReadAhead, RecordBuffer};

/// A [`LentTransport`] that takes every write whole and remembers how the
/// transport ended.
///
/// A library that owns its stream wants the same write again after it blocked;
/// our sessions never ask that of their caller. So what the transport does not
/// take is kept here, and a write never blocks under the library. A session
/// calls [`flush_staged`](Self::flush_staged) before it lets the library write
/// again, so no more is kept than one flight of the handshake or the records
/// that are sent together. Nor does a write ever fail under the library, which
/// would end what it can still receive: the flush behind it does.
#[derive(Debug)]
pub struct StagedTransport {
    lent: LentTransport,
    /// What was read before the library asked for it, if that is done.
    ahead: Option<ReadAhead>,
    /// What the transport has not taken yet: `staged[sent..]`.
    staged: Vec<u8>,
    sent: usize,
    /// Records that go out together with the next one. The transport was not
    /// asked to take them yet.
    gathered: Vec<Gathered>,
    gathers: bool,
    /// Whether nothing may follow what was written.
    sealed: bool,
    /// Whether the last read found nothing.
    blocked: bool,
    ended: bool,
    failure: Option<io::Error>,
    /// Why the transport takes nothing any more, until that is told.
    broken: Option<io::Error>,
}

impl StagedTransport {
    /// Stages on top of a slot.
    pub fn new(lent: LentTransport) -> Self {
        Self {
            lent,
            ahead: None,
            staged: Vec::new(),
            sent: 0,
            gathered: Vec::new(),
            gathers: false,
            sealed: false,
            blocked: false,
            ended: false,
            failure: None,
            broken: None,
        }
    }

    /// Reads a record at a time, for a library that asks for less at once
    /// and does not read ahead itself.
    pub fn read_ahead(&mut self) {
        self.ahead.get_or_insert_default();
    }

    /// Whether something has come that the library has not asked for yet.
    pub fn has_read_ahead(&self) -> bool {
        self.ahead.as_ref().is_some_and(|ahead| !ahead.is_empty())
    }

    /// Drops what the library will not ask for any more.
    pub fn forget_read_ahead(&mut self) {
        if let Some(ahead) = &mut self.ahead {
            ahead.clear();
        }
    }

    /// Keeps writes back, up to three of a record's size, to send them together
    /// with the next one: one system call where the library makes several
    /// records. Off, the next write or flush sends what is kept.
    pub fn gather(&mut self, on: bool) {
        self.gathers = on;
    }

    /// Takes what the library writes from now on for nobody: the peer would
    /// ignore what comes behind a `close_notify` (RFC 8446, section 6.1), and
    /// may not even take it.
    pub fn seal(&mut self) {
        self.sealed = true;
    }

    /// Whether something waits to be sent.
    #[inline]
    pub fn is_staged(&self) -> bool {
        self.is_refused() || !self.gathered.is_empty()
    }

    /// Whether the transport would not take something.
    #[inline]
    pub fn is_refused(&self) -> bool {
        self.sent < self.staged.len()
    }

    /// Whether the last read of the library found nothing.
    pub fn has_blocked(&self) -> bool {
        self.blocked
    }

    /// Forgets about the last read, before a call of the library that may
    /// read nothing.
    pub fn forget_blocked(&mut self) {
        self.blocked = false;
    }

    /// Whether the library was told that the transport has ended.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The error that the transport gave to a read, once: the library's own
    /// words for it say less.
    pub fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// The error that the transport gave to a write, once.
    pub fn take_broken(&mut self) -> Option<io::Error> {
        self.broken.take()
    }

    /// Sends what waits, or tells why a write has failed. The memory goes back
    /// when nothing is left.
    pub fn flush_staged(&mut self) -> io::Result<Step<()>> {
        if !self.gathered.is_empty() {
            self.send_gathered(b"");
        }
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        while self.is_refused() {
            match self.lent.write(&self.staged[self.sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => self.sent += taken,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Step::Blocked(Interest::WRITE));
                }
                Err(error) => return Err(error),
            }
        }
        if self.sent > 0 {
            self.staged = Vec::new();
            self.sent = 0;
        }
        Ok(Step::Ready(()))
    }

    /// Reads from the transport.
    #[inline(always)]
    fn fetch(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.blocked = false;
        match self.fetch_once(buf) {
            Ok(taken @ 1..) => Ok(taken),
            other => self.fetch_on(buf, other),
        }
    }

    #[inline(always)]
    fn fetch_once(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let lent = &mut self.lent;
        match &mut self.ahead {
            Some(ahead) => ahead.fetch(buf, |room| lent.read(room)),
            None => lent.read(buf),
        }
    }

    /// Goes on where a first read has brought nothing.
    #[cold]
    fn fetch_on(&mut self, buf: &mut [u8], first: io::Result<usize>) -> io::Result<usize> {
        let mut result = first;
        loop {
            match result {
                Ok(0) if !buf.is_empty() => {
                    self.ended = true;
                    return Ok(0);
                }
                Ok(taken) => return Ok(taken),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    result = self.fetch_once(buf);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    return Err(error);
                }
                Err(error) => return Err(self.fail(error)),
            }
        }
    }

    /// Keeps what a first write of it has not taken.
    #[cold]
    fn write_rest(&mut self, buf: &[u8], first: io::Result<usize>) -> usize {
        let mut result = first;
        let taken = loop {
            match result {
                Ok(0) if !buf.is_empty() => break self.breaks(io::ErrorKind::WriteZero.into()),
                Ok(taken) => break taken,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    result = self.lent.write(buf);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break 0,
                Err(error) => break self.breaks(error),
            }
        };
        self.staged.extend_from_slice(&buf[taken..]);
        buf.len()
    }

    /// Takes what goes out behind something else, or not at all.
    fn write_behind(&mut self, buf: &[u8]) -> usize {
        if self.sealed || buf.is_empty() {
            return buf.len();
        }
        if self.is_refused() {
            self.staged.extend_from_slice(buf);
        } else if self.gathers
            && self.gathered.len() < MOST_GATHERED
            && let Some(gathered) = Gathered::new(buf)
        {
            self.gathered.push(gathered);
        } else {
            self.send_gathered(buf);
        }
        buf.len()
    }

    /// Sends what was gathered and then `last`, and keeps what the transport
    /// does not take.
    fn send_gathered(&mut self, last: &[u8]) {
        let gathered = mem::take(&mut self.gathered);
        let mut slices = [IoSlice::new(last); MOST_GATHERED + 1];
        for (place, record) in slices.iter_mut().zip(&gathered) {
            *place = IoSlice::new(record.octets());
        }
        let slices = &slices[..=gathered.len()];
        let mut taken = loop {
            match self.lent.write_vectored(slices) {
                Ok(0) => break self.breaks(io::ErrorKind::WriteZero.into()),
                Ok(taken) => break taken,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break 0,
                Err(error) => break self.breaks(error),
            }
        };
        for slice in slices {
            let skipped = taken.min(slice.len());
            taken -= skipped;
            self.staged.extend_from_slice(&slice[skipped..]);
        }
    }

    /// Keeps the error for the next flush. Nothing was taken.
    fn breaks(&mut self, error: io::Error) -> usize {
        self.broken = Some(error);
        0
    }

    /// Keeps the error itself for [`take_failure`](Self::take_failure) and
    /// gives the library a stand-in of its kind.
    fn fail(&mut self, error: io::Error) -> io::Error {
        let stand_in = error.kind().into();
        self.failure = Some(error);
        stand_in
    }
}

/// The records that are kept back at most: one goes out with them.
const MOST_GATHERED: usize = MAX_HELD_PLAINTEXT / MAX_RECORD_PLAINTEXT - 1;

/// A copy of one write.
#[derive(Debug)]
struct Gathered {
    buffer: RecordBuffer,
    length: usize,
}

impl Gathered {
    /// `None` if that is more than a buffer has room for.
    fn new(octets: &[u8]) -> Option<Self> {
        let mut buffer = RecordBuffer::take();
        buffer.get_mut(..octets.len())?.copy_from_slice(octets);
        Some(Self {
            buffer,
            length: octets.len(),
        })
    }

    fn octets(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl Read for StagedTransport {
    #[inline(always)]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.ahead {
            Some(ahead) if !ahead.is_empty() => Ok(ahead.take(buf)),
            _ => self.fetch(buf),
        }
    }
}

impl Write for StagedTransport {
    /// Takes all of it. What was staged before goes first.
    #[inline]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let behind = !self.staged.is_empty() || !self.gathered.is_empty();
        if behind || self.gathers || self.sealed {
            return Ok(self.write_behind(buf));
        }
        match self.lent.write(buf) {
            Ok(taken) if taken == buf.len() => Ok(taken),
            result => Ok(self.write_rest(buf, result)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_staged() {
            return Ok(());
        }
        match self.lent.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(self.fail(error)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lender;

    /// Takes `room` bytes, then blocks; reads end, or fail with `fault`.
    #[derive(Default)]
    struct Narrow {
        room: usize,
        writes: usize,
        got: Vec<u8>,
        fault: Option<io::ErrorKind>,
    }

    impl Read for Narrow {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.fault.map_or(Ok(0), |kind| Err(kind.into()))
        }
    }

    impl Write for Narrow {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(buf)])
        }

        fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
            if let Some(kind) = self.fault {
                return Err(kind.into());
            }
            if self.room == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.writes += 1;
            let mut written = 0;
            for buf in bufs {
                let taken = self.room.min(buf.len());
                self.room -= taken;
                self.got.extend_from_slice(&buf[..taken]);
                written += taken;
            }
            Ok(written)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn staged() -> (Lender, StagedTransport) {
        let (lender, lent) = LentTransport::new();
        (lender, StagedTransport::new(lent))
    }

    #[test]
    fn what_the_transport_does_not_take_goes_out_later_in_order() {
        let (mut lender, mut stream) = staged();
        let mut io = Narrow {
            room: 3,
            ..Narrow::default()
        };
        lender.lend(&mut io, || {
            assert_eq!(stream.write(b"hello").unwrap(), 5);
            assert_eq!(stream.write(b" world").unwrap(), 6);
            assert_eq!(
                stream.flush_staged().unwrap(),
                Step::Blocked(Interest::WRITE)
            );
            stream.flush().unwrap();
        });
        assert!(stream.is_staged());
        io.room = 4;
        lender.lend(&mut io, || {
            assert_eq!(
                stream.flush_staged().unwrap(),
                Step::Blocked(Interest::WRITE)
            );
        });
        io.room = 100;
        lender.lend(&mut io, || {
            assert_eq!(stream.flush_staged().unwrap(), Step::Ready(()));
        });
        assert_eq!(io.got, b"hello world");
        assert!(!stream.is_staged());
        assert_eq!(
            stream.staged.capacity(),
            0,
            "an idle stream holds no memory"
        );
    }

    #[test]
    fn records_are_gathered_and_sent_together() {
        let (mut lender, mut stream) = staged();
        let mut io = Narrow {
            room: usize::MAX,
            ..Narrow::default()
        };
        lender.lend(&mut io, || {
            stream.gather(true);
            for octets in [b"ab", b"cd", b"ef"] {
                assert_eq!(stream.write(octets).unwrap(), 2);
            }
            assert!(stream.is_staged() && !stream.is_refused());
        });
        assert_eq!(io.writes, 0);
        lender.lend(&mut io, || {
            assert_eq!(stream.write(b"gh").unwrap(), 2, "no more are kept back");
            assert!(!stream.is_staged());
            stream.write_all(b"ij").unwrap();
            stream.gather(false);
            stream.write_all(b"kl").unwrap();
        });
        assert_eq!((io.writes, io.got.as_slice()), (2, &b"abcdefghijkl"[..]));
    }

    #[test]
    fn nothing_follows_what_was_written_before_the_seal() {
        let (mut lender, mut stream) = staged();
        let mut io = Narrow::default();
        lender.lend(&mut io, || stream.write_all(b"last").unwrap());
        stream.seal();
        io.room = 9;
        lender.lend(&mut io, || {
            stream.write_all(b"more").unwrap();
            assert!(stream.flush_staged().unwrap().is_ready());
            stream.write_all(b"more").unwrap();
        });
        assert_eq!(io.got, b"last");
    }

    #[test]
    fn what_is_gathered_leaves_with_a_flush_and_is_kept_if_refused() {
        let (mut lender, mut stream) = staged();
        let mut io = Narrow {
            room: 3,
            ..Narrow::default()
        };
        lender.lend(&mut io, || {
            stream.gather(true);
            stream.write_all(b"ab").unwrap();
            stream.write_all(b"cd").unwrap();
            let flushed = stream.flush_staged().unwrap();
            assert_eq!(flushed, Step::Blocked(Interest::WRITE));
            assert!(stream.is_refused());
            assert_eq!(stream.write(b"ef").unwrap(), 2);
        });
        io.room = 9;
        lender.lend(&mut io, || {
            assert!(stream.flush_staged().unwrap().is_ready());
        });
        assert_eq!(io.got, b"abcdef");
    }

    #[test]
    fn a_write_beyond_a_record_is_not_kept_back() {
        let (mut lender, mut stream) = staged();
        let mut io = Narrow {
            room: usize::MAX,
            ..Narrow::default()
        };
        lender.lend(&mut io, || {
            stream.gather(true);
            stream.write_all(b"ab").unwrap();
            let long = vec![7; RecordBuffer::LEN + 1];
            assert_eq!(stream.write(&long).unwrap(), long.len());
            assert!(!stream.is_staged());
        });
        assert_eq!(io.got.len(), RecordBuffer::LEN + 3);
    }

    #[test]
    fn an_end_and_a_failure_are_remembered() {
        let (mut lender, mut stream) = staged();
        let mut io = Narrow::default();
        lender.lend(&mut io, || assert_eq!(stream.read(&mut []).unwrap(), 0));
        assert!(!stream.has_ended(), "an empty buffer says nothing");
        lender.lend(&mut io, || assert_eq!(stream.read(&mut [0]).unwrap(), 0));
        assert!(stream.has_ended());
        io.fault = Some(io::ErrorKind::ConnectionReset);
        lender.lend(&mut io, || assert!(stream.read(&mut [0]).is_err()));
        assert_eq!(
            stream.take_failure().unwrap().kind(),
            io::ErrorKind::ConnectionReset
        );
        assert!(stream.take_failure().is_none());
    }

    #[test]
    fn a_write_that_fails_is_told_by_the_flush_behind_it() {
        for gathers in [false, true] {
            let (mut lender, mut stream) = staged();
            let mut io = Narrow {
                fault: Some(io::ErrorKind::ConnectionReset),
                ..Narrow::default()
            };
            stream.gather(gathers);
            lender.lend(&mut io, || {
                assert_eq!(stream.write(b"x").unwrap(), 1);
                assert!(stream.is_staged());
                // It is the first one that is told.
                let told = stream.flush_staged().unwrap_err();
                assert_eq!(told.kind(), io::ErrorKind::ConnectionReset);
            });
            io.fault = Some(io::ErrorKind::BrokenPipe);
            lender.lend(&mut io, || {
                let told = stream.flush_staged().unwrap_err();
                assert_eq!(told.kind(), io::ErrorKind::BrokenPipe);
                assert!(stream.read(&mut [0]).is_err(), "reading is another matter");
            });
            assert!(stream.take_broken().is_none() && stream.take_failure().is_some());
        }
    }
}
