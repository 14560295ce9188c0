//! The stream that the library owns.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tls_core::StagedTransport;

use crate::records::Records;

/// The stream under native-tls: what is lent to the session, followed record by
/// record.
///
/// When the library drops it, with a handshake that has failed, what it held
/// goes back to the session: how the transport failed, and
/// what of the alert has not left.
#[derive(Debug)]
pub struct Stream {
    /// Taken out by `drop` alone.
    watched: Option<Watched>,
    home: Home,
}

/// Where a stream's inside goes when it is dropped.
pub(crate) type Home = Arc<Mutex<Option<Watched>>>;

/// What has come back.
pub(crate) fn take_back(home: &Home) -> Option<Watched> {
    home.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl Stream {
    pub(crate) fn new(watched: Watched, home: Home) -> Self {
        Self {
            watched: Some(watched),
            home,
        }
    }

    pub(crate) fn watched(&self) -> &Watched {
        self.watched.as_ref().expect(HELD)
    }

    pub(crate) fn watched_mut(&mut self) -> &mut Watched {
        self.watched.as_mut().expect(HELD)
    }
}

const HELD: &str = "a stream that is not dropped holds its inside";

impl Drop for Stream {
    fn drop(&mut self) {
        let mut home = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        *home = self.watched.take();
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.watched_mut().read(buf)
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.watched_mut().staged.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.watched_mut().staged.flush()
    }
}

/// A staged transport whose records are followed.
#[derive(Debug)]
pub(crate) struct Watched {
    staged: StagedTransport,
    records: Records,
    /// No record that would be beyond this many is begun.
    most: u64,
    /// The library wanted more records than that.
    halted: bool,
    /// A record of handshake messages is the peer's wish to renegotiate.
    refuses_handshakes: bool,
    /// Such a record has come.
    renegotiates: bool,
}

impl Watched {
    pub(crate) fn new(mut staged: StagedTransport) -> Self {
        staged.read_ahead();
        Self {
            staged,
            records: Records::default(),
            most: u64::MAX,
            halted: false,
            refuses_handshakes: false,
            renegotiates: false,
        }
    }

    pub(crate) fn staged(&self) -> &StagedTransport {
        &self.staged
    }

    pub(crate) fn staged_mut(&mut self) -> &mut StagedTransport {
        &mut self.staged
    }

    /// Whether the peer has been heard to speak TLS.
    pub(crate) fn has_heard(&self) -> bool {
        self.records.has_heard()
    }

    /// Ends the library's turn after so many more records: it blocks.
    pub(crate) fn allow(&mut self, records: u64) {
        self.most = self.records.begun().saturating_add(records);
        self.halted = false;
    }

    /// Whether the library's turn was ended, and not for want of octets.
    pub(crate) fn is_halted(&self) -> bool {
        self.halted
    }

    /// From now on no record of handshake messages is handed to the library.
    /// TLS 1.3 has no such records after the handshake, and the library knows.
    pub(crate) fn refuse_renegotiation(&mut self) {
        self.refuses_handshakes = !self.records.encrypts_types();
    }

    /// Whether the peer wanted to renegotiate.
    pub(crate) fn renegotiates(&self) -> bool {
        self.renegotiates
    }

    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.records.begun() >= self.most && self.records.at_boundary() {
            self.halted = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let taken = self.staged.read(buf)?;
        let passed = buf.get(..taken).unwrap_or_default();
        if self.records.pass(passed) && self.refuses_handshakes {
            self.renegotiates = true;
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(taken)
    }
}
