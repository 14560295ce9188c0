//! Receiving.

use std::io::IoSliceMut;

use transport::Step;

use crate::layer::LayerSession;
use crate::{Error, Layer, Socket};

impl<B: Layer> Socket<B> {
    /// Receives what there is, waiting for the first octet. `Ok(0)` is the
    /// peer's clean end of the stream (for a non-empty `buf`): its end of
    /// sending on a plain socket, its `close_notify` under TLS. A TLS stream
    /// that ends without one is `tls_core::Error::Truncated`.
    ///
    /// Under TLS this finishes the handshake first if need be, within the read
    /// timeout.
    pub fn recv(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        let mut budget = self.read_budget();
        self.drive(&mut budget, |socket, waits| socket.receive_step(buf, waits))
    }

    /// [`recv`](Self::recv) without waiting.
    pub fn try_recv(&mut self, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        let step = self.receive_step(buf, false)?;
        self.blocked(step)
    }

    /// [`recv`](Self::recv) into several buffers, filled in order.
    pub fn recv_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> Result<usize, Error> {
        let mut budget = self.read_budget();
        self.drive(&mut budget, |socket, waits| {
            socket.receive_vectored_step(bufs, waits)
        })
    }

    /// [`recv_vectored`](Self::recv_vectored) without waiting.
    pub fn try_recv_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> Result<Step<usize>, Error> {
        let step = self.receive_vectored_step(bufs, false)?;
        self.blocked(step)
    }

    /// Receives until the buffer is full. The read timeout counts for the
    /// whole.
    ///
    /// [`Error::Ended`] and [`Error::Timeout`] tell how many octets came; they
    /// are at the front of `buf`.
    pub fn recv_exact(&mut self, buf: &mut [u8]) -> Result<(), Error> {
        let wanted = buf.len();
        let mut budget = self.read_budget();
        budget.start();
        let mut got = 0;
        while got < wanted {
            if got > 0 {
                budget.check().map_err(|error| error.with_done(got))?;
            }
            let rest = &mut buf[got..];
            let received = self
                .drive(&mut budget, |socket, waits| {
                    socket.receive_step(rest, waits)
                })
                .map_err(|error| error.with_done(got))?;
            if received == 0 {
                return Err(Error::Ended { got, wanted });
            }
            got += received;
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn receive_step(
        &mut self,
        buf: &mut [u8],
        waits: bool,
    ) -> Result<Step<usize>, Error> {
        if buf.is_empty() {
            return Ok(Step::Ready(0));
        }
        let step = match self.parts(waits) {
            (None, mut wire) => wire.receive(buf),
            (Some(session), mut wire) => session.receive(&mut wire, buf),
        }?;
        self.count_received(step);
        Ok(step)
    }

    fn receive_vectored_step(
        &mut self,
        bufs: &mut [IoSliceMut<'_>],
        waits: bool,
    ) -> Result<Step<usize>, Error> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Ok(Step::Ready(0));
        }
        let step = match self.parts(waits) {
            (None, mut wire) => wire.receive_vectored(bufs),
            (Some(session), mut wire) => session.receive_vectored(&mut wire, bufs),
        }?;
        self.count_received(step);
        Ok(step)
    }

    fn count_received(&mut self, step: Step<usize>) {
        if let Step::Ready(octets) = step {
            self.statistics.received.add(octets);
        }
    }
}
