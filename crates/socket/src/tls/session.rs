//! A TLS session on a socket.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::time::Instant;

use tls_core::{Error as TlsError, Interest, Step, TlsSession, Transport};

use super::framing::Framing;
use super::handed_over::HandedOver;
use super::lent_wire::{LentWire, PeerMayBeGone};
use crate::layer::LayerSession;
use crate::wire::Wire;
use crate::{Error, Refusal};

/// The backend's session with what the socket has to know of it.
pub struct TlsLayer<S> {
    session: S,
    handed_over: HandedOver,
    framing: Framing,
    /// The error that ended the session. Nothing passes after it.
    failed: Option<TlsError>,
    handshake: Handshake,
    close: Close,
    close_received: bool,
    /// Whether plaintext may follow the peer's `close_notify`.
    may_go_on: bool,
}

/// How far this side's `close_notify` is.
#[derive(Debug)]
enum Close {
    NotAsked,
    /// On its way, alone or behind what else was held.
    Asked {
        alone: bool,
    },
    Sent,
}

/// How far the handshake is, for the statistics.
enum Handshake {
    NotStarted,
    Since(Instant),
    Done,
}

impl<S: TlsSession> TlsLayer<S> {
    pub(super) fn new(session: S, handed_over: HandedOver) -> Self {
        Self {
            session,
            handed_over,
            framing: Framing::default(),
            failed: None,
            handshake: Handshake::NotStarted,
            close: Close::NotAsked,
            close_received: false,
            may_go_on: false,
        }
    }

    pub(super) fn session(&self) -> &S {
        &self.session
    }

    pub(super) fn handshake(&mut self, wire: &mut Wire<'_>) -> Result<Step<()>, Error> {
        self.lend(wire, |session, io| session.handshake(io))
    }

    pub(super) fn key_update(&mut self, wire: &mut Wire<'_>) -> Result<Step<()>, Error> {
        self.lend(wire, |session, io| session.key_update(io))
    }

    /// Closes TLS, but not the stream: what follows the peer's `close_notify`
    /// is left in the descriptor from now on.
    pub(super) fn close_and_go_on(&mut self, wire: &mut Wire<'_>) -> Result<Step<()>, Error> {
        self.may_go_on = true;
        self.send_close(wire)
    }

    /// Whether the stream may go on as plaintext, because TLS has ended
    /// cleanly on both sides and nothing of it is left here.
    pub(super) fn check_ended(&self) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        let kernel = self.session.kernel_tls();
        if kernel.transmit || kernel.receive {
            return Err(Refusal::KernelTls.into());
        }
        if !matches!(self.close, Close::Sent) || !self.close_received {
            return Err(Refusal::TlsNotClosed.into());
        }
        let writes = self.waits_for_room();
        // The peer's last record is its `close_notify`. Less or more than
        // whole records is something else, which TLS has read.
        let read_ahead = self.session.pending() || !self.framing.is_between_records();
        if writes || read_ahead || !self.handed_over.is_empty() {
            return Err(Refusal::BytesHeld.into());
        }
        Ok(())
    }

    fn waits_for_room(&self) -> bool {
        self.session.interest().contains(Interest::WRITE)
    }

    /// One call of the session, unless it has failed.
    fn lend<T>(
        &mut self,
        wire: &mut Wire<'_>,
        call: impl FnOnce(&mut S, &mut dyn Transport) -> Result<Step<T>, TlsError>,
    ) -> Result<Step<T>, Error> {
        let (session, mut lent) = self.begin(wire)?;
        let result = call(session, &mut lent);
        self.end(wire, result)
    }

    /// What a call needs. Inlined with [`end`](Self::end) where data passes:
    /// behind a system call each return to another function is one that the
    /// processor could not foresee.
    #[inline(always)]
    fn begin<'a, 'w>(
        &'a mut self,
        wire: &'a mut Wire<'w>,
    ) -> Result<(&'a mut S, LentWire<'a, 'w>), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        if let Handshake::NotStarted = self.handshake {
            self.handshake = Handshake::Since(Instant::now());
        }
        // The kernel passes no record's end by itself.
        let one_record = self.may_go_on && !self.session.kernel_tls().receive;
        let lent = LentWire {
            handed_over: &mut self.handed_over,
            framing: &mut self.framing,
            wire,
            one_record,
        };
        Ok((&mut self.session, lent))
    }

    /// What a call has changed.
    #[inline(always)]
    fn end<T>(
        &mut self,
        wire: &mut Wire<'_>,
        result: Result<Step<T>, TlsError>,
    ) -> Result<Step<T>, Error> {
        if let Handshake::Since(start) = self.handshake {
            self.note_handshake(start, wire);
        }
        match result {
            Ok(Step::Ready(value)) => Ok(Step::Ready(value)),
            Ok(Step::Blocked(interest)) => Ok(Step::Blocked(interest)),
            Err(error) => Err(self.fail(error)),
        }
    }

    #[cold]
    fn note_handshake(&mut self, start: Instant, wire: &mut Wire<'_>) {
        if self.session.facts().is_some() {
            self.handshake = Handshake::Done;
            wire.statistics.handshakes += 1;
            wire.statistics.handshake_time += start.elapsed();
        }
    }

    /// Remembers an error that ends the session. A call that the session
    /// refuses ends nothing.
    #[cold]
    fn fail(&mut self, error: TlsError) -> Error {
        let refused = matches!(
            error,
            TlsError::Closed | TlsError::Config(_) | TlsError::Unsupported(_)
        );
        if !refused {
            self.failed = Some(error.clone());
        }
        error.into()
    }

    /// Sends `close_notify`, once.
    fn send_close(&mut self, wire: &mut Wire<'_>) -> Result<Step<()>, Error> {
        let alone = match self.close {
            Close::Sent => return Ok(Step::Ready(())),
            Close::Asked { alone } => alone,
            Close::NotAsked => !self.waits_for_room(),
        };
        self.close = Close::Asked { alone };
        let step = self.lend(wire, |session, io| match alone {
            true => session.close(&mut PeerMayBeGone(io)),
            false => session.close(io),
        })?;
        if step.is_ready() {
            self.close = Close::Sent;
        }
        Ok(step)
    }

    /// What the session had decrypted before sending failed: it is still the
    /// application's, and the failure comes after it.
    #[cold]
    fn receive_rest(&mut self, wire: &mut Wire<'_>, buf: &mut [u8]) -> Option<usize> {
        let has_some = self.session.pending();
        match has_some.then(|| self.session.read(wire, buf)) {
            Some(Ok(Step::Ready(octets @ 1..))) => Some(octets),
            _ => None,
        }
    }
}

