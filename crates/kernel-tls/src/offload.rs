//! A session whose records the kernel makes.

use std::fmt;
use std::io::{self, IoSlice};

use tls_core::{
    Alert, Capabilities, Error, Interest, PeerMisbehaved, RecordBuffer, Role, Step, Transport,
    Unsupported,
};

use crate::kernel::{
    ALERT, APPLICATION_DATA, Direction, HANDSHAKE, Kernel, Received, System, Verdict,
};
use crate::messages::{KeyUpdate, Messages, key_update};
use crate::schedule::Schedule;

/// How many messages that are no data one read takes: a peer that sends
/// nothing else cannot keep the caller inside of it.
const MAX_TURNS: u32 = 8;

/// The levels of alerts (RFC 8446, section 6): the kernel's peers send the
/// second for all but the two that end nothing.
const WARNING: u8 = 1;
const FATAL: u8 = 2;

/// A session that passes plaintext through its transport, because the kernel
/// makes the records. Its calls keep the contract of
/// [`TlsSession`](tls_core::TlsSession).
pub struct Offload(Inner<System>);

impl Offload {
    pub(crate) fn new(
        kernel: System,
        backend: &'static str,
        role: Role,
        next: Option<(Schedule, Schedule)>,
    ) -> Self {
        Self(Inner::new(kernel, backend, role, next))
    }

    /// Repeats the error that ended the session.
    pub fn check_sound(&self) -> Result<(), Error> {
        self.0.check_sound()
    }

    /// [`TlsSession::read`](tls_core::TlsSession::read)
    pub fn read(&mut self, io: &mut dyn Transport, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        self.0.read(io, buf)
    }

    /// [`TlsSession::write`](tls_core::TlsSession::write)
    pub fn write(
        &mut self,
        io: &mut dyn Transport,
        bufs: &[IoSlice<'_>],
    ) -> Result<Step<usize>, Error> {
        self.0.write(io, bufs)
    }

    /// [`TlsSession::flush`](tls_core::TlsSession::flush)
    pub fn flush(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        self.0.flush(io)
    }

    /// [`TlsSession::close`](tls_core::TlsSession::close). Ready when
    /// everything is in the queue of TCP. A peer that is gone needs no
    /// `close_notify`: then it counts as sent.
    pub fn close(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        self.0.close(io)
    }

    /// [`TlsSession::key_update`](tls_core::TlsSession::key_update). Refused
    /// where the kernel takes no new keys; the session goes on.
    pub fn key_update(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        self.0.key_update(io)
    }

    /// [`TlsSession::interest`](tls_core::TlsSession::interest)
    pub fn interest(&self) -> Interest {
        self.0.interest()
    }

    /// [`TlsSession::pending`](tls_core::TlsSession::pending). What the kernel
    /// has decrypted keeps the descriptor readable, so that is none of it.
    pub fn pending(&self) -> bool {
        self.0.pending()
    }
}

impl fmt::Debug for Offload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offload")
            .field("failed", &self.0.failed)
            .field("closing", &self.0.closing)
            .field("peer_closed", &self.0.peer_closed)
            .finish_non_exhaustive()
    }
}

struct Inner<K> {
    kernel: K,
    backend: &'static str,
    role: Role,
    /// The secrets that follow those in use, if the kernel takes new keys.
    next: Option<Next>,
    messages: Messages,
    /// The KeyUpdate that is to be sent before anything else, and whether it
    /// asks for one.
    owes: Option<KeyUpdate>,
    /// A [`key_update`](Offload::key_update) has not answered yet.
    updating: bool,
    /// The last write found the kernel's buffer full, so that a part of a
    /// record may wait beside it.
    full: bool,
    closing: Closing,
    peer_closed: bool,
    /// The error that ended the session.
    failed: Option<Error>,
    /// What the peer has done wrong behind the data that are to be read yet.
    behind: Option<(PeerMisbehaved, Alert)>,
    /// The last read stopped before the transport had nothing left.
    cut_short: bool,
}

struct Next {
    transmit: Option<Schedule>,
    receive: Option<Schedule>,
}

