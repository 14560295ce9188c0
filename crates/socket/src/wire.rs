//! The descriptor, for the length of one call.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvFlags, SendAncillaryBuffer, SendFlags, recv, recvmsg, send, sendmsg,
};
use transport::{Interest, Step, Transport};

use crate::input::Input;
use crate::{Error, Statistics};

/// How many buffers one system call takes on every system (`IOV_MAX`).
const MAX_SLICES: usize = 1024;

/// A socket's descriptor and its counters, borrowed for one call. A session is
/// lent this as its transport; a plain socket uses it directly.
pub struct Wire<'a> {
    pub(crate) fd: BorrowedFd<'a>,
    /// Whether a call may wait in the kernel. Without it the descriptor's own
    /// mode does not matter: no call waits.
    pub(crate) waits: bool,
    pub(crate) input: &'a mut Input,
    pub(crate) statistics: &'a mut Statistics,
}

impl Wire<'_> {
    /// Receives on a plain socket.
    pub(crate) fn receive(&mut self, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        step(self.recv(buf), Interest::READ)
    }

    /// Looks at what a plain socket will receive.
    pub(crate) fn peek(&mut self, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        let flags = RecvFlags::PEEK | self.recv_flags();
        let result = uninterrupted(|| recv(self.fd, &mut *buf, flags));
        step(result.map(|(octets, _)| octets), Interest::READ)
    }

    /// Receives into several buffers on a plain socket.
    pub(crate) fn receive_vectored(
        &mut self,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Result<Step<usize>, Error> {
        let most = bufs.len().min(MAX_SLICES);
        let flags = self.recv_flags();
        let result = uninterrupted(|| {
            let mut no_control = RecvAncillaryBuffer::default();
            let message = recvmsg(self.fd, &mut bufs[..most], &mut no_control, flags)?;
            Ok(message.bytes)
        });
        if let Ok(octets) = result {
            self.statistics.wire_received.add(octets);
        }
        step(result, Interest::READ)
    }

    /// Sends on a plain socket.
    pub(crate) fn transmit(&mut self, bufs: &[IoSlice<'_>]) -> Result<Step<usize>, Error> {
        step(self.send_slices(bufs), Interest::WRITE)
    }

    fn recv(&mut self, buf: &mut [u8]) -> Result<usize, Errno> {
        if !self.waits && *self.input == Input::Exhausted {
            return Err(Errno::WOULDBLOCK);
        }
        let flags = self.recv_flags();
        let received = uninterrupted(|| recv(self.fd, &mut *buf, flags));
        match received {
            Ok((octets, _)) => self.input.note(octets, buf.len()),
            Err(Errno::WOULDBLOCK) => self.input.note_nothing(),
            Err(_) => {}
        }
        let (octets, _) = received?;
        self.statistics.wire_received.add(octets);
        Ok(octets)
    }

    /// Sends the front of these buffers: empty ones are passed over, and no
    /// more are sent at once than the system takes.
    fn send_slices(&mut self, bufs: &[IoSlice<'_>]) -> Result<usize, Errno> {
        let Some(first) = bufs.iter().position(|buf| !buf.is_empty()) else {
            return Ok(0);
        };
        let several = match &bufs[first..] {
            [one] => return self.send(one),
            several => &several[..several.len().min(MAX_SLICES)],
        };
        let flags = self.send_flags();
        let octets = uninterrupted(|| {
            let mut no_control = SendAncillaryBuffer::default();
            sendmsg(self.fd, several, &mut no_control, flags)
        })?;
        self.statistics.wire_sent.add(octets);
        Ok(octets)
    }

    #[inline]
    fn send(&mut self, buf: &[u8]) -> Result<usize, Errno> {
        if buf.is_empty() {
            return Ok(0);
        }
        let flags = self.send_flags();
        let octets = uninterrupted(|| send(self.fd, buf, flags))?;
        self.statistics.wire_sent.add(octets);
        Ok(octets)
    }

    fn recv_flags(&self) -> RecvFlags {
        if self.waits {
            RecvFlags::empty()
        } else {
            RecvFlags::DONTWAIT
        }
    }

    fn send_flags(&self) -> SendFlags {
        // A peer that is gone is an error, not the signal SIGPIPE. Apple's
        // systems have a socket option instead, which is set on adoption.
        #[cfg(not(target_vendor = "apple"))]
        let flags = SendFlags::NOSIGNAL;
        #[cfg(target_vendor = "apple")]
        let flags = SendFlags::empty();
        if self.waits {
            flags
        } else {
            flags | SendFlags::DONTWAIT
        }
    }
}

/// `WouldBlock` is what a session expects of its transport.
impl Transport for Wire<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(self.recv(buf)?)
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(self.send(buf)?)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.send_slices(bufs)?)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.fd)
    }
}

pub(crate) fn uninterrupted<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

fn step(result: Result<usize, Errno>, interest: Interest) -> Result<Step<usize>, Error> {
    match result {
        Ok(octets) => Ok(Step::Ready(octets)),
        Err(Errno::WOULDBLOCK) => Ok(Step::Blocked(interest)),
        Err(errno) => Err(io::Error::from(errno).into()),
    }
}
