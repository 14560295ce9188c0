//! Sending.

use std::io::{self, IoSlice};

use transport::Step;

use crate::budget::Budget;
use crate::layer::LayerSession;
use crate::{Error, Layer, Socket};

impl<B: Layer> Socket<B> {
    /// Sends the front of `buf`, waiting for room, and answers how many octets
    /// were taken: one at least, unless `buf` is empty. They are not to be
    /// sent again, whatever comes later.
    ///
    /// Under TLS this finishes the handshake first if need be, and then waits
    /// until the records have left. If the write timeout is over before that,
    /// the octets are taken all the same, and what the session still holds
    /// goes out with the next operation or [`flush`](Self::flush).
    ///
    /// [`Error::Closed`] after [`shutdown_write`](Self::shutdown_write).
    pub fn send(&mut self, buf: &[u8]) -> Result<usize, Error> {
        self.send_vectored(&[IoSlice::new(buf)])
    }

    /// [`send`](Self::send) without waiting. What a TLS session took but could
    /// not send shows in [`interest`](Self::interest).
    pub fn try_send(&mut self, buf: &[u8]) -> Result<Step<usize>, Error> {
        self.try_send_vectored(&[IoSlice::new(buf)])
    }

    /// [`send`](Self::send) from several buffers, in order.
    pub fn send_vectored(&mut self, bufs: &[IoSlice<'_>]) -> Result<usize, Error> {
        let mut budget = self.write_budget();
        let taken = self.drive(&mut budget, |socket, waits| socket.send_step(bufs, waits))?;
        match self.drain_held(&mut budget) {
            Err(error) if !error.is_timeout() => Err(error),
            _ => Ok(taken),
        }
    }

    /// [`send_vectored`](Self::send_vectored) without waiting.
    pub fn try_send_vectored(&mut self, bufs: &[IoSlice<'_>]) -> Result<Step<usize>, Error> {
        self.send_step(bufs, false)
    }

    /// Sends all of it. The write timeout counts for the whole.
    ///
    /// [`Error::Timeout`] tells how many octets were taken, and so are not to
    /// be sent again; with all of them taken, a TLS session still holds some.
    pub fn send_all(&mut self, buf: &[u8]) -> Result<(), Error> {
        self.send_all_vectored(&mut [IoSlice::new(buf)])
    }

    /// [`send_all`](Self::send_all) from several buffers, in order. The slices
    /// are advanced past what was taken, on failure too.
    pub fn send_all_vectored(&mut self, mut bufs: &mut [IoSlice<'_>]) -> Result<(), Error> {
        let mut budget = self.write_budget();
        budget.start();
        let mut done = 0;
        // Drops the empty slices at the front.
        IoSlice::advance_slices(&mut bufs, 0);
        while !bufs.is_empty() {
            if done > 0 {
                budget.check().map_err(|error| error.with_done(done))?;
            }
            let taken = self
                .drive(&mut budget, |socket, waits| socket.send_step(bufs, waits))
                .map_err(|error| error.with_done(done))?;
            if taken == 0 {
                return Err(io::Error::from(io::ErrorKind::WriteZero).into());
            }
            done += taken;
            IoSlice::advance_slices(&mut bufs, taken);
        }
        self.drain_held(&mut budget)
            .map_err(|error| error.with_done(done))
    }

    /// Waits, within the write timeout, until a TLS session has sent what it
    /// holds. A plain socket holds nothing.
    pub fn flush(&mut self) -> Result<(), Error> {
        let mut budget = self.write_budget();
        self.drain_held(&mut budget)
    }

    /// [`flush`](Self::flush) without waiting.
    pub fn try_flush(&mut self) -> Result<Step<()>, Error> {
        match self.parts(false) {
            (None, _) => Ok(Step::Ready(())),
            (Some(session), mut wire) => session.flush(&mut wire),
        }
    }

    #[inline(always)]
    fn send_step(&mut self, bufs: &[IoSlice<'_>], waits: bool) -> Result<Step<usize>, Error> {
        if self.write_shut {
            return Err(Error::Closed);
        }
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Ok(Step::Ready(0));
        }
        let step = match self.parts(waits) {
            (None, mut wire) => wire.transmit(bufs),
            (Some(session), mut wire) => session.transmit(&mut wire, bufs),
        }?;
        if let Step::Ready(octets) = step {
            self.statistics.sent.add(octets);
        }
        Ok(step)
    }

    #[inline]
    pub(crate) fn drain_held(&mut self, budget: &mut Budget) -> Result<(), Error> {
        match self.holds_output() {
            true => self.wait_for_held(budget),
            false => Ok(()),
        }
    }

    /// Waits until what is held has left. Apart, so that a send that leaves
    /// nothing stays small.
    #[cold]
    fn wait_for_held(&mut self, budget: &mut Budget) -> Result<(), Error> {
        self.drive(budget, |socket, waits| match socket.parts(waits) {
            (None, _) => Ok(Step::Ready(())),
            (Some(session), mut wire) => session.flush(&mut wire),
        })
    }
}