impl<S: TlsSession> LayerSession for Box<TlsLayer<S>> {
    #[inline(always)]
    fn receive(&mut self, wire: &mut Wire<'_>, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        if self.close_received {
            return Ok(Step::Ready(0));
        }
        if self.failed.is_some()
            && let Some(octets) = self.receive_rest(wire, buf)
        {
            return Ok(Step::Ready(octets));
        }
        let (session, mut lent) = self.begin(wire)?;
        let result = session.read(&mut lent, buf);
        let step = self.end(wire, result)?;
        if let Step::Ready(0) = step {
            self.close_received = true;
        }
        Ok(step)
    }

    /// Waits for the first buffer alone; the others take what is there.
    fn receive_vectored(
        &mut self,
        wire: &mut Wire<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Result<Step<usize>, Error> {
        let mut received = 0;
        for buf in bufs.iter_mut().filter(|buf| !buf.is_empty()) {
            let step = self.receive(wire, buf);
            match step {
                Ok(Step::Ready(octets)) => {
                    received += octets;
                    if octets < buf.len() || !self.session.pending() {
                        break;
                    }
                    wire.waits = false;
                }
                // An end, a block and a failure stay: the next call meets them.
                _ if received > 0 => break,
                other => return other,
            }
        }
        Ok(Step::Ready(received))
    }

    #[inline(always)]
    fn transmit(
        &mut self,
        wire: &mut Wire<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Result<Step<usize>, Error> {
        let (session, mut lent) = self.begin(wire)?;
        let result = session.write(&mut lent, bufs);
        self.end(wire, result)
    }

    fn prepare(&mut self, wire: &mut Wire<'_>) -> Result<Step<()>, Error> {
        let is_done = matches!(self.handshake, Handshake::Done);
        if is_done && self.failed.is_none() && !self.waits_for_room() {
            return Ok(Step::Ready(()));
        }
        // It finishes the handshake first.
        LayerSession::flush(self, wire)
    }

    fn kernel_encrypts(&self) -> bool {
        self.session.kernel_tls().transmit
            && self.failed.is_none()
            && matches!(self.close, Close::NotAsked)
    }

    fn broken(&mut self, error: io::Error) -> Error {
        self.fail(error.into())
    }

    fn flush(&mut self, wire: &mut Wire<'_>) -> Result<Step<()>, Error> {
        self.lend(wire, |session, io| session.flush(io))
    }

    fn close(&mut self, wire: &mut Wire<'_>) -> Result<Step<()>, Error> {
        self.send_close(wire)
    }

    #[inline]
    fn holds_output(&self) -> bool {
        self.failed.is_none() && self.waits_for_room()
    }

    fn holds_input(&self) -> bool {
        !self.close_received && (self.session.pending() || !self.handed_over.is_empty())
    }

    fn interest(&self) -> Interest {
        self.session.interest()
    }

    fn is_handshaking(&self) -> bool {
        !matches!(self.handshake, Handshake::Done)
    }
}

impl<S: fmt::Debug> fmt::Debug for TlsLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsLayer")
            .field("session", &self.session)
            .field("failed", &self.failed)
            .field("close", &self.close)
            .field("close_received", &self.close_received)
            .finish_non_exhaustive()
    }
}
