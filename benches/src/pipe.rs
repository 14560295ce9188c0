//! A stream in memory with two ends, which counts the calls on each.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::rc::Rc;

use serde::Serialize;
use tls_core::Role;

/// Room for what a batch of the largest scenario has in flight, so that no
/// measured call makes room.
const ROOM: usize = 2 * 1024 * 1024;

/// The calls on a transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// Reads; in memory those too that found nothing.
    pub reads: u64,
    /// Writes.
    pub writes: u64,
}

impl Calls {
    /// What came after `earlier`.
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            reads: self.reads - earlier.reads,
            writes: self.writes - earlier.writes,
        }
    }
}

/// Both directions.
///
/// What one call has written arrives as a segment: no read goes beyond its end,
/// as on a connection where each message is read before the next is sent. An
/// end never waits: it answers [`io::ErrorKind::WouldBlock`].
#[derive(Clone, Debug)]
pub struct Pipe(Rc<[Side; 2]>);

/// What one side has written and the other has not read, and its calls.
#[derive(Debug)]
struct Side {
    sent: RefCell<Segments>,
    calls: Cell<Calls>,
}

/// Octets and where each segment of them ends.
#[derive(Debug)]
struct Segments {
    octets: Vec<u8>,
    taken: usize,
    ends: VecDeque<usize>,
}

impl Pipe {
    /// Empty, with room for a batch.
    pub fn new() -> Self {
        let side = || Side {
            sent: RefCell::new(Segments {
                octets: Vec::with_capacity(ROOM),
                taken: 0,
                ends: VecDeque::with_capacity(4096),
            }),
            calls: Cell::default(),
        };
        Self(Rc::new([side(), side()]))
    }

    /// The end of this role. Several may exist, one after the other in use.
    pub fn end(&self, role: Role) -> End {
        End {
            pipe: self.clone(),
            own: index(role),
        }
    }

    /// The calls on this role's ends so far.
    pub fn calls(&self, role: Role) -> Calls {
        self.0[index(role)].calls.get()
    }

    /// Drops what is in flight.
    pub fn clear(&self) {
        for side in self.0.iter() {
            side.sent.borrow_mut().clear();
        }
    }
}

impl Default for Pipe {
    fn default() -> Self {
        Self::new()
    }
}

const fn index(role: Role) -> usize {
    match role {
        Role::Client => 0,
        Role::Server => 1,
    }
}

/// One end of a [`Pipe`].
#[derive(Debug)]
pub struct End {
    pipe: Pipe,
    own: usize,
}

impl End {
    fn own(&self) -> &Side {
        &self.pipe.0[self.own]
    }

    fn count_write(&self) {
        let calls = &self.own().calls;
        let mut counted = calls.get();
        counted.writes += 1;
        calls.set(counted);
    }
}

impl Read for End {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let calls = &self.own().calls;
        let mut counted = calls.get();
        counted.reads += 1;
        calls.set(counted);
        self.pipe.0[1 - self.own].sent.borrow_mut().take(buf)
    }
}

impl Write for End {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.count_write();
        let mut sent = self.own().sent.borrow_mut();
        sent.octets.extend_from_slice(buf);
        sent.end();
        Ok(buf.len())
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.count_write();
        let mut sent = self.own().sent.borrow_mut();
        let before = sent.octets.len();
        for buf in bufs {
            sent.octets.extend_from_slice(buf);
        }
        sent.end();
        Ok(sent.octets.len() - before)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Segments {
    fn end(&mut self) {
        let end = self.octets.len();
        if self.ends.back().copied().unwrap_or(self.taken) < end {
            self.ends.push_back(end);
        }
    }

    fn take(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(&end) = self.ends.front() else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let size = buf.len().min(end - self.taken);
        buf[..size].copy_from_slice(&self.octets[self.taken..self.taken + size]);
        self.taken += size;
        if self.taken == end {
            self.ends.pop_front();
            if self.ends.is_empty() {
                self.clear();
            }
        }
        Ok(size)
    }

    fn clear(&mut self) {
        self.octets.clear();
        self.ends.clear();
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_ends_where_a_write_did() {
        let pipe = Pipe::new();
        let (mut client, mut server) = (pipe.end(Role::Client), pipe.end(Role::Server));
        client.write_all(b"abc").unwrap();
        let slices = [IoSlice::new(b"d"), IoSlice::new(b"ef")];
        assert_eq!(client.write_vectored(&slices).unwrap(), 3);
        let mut buf = [0; 8];
        assert_eq!(server.read(&mut buf[..2]).unwrap(), 2);
        assert_eq!(server.read(&mut buf).unwrap(), 1);
        assert_eq!(server.read(&mut buf).unwrap(), 3);
        assert_eq!(&buf[..3], b"def");
        let blocked = server.read(&mut buf).unwrap_err();
        assert_eq!(blocked.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(
            (pipe.calls(Role::Client), pipe.calls(Role::Server)),
            (
                Calls {
                    reads: 0,
                    writes: 2
                },
                Calls {
                    reads: 4,
                    writes: 0
                }
            )
        );
    }

    #[test]
    fn nothing_is_left_after_a_clear() {
        let pipe = Pipe::new();
        pipe.end(Role::Server).write_all(b"abc").unwrap();
        pipe.clear();
        assert!(pipe.end(Role::Client).read(&mut [0; 4]).is_err());
    }
}
