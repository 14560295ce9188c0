//! A stream in memory with two ends.
//!
//! An end never waits: it answers [`io::ErrorKind::WouldBlock`], as a
//! non-blocking socket does. What passes is recorded, so that a scenario can
//! look at the wire.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::rc::Rc;

use polytls::tls::Role;

/// Makes the two ends and the wire between them.
pub fn pipe() -> (End, End, Wire) {
    let wire = Wire(Rc::new(RefCell::new(State::default())));
    let end = |role| End {
        role,
        wire: wire.clone(),
    };
    (end(Role::Client), end(Role::Server), wire)
}

/// One end: a [`Transport`](polytls::tls::Transport) by its `Read + Write`.
#[derive(Debug)]
pub struct End {
    role: Role,
    wire: Wire,
}

/// What lies between the ends, to be looked at and meddled with.
#[derive(Clone, Debug)]
pub struct Wire(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    from_client: Direction,
    from_server: Direction,
    moves: u64,
}

#[derive(Debug)]
struct Direction {
    waiting: VecDeque<u8>,
    sent: Vec<u8>,
    room: usize,
    ended: bool,
    reset: bool,
    /// Nobody is there to receive.
    deserted: bool,
}

/// More than any scenario has in flight at once, so that only those block
/// that mean to.
const ROOM: usize = 256 * 1024;

impl Default for Direction {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            sent: Vec::new(),
            room: ROOM,
            ended: false,
            reset: false,
            deserted: false,
        }
    }
}

impl State {
    fn from(&mut self, role: Role) -> &mut Direction {
        match role {
            Role::Client => &mut self.from_client,
            Role::Server => &mut self.from_server,
        }
    }
}

impl Wire {
    /// All that this side has sent so far.
    pub fn sent_by(&self, role: Role) -> Vec<u8> {
        self.0.borrow_mut().from(role).sent.clone()
    }

    /// How many octets this side has sent so far.
    pub fn octets_sent_by(&self, role: Role) -> usize {
        self.0.borrow_mut().from(role).sent.len()
    }

    /// How many octets of this side the other has not read yet.
    pub fn waiting_from(&self, role: Role) -> usize {
        self.0.borrow_mut().from(role).waiting.len()
    }

    /// Puts octets on the wire as if this side had sent them.
    pub fn inject(&self, role: Role, octets: &[u8]) {
        let mut state = self.0.borrow_mut();
        state.moves += 1;
        let direction = state.from(role);
        direction.waiting.extend(octets);
        direction.sent.extend_from_slice(octets);
    }

    /// Takes away what this side has sent and the other has not read.
    pub fn intercept(&self, role: Role) -> Vec<u8> {
        self.0.borrow_mut().from(role).waiting.drain(..).collect()
    }

    /// How many octets of this side may wait on the wire before it blocks.
    pub fn set_room(&self, role: Role, room: usize) {
        self.0.borrow_mut().from(role).room = room;
    }

    /// This side sends no more; the other reads the end behind what waits.
    pub fn end(&self, role: Role) {
        let mut state = self.0.borrow_mut();
        state.moves += 1;
        state.from(role).ended = true;
    }

    /// This side has gone: what it has sent can be read, but nothing can be
    /// sent to it any more.
    pub fn leave(&self, role: Role) {
        self.end(role);
        self.0.borrow_mut().from(other(role)).deserted = true;
    }

    /// The connection breaks for both sides; what waits is lost.
    pub fn reset(&self) {
        let mut state = self.0.borrow_mut();
        state.moves += 1;
        for role in [Role::Client, Role::Server] {
            let direction = state.from(role);
            direction.waiting.clear();
            direction.reset = true;
        }
    }

    /// Changes whenever something moved: to see a standstill.
    pub fn moves(&self) -> u64 {
        self.0.borrow().moves
    }
}

impl Read for End {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut state = self.wire.0.borrow_mut();
        let direction = state.from(other(self.role));
        if direction.reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if direction.waiting.is_empty() && !buf.is_empty() {
            return if direction.ended {
                Ok(0)
            } else {
                Err(io::ErrorKind::WouldBlock.into())
            };
        }
        let taken = direction.waiting.read(buf)?;
        state.moves += 1;
        Ok(taken)
    }
}

impl Write for End {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.wire.0.borrow_mut();
        let direction = state.from(self.role);
        if direction.reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if direction.deserted {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut left = direction.room.saturating_sub(direction.waiting.len());
        let mut taken = 0;
        for buf in bufs {
            let fits = &buf[..buf.len().min(left)];
            direction.waiting.extend(fits);
            direction.sent.extend_from_slice(fits);
            left -= fits.len();
            taken += fits.len();
        }
        if taken == 0 && bufs.iter().any(|buf| !buf.is_empty()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.moves += 1;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The other side.
pub const fn other(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_pass_and_the_end_comes_behind_them() {
        let (mut client, mut server, wire) = pipe();
        assert_eq!(client.write(b"ab").unwrap(), 2);
        wire.end(Role::Client);
        let mut buf = [0; 8];
        assert_eq!(server.read(&mut buf).unwrap(), 2);
        assert_eq!(server.read(&mut buf).unwrap(), 0);
        assert_eq!(
            client.read(&mut buf).unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
        assert_eq!(wire.sent_by(Role::Client), b"ab");
    }

    #[test]
    fn what_a_side_has_sent_can_be_read_when_it_has_gone() {
        let (mut client, mut server, wire) = pipe();
        assert_eq!(server.write(b"ab").unwrap(), 2);
        wire.leave(Role::Server);
        let gone = client.write(b"c").unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::BrokenPipe);
        let mut buf = [0; 8];
        assert_eq!(client.read(&mut buf).unwrap(), 2);
        assert_eq!(client.read(&mut buf).unwrap(), 0);
    }

    #[test]
    fn a_full_wire_blocks_and_a_reset_one_fails() {
        let (mut client, mut server, wire) = pipe();
        wire.set_room(Role::Client, 3);
        assert_eq!(client.write(b"abcd").unwrap(), 3);
        assert_eq!(
            client.write(b"d").unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
        wire.reset();
        for error in [client.write(b"d"), server.read(&mut [0])] {
            assert_eq!(error.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        }
    }
}
