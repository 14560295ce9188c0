//! Ending the stream.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use socket2::SockRef;
use transport::Step;

use crate::layer::LayerSession;
use crate::{Error, Layer, Operation, Socket};

/// How long a shutdown waits by default: 5 s.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// How many octets [`Socket::shutdown`] receives and throws away before it
/// gives up: 1 MiB.
pub const MAX_DISCARDED_OCTETS: u64 = 1 << 20;

impl<B: Layer> Socket<B> {
    /// Ends this side's direction: `close_notify` under TLS, behind all that
    /// was sent, then the end of sending of the descriptor. Receiving stays
    /// possible; sending is [`Error::Closed`] from now on. Waits for room no
    /// longer than `timeout` ([`SHUTDOWN_TIMEOUT`] is usual). Once done, it
    /// does nothing more. A connection that the peer has torn down already
    /// counts as ended, unless a TLS session still held octets for it.
    pub fn shutdown_write(&mut self, timeout: Duration) -> Result<(), Error> {
        let mut budget = self.budget(Operation::Shutdown, Some(timeout));
        self.drive(&mut budget, |socket, _| socket.shutdown_write_step())
    }

    /// [`shutdown_write`](Self::shutdown_write) without waiting.
    pub fn try_shutdown_write(&mut self) -> Result<Step<()>, Error> {
        self.shutdown_write_step()
    }

    /// Ends this side's direction like [`shutdown_write`](Self::shutdown_write)
    /// and waits for the peer's end: its `close_notify` under TLS, else the
    /// end of the stream. All of it within `timeout` ([`SHUTDOWN_TIMEOUT`] is
    /// usual). The descriptor is closed when the socket is dropped.
    ///
    /// What the peer still sends is thrown away, [`MAX_DISCARDED_OCTETS`] at
    /// most ([`Error::Flooded`] beyond), and the answer is how many octets
    /// that were. To keep them, call `shutdown_write` and receive to the end.
    /// A TLS peer that leaves without `close_notify`, as many do, is
    /// `tls_core::Error::Truncated`.
    pub fn shutdown(&mut self, timeout: Duration) -> Result<u64, Error> {
        let mut budget = self.budget(Operation::Shutdown, Some(timeout));
        budget.start();
        loop {
            match self.drive(&mut budget, |socket, _| socket.shutdown_step())? {
                Some(discarded) => return Ok(discarded),
                None => budget.check()?,
            }
        }
    }

    /// [`shutdown`](Self::shutdown) without waiting.
    pub fn try_shutdown(&mut self) -> Result<Step<u64>, Error> {
        loop {
            match self.shutdown_step()? {
                Step::Ready(Some(discarded)) => return Ok(Step::Ready(discarded)),
                Step::Ready(None) => {}
                Step::Blocked(interest) => return self.blocked(Step::Blocked(interest)),
            }
        }
    }

    fn shutdown_write_step(&mut self) -> Result<Step<()>, Error> {
        if self.write_shut {
            return Ok(Step::Ready(()));
        }
        if let (Some(session), mut wire) = self.parts(false)
            && let blocked @ Step::Blocked(_) = session.close(&mut wire)?
        {
            return Ok(blocked);
        }
        match SockRef::from(&self.fd).shutdown(Shutdown::Write) {
            // The peer has gone, and this direction with it. Receiving tells
            // whether it went cleanly.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
            result => result?,
        }
        self.write_shut = true;
        Ok(Step::Ready(()))
    }

    /// Ready with the count when both sides have ended, with `None` when
    /// something was thrown away.
    fn shutdown_step(&mut self) -> Result<Step<Option<u64>>, Error> {
        if let Step::Blocked(interest) = self.shutdown_write_step()? {
            return Ok(Step::Blocked(interest));
        }
        let mut scratch = [0; 4096];
        match self.receive_step(&mut scratch, false)? {
            Step::Blocked(interest) => Ok(Step::Blocked(interest)),
            Step::Ready(0) => Ok(Step::Ready(Some(self.discarded))),
            Step::Ready(octets) => {
                self.discarded += octets as u64;
                if self.discarded > MAX_DISCARDED_OCTETS {
                    return Err(Error::Flooded {
                        discarded: self.discarded,
                    });
                }
                Ok(Step::Ready(None))
            }
        }
    }
}
