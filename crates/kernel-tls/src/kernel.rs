//! What is asked of the kernel.

use std::fmt::Debug;
use std::io;

use tls_core::{Alert, Capabilities, PeerMisbehaved, Transport};

use crate::schedule::Keys;

#[cfg(target_os = "linux")]
pub(crate) use crate::linux::System;
#[cfg(not(target_os = "linux"))]
pub(crate) use crate::other::System;

/// What the kernel that runs can do, once TLS 1.3 is negotiated: asked of it
/// once a process, by what it does to a connection of this process to itself.
pub fn capabilities() -> Capabilities {
    if System::is_available() {
        Capabilities::KTLS_TX | Capabilities::KTLS_RX
    } else {
        Capabilities::empty()
    }
}

/// The types of records (RFC 8446, section 5.1).
pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const APPLICATION_DATA: u8 = 23;

/// One direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Transmit,
    Receive,
}

/// A record, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Its type; `None` at the end of the stream.
    pub(crate) content_type: Option<u8>,
    pub(crate) octets: usize,
}

/// What a failed call tells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// The next record is no application data: [`Kernel::receive`] takes it.
    OtherRecord,
    /// The peer has broken the protocol.
    Fault(PeerMisbehaved, Alert),
    /// The transport has failed.
    Failed,
}

/// The kernel's side of a connection. Application data goes through the
/// transport itself; this is for the rest. No call waits.
pub(crate) trait Kernel: Debug + Send {
    /// Sets the keys of a direction, from record 0 on.
    fn install(&self, io: &dyn Transport, direction: Direction, keys: &Keys) -> io::Result<()>;

    /// Receives application data, as the transport does.
    fn read(&self, io: &dyn Transport, buf: &mut [u8]) -> io::Result<usize>;

    /// Receives one record of any type.
    fn receive(&self, io: &dyn Transport, buf: &mut [u8]) -> io::Result<Received>;

    /// Sends one record of this type, behind all that was sent before.
    fn send(&self, io: &dyn Transport, content_type: u8, octets: &[u8]) -> io::Result<()>;

    /// Whether there is room to send. Where there is, all that was sent before
    /// is in the queue of TCP, or will be with what is sent next.
    fn has_room(&self, io: &dyn Transport) -> io::Result<bool>;

    /// Takes away the error that the kernel keeps for the descriptor, behind
    /// which it sends nothing.
    fn clear_error(&self, io: &dyn Transport);

    /// What an error of a read or a write says of the peer.
    fn judge(error: &io::Error) -> Verdict;
}
