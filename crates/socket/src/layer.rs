//! The seam between sockets and TLS.

use std::fmt::Debug;
use std::io::{self, IoSlice, IoSliceMut};

use transport::{Interest, Step};

use crate::Error;
use crate::wire::Wire;

/// What a socket can turn on above its descriptor: nothing ([`NoTls`]), or,
/// with the feature `tls`, any TLS backend. It is implemented here for both,
/// and cannot be implemented elsewhere.
pub trait Layer: Sealed + Sized + 'static {}

/// A socket without TLS. Its session type has no values, so neither the
/// session nor the question whether there is one is left after compilation.
#[derive(Clone, Copy, Debug)]
pub enum NoTls {}

impl Layer for NoTls {}

impl Sealed for NoTls {
    type Session = Never;
}

/// Keeps [`Layer`] closed and carries what is private of it.
pub trait Sealed {
    #[doc(hidden)]
    type Session: LayerSession;
}

/// What the routed path asks of a session that is on.
pub trait LayerSession: Debug + Send {
    fn receive(&mut self, wire: &mut Wire<'_>, buf: &mut [u8]) -> Result<Step<usize>, Error>;

    fn receive_vectored(
        &mut self,
        wire: &mut Wire<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Result<Step<usize>, Error>;

    fn transmit(&mut self, wire: &mut Wire<'_>, bufs: &[IoSlice<'_>])
    -> Result<Step<usize>, Error>;

    /// Does what comes before sending: the handshake, and sending what is held.
    fn prepare(&mut self, wire: &mut Wire<'_>) -> Result<Step<()>, Error>;

    /// Whether the kernel makes records of what is written to the descriptor
    /// past the session. Only as long as nothing is held.
    fn kernel_encrypts(&self) -> bool;

    /// Takes note that the descriptor failed at what was written past the
    /// session, and answers the error that ends it.
    fn broken(&mut self, error: io::Error) -> Error;

    /// Sends what is held. Ready when nothing is.
    fn flush(&mut self, wire: &mut Wire<'_>) -> Result<Step<()>, Error>;

    /// Sends the end of the stream, once.
    fn close(&mut self, wire: &mut Wire<'_>) -> Result<Step<()>, Error>;

    /// Whether octets for the peer are held that the descriptor would not take.
    fn holds_output(&self) -> bool;

    /// Whether something can be received although the descriptor is quiet.
    fn holds_input(&self) -> bool;

    fn interest(&self) -> Interest;

    /// Whether the handshake is still to be done.
    fn is_handshaking(&self) -> bool;
}

/// The session of [`NoTls`]: there is none.
#[derive(Debug)]
pub enum Never {}

impl LayerSession for Never {
    fn receive(&mut self, _: &mut Wire<'_>, _: &mut [u8]) -> Result<Step<usize>, Error> {
        match *self {}
    }

    fn receive_vectored(
        &mut self,
        _: &mut Wire<'_>,
        _: &mut [IoSliceMut<'_>],
    ) -> Result<Step<usize>, Error> {
        match *self {}
    }

    fn transmit(&mut self, _: &mut Wire<'_>, _: &[IoSlice<'_>]) -> Result<Step<usize>, Error> {
        match *self {}
    }

    fn prepare(&mut self, _: &mut Wire<'_>) -> Result<Step<()>, Error> {
        match *self {}
    }

    fn kernel_encrypts(&self) -> bool {
        match *self {}
    }

    fn broken(&mut self, _: io::Error) -> Error {
        match *self {}
    }

    fn flush(&mut self, _: &mut Wire<'_>) -> Result<Step<()>, Error> {
        match *self {}
    }

    fn close(&mut self, _: &mut Wire<'_>) -> Result<Step<()>, Error> {
        match *self {}
    }

    fn holds_output(&self) -> bool {
        match *self {}
    }

    fn holds_input(&self) -> bool {
        match *self {}
    }

    fn interest(&self) -> Interest {
        match *self {}
    }

    fn is_handshaking(&self) -> bool {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_without_tls_has_no_room_for_a_session() {
        assert_eq!(size_of::<Option<<NoTls as Sealed>::Session>>(), 0);
    }
}