/// How far this side's `close_notify` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    Open,
    /// Asked for; the kernel has not taken it.
    Asked,
    /// The kernel has taken it, but perhaps not TCP.
    Taken,
    Left,
}

/// What a record that is no data has brought.
enum Heard {
    /// Nothing that the caller sees.
    Nothing,
    Close,
}

impl<K: Kernel> Inner<K> {
    fn new(
        kernel: K,
        backend: &'static str,
        role: Role,
        next: Option<(Schedule, Schedule)>,
    ) -> Self {
        Self {
            kernel,
            backend,
            role,
            next: next.map(|(transmit, receive)| Next {
                transmit: Some(transmit),
                receive: Some(receive),
            }),
            messages: Messages::default(),
            owes: None,
            updating: false,
            full: false,
            closing: Closing::Open,
            peer_closed: false,
            failed: None,
            behind: None,
            cut_short: false,
        }
    }

    fn check_sound(&self) -> Result<(), Error> {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    fn read(&mut self, io: &mut dyn Transport, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        self.check_sound()?;
        if buf.is_empty() || self.peer_closed {
            return Ok(Step::Ready(0));
        }
        self.cut_short = false;
        self.push(io)?;
        let mut turns = 0;
        while turns < MAX_TURNS {
            let read = match self.behind {
                None => io.read(buf),
                // Nothing more will come, so it must not be waited for.
                Some(_) => self.kernel.read(io, buf),
            };
            let error = match read {
                Ok(0) => return Err(self.end(io)),
                // Data in the middle of a message (RFC 8446, section 5.1).
                Ok(_) if self.messages.is_amid_one() => return Err(self.unexpected(io)),
                Ok(octets) => return Ok(Step::Ready(octets)),
                Err(error) => error,
            };
            match error.kind() {
                io::ErrorKind::WouldBlock if self.behind.is_some() => return Err(self.end(io)),
                io::ErrorKind::WouldBlock => return Ok(Step::Blocked(Interest::READ)),
                io::ErrorKind::Interrupted => continue,
                _ => {}
            }
            match K::judge(&error) {
                Verdict::OtherRecord => {}
                Verdict::Fault(fault, alert) => return Err(self.refuse(io, fault.into(), alert)),
                Verdict::Failed => return Err(self.fail(error.into())),
            }
            turns += 1;
            match self.receive(io)? {
                Heard::Nothing => self.push(io)?,
                Heard::Close => {
                    self.peer_closed = true;
                    return Ok(Step::Ready(0));
                }
            }
        }
        self.cut_short = true;
        Ok(Step::Blocked(Interest::READ))
    }

    /// Receives a record that is no data.
    fn receive(&mut self, io: &mut dyn Transport) -> Result<Heard, Error> {
        let mut buffer = RecordBuffer::take();
        let received = loop {
            match self.kernel.receive(io, &mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Another thread has taken it.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Heard::Nothing);
                }
                Err(error) => {
                    return Err(match K::judge(&error) {
                        Verdict::Fault(fault, alert) => self.refuse(io, fault.into(), alert),
                        Verdict::OtherRecord | Verdict::Failed => self.fail(error.into()),
                    });
                }
                Ok(received) => break received,
            }
        };
        let Received {
            content_type,
            octets,
        } = received;
        let record = buffer.get(..octets).unwrap_or_default();
        match content_type {
            None if octets == 0 => Err(self.end(io)),
            Some(ALERT) if !self.messages.is_amid_one() => self.hear_alert(io, record),
            Some(HANDSHAKE) => match self.messages.take(self.role, record) {
                Ok(None) => Ok(Heard::Nothing),
                Ok(Some(update)) => self.hear_key_update(io, update),
                Err(fault) => {
                    let alert = match fault {
                        PeerMisbehaved::Malformed => Alert::DECODE_ERROR,
                        PeerMisbehaved::IllegalParameter => Alert::ILLEGAL_PARAMETER,
                        _ => Alert::UNEXPECTED_MESSAGE,
                    };
                    Err(self.refuse(io, fault.into(), alert))
                }
            },
            // Without any octet it can only be data, of which there is none.
            Some(APPLICATION_DATA) if octets == 0 => Ok(Heard::Nothing),
            _ => Err(self.unexpected(io)),
        }
    }

    fn hear_alert(&mut self, io: &mut dyn Transport, record: &[u8]) -> Result<Heard, Error> {
        let &[_, alert] = record else {
            let fault = PeerMisbehaved::Malformed;
            return Err(self.refuse(io, fault.into(), Alert::DECODE_ERROR));
        };
        match Alert(alert) {
            Alert::CLOSE_NOTIFY => Ok(Heard::Close),
            Alert::USER_CANCELED => Ok(Heard::Nothing),
            // The level means nothing (RFC 8446, section 6).
            alert => Err(self.fail(Error::AlertReceived(alert))),
        }
    }

    fn hear_key_update(
        &mut self,
        io: &mut dyn Transport,
        update: KeyUpdate,
    ) -> Result<Heard, Error> {
        let receive = self.next.as_mut().and_then(|next| next.receive.take());
        let Some(receive) = receive else {
            let refusal = self.cannot_renew();
            return Err(self.refuse(io, refusal, Alert::INTERNAL_ERROR));
        };
        let (keys, following) = receive.advance();
        if let Err(error) = self.kernel.install(io, Direction::Receive, &keys) {
            return Err(self.refuse(io, error.into(), Alert::INTERNAL_ERROR));
        }
        if let Some(next) = &mut self.next {
            next.receive = Some(following);
        }
        // One that is on its way already is the answer too.
        if update.asks && self.closing == Closing::Open && self.owes.is_none() {
            self.owes = Some(KeyUpdate { asks: false });
        }
        Ok(Heard::Nothing)
    }

    fn write(
        &mut self,
        io: &mut dyn Transport,
        bufs: &[IoSlice<'_>],
    ) -> Result<Step<usize>, Error> {
        self.check_sound()?;
        if self.closing != Closing::Open {
            return Err(Error::Closed);
        }
        if let Step::Blocked(interest) = self.send_owed(io)? {
            return Ok(Step::Blocked(interest));
        }
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Ok(Step::Ready(0));
        }
        loop {
            let error = match io.write_vectored(bufs) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(octets) => {
                    self.full = octets < bufs.iter().map(|buf| buf.len()).sum();
                    return Ok(Step::Ready(octets));
                }
                Err(error) => error,
            };
            match error.kind() {
                io::ErrorKind::WouldBlock => {
                    self.full = true;
                    return Ok(Step::Blocked(Interest::WRITE));
                }
                io::ErrorKind::Interrupted => {}
                _ => self.set_aside(io, error)?,
            }
        }
    }

    /// The kernel tells a writer too what the peer has done wrong. What came
    /// before that is the reader's still, so it is kept for later.
    fn set_aside(&mut self, io: &mut dyn Transport, error: io::Error) -> Result<(), Error> {
        match K::judge(&error) {
            Verdict::Fault(fault, alert) if self.behind.is_none() => {
                self.kernel.clear_error(io);
                self.behind = Some((fault, alert));
                Ok(())
            }
            _ => Err(self.fail(error.into())),
        }
    }

    fn flush(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        self.check_sound()?;
        if let blocked @ Step::Blocked(_) = self.send_held(io)? {
            return Ok(blocked);
        }
        if self.full {
            let has_room = self.kernel.has_room(io);
            self.full = !has_room.map_err(|error| self.fail(error.into()))?;
        }
        if self.full {
            return Ok(Step::Blocked(Interest::WRITE));
        }
        loop {
            match io.flush() {
                Ok(()) => return Ok(Step::Ready(())),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Nothing of it is ours: what the transport does not take of
                // its own waits for nobody.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Step::Ready(()));
                }
                Err(error) => return Err(self.fail(error.into())),
            }
        }
    }

    fn close(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        self.check_sound()?;
        if self.closing == Closing::Open {
            self.closing = Closing::Asked;
            // Nothing but the end is sent from now on.
            self.full = false;
            self.owes = None;
            self.updating = false;
        }
        self.send_close(io)
    }

    fn send_close(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        loop {
            match self.closing {
                Closing::Open | Closing::Left => return Ok(Step::Ready(())),
                Closing::Asked | Closing::Taken => {}
            }
            let has_room = self.kernel.has_room(io);
            if !has_room.map_err(|error| self.fail(error.into()))? {
                return Ok(Step::Blocked(Interest::WRITE));
            }
            if self.closing == Closing::Taken {
                self.closing = Closing::Left;
                continue;
            }
            let close = [WARNING, Alert::CLOSE_NOTIFY.0];
            match self.kernel.send(io, ALERT, &close) {
                Ok(()) => self.closing = Closing::Taken,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(Step::Blocked(Interest::WRITE)),
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::BrokenPipe => self.closing = Closing::Left,
                    _ => self.set_aside(io, error)?,
                },
            }
        }
    }

    fn key_update(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        self.check_sound()?;
        if self.next.is_none() {
            return Err(self.cannot_renew());
        }
        if self.closing != Closing::Open {
            return Err(Error::Closed);
        }
        if !self.updating {
            self.owes = Some(KeyUpdate { asks: true });
            self.updating = true;
        }
        let sent = self.send_owed(io)?;
        self.updating = !sent.is_ready();
        Ok(sent)
    }

    fn interest(&self) -> Interest {
        let closes = matches!(self.closing, Closing::Asked | Closing::Taken);
        if self.owes.is_some() || self.full || closes {
            Interest::READ | Interest::WRITE
        } else {
            Interest::READ
        }
    }

    fn pending(&self) -> bool {
        self.failed.is_none() && self.cut_short
    }

    /// Sends what is held, as far as there is room.
    fn push(&mut self, io: &mut dyn Transport) -> Result<(), Error> {
        self.send_held(io).map(|_| ())
    }

    fn send_held(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        match self.send_owed(io)? {
            Step::Ready(()) => self.send_close(io),
            blocked => Ok(blocked),
        }
    }

    /// Sends the KeyUpdate that is to be sent, and takes the keys behind it.
    fn send_owed(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        let Some(KeyUpdate { asks }) = self.owes else {
            return Ok(Step::Ready(()));
        };
        loop {
            match self.kernel.send(io, HANDSHAKE, &key_update(asks)) {
                Ok(()) => break,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(Step::Blocked(Interest::WRITE)),
                    io::ErrorKind::Interrupted => {}
                    _ => self.set_aside(io, error)?,
                },
            }
        }
        self.owes = None;
        let transmit = self.next.as_mut().and_then(|next| next.transmit.take());
        let Some(transmit) = transmit else {
            return Err(self.fail(self.cannot_renew()));
        };
        let (keys, following) = transmit.advance();
        if let Err(error) = self.kernel.install(io, Direction::Transmit, &keys) {
            return Err(self.fail(error.into()));
        }
        if let Some(next) = &mut self.next {
            next.transmit = Some(following);
        }
        Ok(Step::Ready(()))
    }

    fn cannot_renew(&self) -> Error {
        Unsupported::new(
            self.backend,
            Capabilities::KEY_UPDATE,
            "the kernel makes the records, and takes no new keys for them (Linux 6.14 does)",
        )
        .into()
    }

    fn unexpected(&mut self, io: &mut dyn Transport) -> Error {
        let fault = PeerMisbehaved::UnexpectedMessage;
        self.refuse(io, fault.into(), Alert::UNEXPECTED_MESSAGE)
    }

    /// Nothing more comes: the error that tells why.
    fn end(&mut self, io: &mut dyn Transport) -> Error {
        match self.behind.take() {
            Some((fault, alert)) => self.refuse(io, fault.into(), alert),
            None => self.fail(Error::Truncated),
        }
    }

    /// Sends the alert, if there is room for it, and makes the error final.
    fn refuse(&mut self, io: &mut dyn Transport, error: Error, alert: Alert) -> Error {
        if matches!(self.closing, Closing::Open | Closing::Asked) {
            self.kernel.clear_error(io);
            let _ = self.kernel.send(io, ALERT, &[FATAL, alert.0]);
        }
        self.fail(error)
    }

    fn fail(&mut self, error: Error) -> Error {
        self.next = None;
        self.owes = None;
        self.full = false;
        self.failed = Some(error.clone());
        error
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
