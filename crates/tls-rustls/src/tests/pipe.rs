//! Two ends of a stream in memory, with faults to order.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use tls_core::Transport;

/// One direction of the stream.
#[derive(Default)]
struct Lane {
    bytes: VecDeque<u8>,
    /// All that was ever sent.
    sent: Vec<u8>,
    ended: bool,
}

/// One end of the stream.
pub(super) struct End {
    incoming: Arc<Mutex<Lane>>,
    outgoing: Arc<Mutex<Lane>>,
    /// The most that one call takes or gives.
    pub(super) most: usize,
    /// How many octets may be sent before it blocks.
    pub(super) room: usize,
    /// Whether every other call blocks, and every third is interrupted.
    pub(super) fitful: bool,
    /// How many reads and writes there were.
    pub(super) calls: usize,
    /// Whether a flush blocks.
    pub(super) flush_blocks: bool,
    pub(super) flushes: usize,
    /// Whether a write fails.
    pub(super) broken: bool,
    /// Whether a read fails.
    pub(super) reset: bool,
}

pub(super) fn pipe() -> (End, End) {
    let (one, other) = (Arc::default(), Arc::default());
    (End::new(&one, &other), End::new(&other, &one))
}

impl End {
    fn new(incoming: &Arc<Mutex<Lane>>, outgoing: &Arc<Mutex<Lane>>) -> Self {
        Self {
            incoming: Arc::clone(incoming),
            outgoing: Arc::clone(outgoing),
            most: usize::MAX,
            room: usize::MAX,
            fitful: false,
            calls: 0,
            flush_blocks: false,
            flushes: 0,
            broken: false,
            reset: false,
        }
    }

    fn outgoing(&self) -> MutexGuard<'_, Lane> {
        self.outgoing.lock().unwrap()
    }

    fn incoming(&self) -> MutexGuard<'_, Lane> {
        self.incoming.lock().unwrap()
    }

    /// Ends this end's direction.
    pub(super) fn end(&mut self) {
        self.outgoing().ended = true;
    }

    /// Puts bytes before the other end that no session made.
    pub(super) fn inject(&mut self, bytes: &[u8]) {
        self.outgoing().bytes.extend(bytes);
    }

    /// Changes the last octet on its way to this end.
    pub(super) fn damage(&mut self) {
        *self.incoming().bytes.back_mut().unwrap() ^= 1;
    }

    /// All that this end has sent so far.
    pub(super) fn sent(&self) -> Vec<u8> {
        self.outgoing().sent.clone()
    }

    /// How much has moved in either direction, read or written.
    pub(super) fn traffic(&self) -> (usize, usize, usize, usize) {
        let (incoming, outgoing) = (self.incoming(), self.outgoing());
        (
            incoming.sent.len(),
            incoming.bytes.len(),
            outgoing.sent.len(),
            outgoing.bytes.len(),
        )
    }

    fn fit(&mut self) -> io::Result<()> {
        self.calls += 1;
        match self.calls % 6 {
            _ if !self.fitful => Ok(()),
            2 | 4 => Err(io::ErrorKind::WouldBlock.into()),
            3 => Err(io::ErrorKind::Interrupted.into()),
            _ => Ok(()),
        }
    }
}

impl Transport for End {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.fit()?;
        if self.reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let mut lane = self.incoming.lock().unwrap();
        let most = buf.len().min(self.most).min(lane.bytes.len());
        if most == 0 && !lane.ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        for (place, octet) in buf.iter_mut().zip(lane.bytes.drain(..most)) {
            *place = octet;
        }
        Ok(most)
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.fit()?;
        if self.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let most = buf.len().min(self.most).min(self.room);
        if most == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.room -= most;
        let mut lane = self.outgoing();
        lane.bytes.extend(&buf[..most]);
        lane.sent.extend_from_slice(&buf[..most]);
        Ok(most)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes += 1;
        if self.flush_blocks {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(())
    }
}
