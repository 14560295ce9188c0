//! What a session is lent: the descriptor, behind what was read before it.

use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::BorrowedFd;

use tls_core::Transport;

use super::framing::Framing;
use super::handed_over::HandedOver;
use crate::wire::Wire;

/// The transport of one call.
pub(super) struct LentWire<'a, 'w> {
    pub(super) handed_over: &'a mut HandedOver,
    pub(super) framing: &'a mut Framing,
    pub(super) wire: &'a mut Wire<'w>,
    /// Whether nothing is read beyond a record: plaintext may follow the
    /// peer's `close_notify`, and a session that reads ahead would swallow it.
    pub(super) one_record: bool,
}

impl Transport for LentWire<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let room = match self.one_record {
            true => buf.len().min(self.framing.to_next_border()),
            false => buf.len(),
        };
        let buf = &mut buf[..room];
        let octets = match self.handed_over.is_empty() {
            true => self.wire.read(buf)?,
            false => self.handed_over.take(buf),
        };
        self.framing.note(&buf[..octets]);
        Ok(octets)
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.wire.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.wire.write_vectored(bufs)
    }

    /// None while bytes are left that the descriptor has not any more, and
    /// where reading from it would pass the end of a record.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        (self.handed_over.is_empty() && !self.one_record).then_some(self.wire.fd)
    }
}

/// The transport for a `close_notify` behind which nothing else waits. A peer
/// that has gone needs none, and what it sent before must stay readable: so
/// the octets are taken, for nobody.
pub(super) struct PeerMayBeGone<'a>(pub(super) &'a mut dyn Transport);

impl Transport for PeerMayBeGone<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        unless_gone(self.0.write(buf), buf.len())
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let whole = bufs.iter().map(|buf| buf.len()).sum();
        unless_gone(self.0.write_vectored(bufs), whole)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.0.descriptor()
    }
}

fn unless_gone(result: io::Result<usize>, whole: usize) -> io::Result<usize> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(whole),
        result => result,
    }
}
