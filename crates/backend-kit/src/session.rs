//! One session over a library that owns its stream.

use std::io::{self, IoSlice};

use kernel_tls::{Finished, Handover, Offload};
use tls_core::limits::MAX_RECORD_PLAINTEXT;
use tls_core::{
    Capabilities, Error, Interest, KernelTls, Lender, LentTransport, ProtocolVersion, RecordBuffer,
    Role, SessionFacts, StagedTransport, Step, TlsSession, Transport, Unsupported,
};

use crate::gather::{Pieces, gathered};
use crate::library::{Library, Pause, refusal};

/// How often one read goes on that found messages but no data. A library comes
/// back after each message, or when its read buffer, of about 16 KiB, is used
/// up: a peer that sends nothing else cannot keep the caller inside of a read.
const MAX_TURNS: u32 = 4;

/// How many such turns are taken while what they caused cannot be sent. Then
/// reading waits for writing, so that the answers do not pile up.
const MAX_UNANSWERED_TURNS: u32 = 4;

/// The longest label of an exporter: TLS 1.3 puts `tls13 ` before it, into 255
/// octets (RFC 8446, section 7.1).
const MAX_EXPORTER_LABEL: usize = 249;

/// A session over a library that owns its stream: implements the contract by
/// calls of a [`Library`].
#[derive(Debug)]
pub struct Session<L> {
    /// Fills the slot under the library for the length of a call.
    lender: Lender,
    inner: Inner<L>,
    /// The way to the kernel, if the config prefers it.
    kernel: Option<Box<Handover>>,
    /// What the config asks of the kernel.
    asked_of_kernel: KernelTls,
}

/// All but the lender, which is busy while a call runs.
#[derive(Debug)]
struct Inner<L> {
    library: L,
    stage: Stage,
    /// What blocked the handshake.
    waits_for: Interest,
    facts: Option<Box<SessionFacts>>,
    /// The error that ended the session.
    failed: Option<Box<Error>>,
    /// The error of a handshake whose alert is staged: it is told when that
    /// has left.
    refusing: Option<Box<Error>>,
    /// Why what reading has caused could not be sent: it is told when what has
    /// come is read.
    broken: Option<Box<Error>>,
    /// `close` was called.
    closed: bool,
    /// `close_notify` was given to the transport or staged.
    close_sent: bool,
    /// The peer's `close_notify` has come.
    peer_closed: bool,
    /// A KeyUpdate was made and may be staged.
    updating: bool,
    /// Nothing is staged, for certain.
    quiet: bool,
    /// Nothing is to be done but to read and write: the handshake is done,
    /// nothing has ended, nothing is owed.
    plain: bool,
    /// Everything that came was used as far as it goes: what the library
    /// holds is less than a record.
    dry: bool,
    /// The last read stopped before the transport had nothing left.
    cut_short: bool,
    /// Turns without data since what they caused was last sent.
    unanswered: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Handshaking,
    /// The library is done, but the last flight is staged.
    Negotiated,
    Established,
}

impl<L: Library> Session<L> {
    /// A session whose handshake has not begun, over what `start` makes of the
    /// stream that it is to own.
    pub fn new(start: impl FnOnce(StagedTransport) -> Result<L, Error>) -> Result<Self, Error> {
        let (lender, lent) = LentTransport::new();
        let library = start(StagedTransport::new(lent))?;
        let waits_for = match library.role() {
            Role::Client => Interest::WRITE,
            Role::Server => Interest::READ,
        };
        Ok(Self {
            lender,
            inner: Inner {
                library,
                stage: Stage::Handshaking,
                waits_for,
                facts: None,
                failed: None,
                refusing: None,
                broken: None,
                closed: false,
                close_sent: false,
                peer_closed: false,
                updating: false,
                quiet: false,
                plain: false,
                dry: false,
                cut_short: false,
                unanswered: 0,
            },
            kernel: None,
            asked_of_kernel: KernelTls::default(),
        })
    }

    /// Hands the records to the kernel when the handshake is done, where that
    /// is possible and the config asks for it. Called before the handshake.
    #[must_use]
    pub fn with_kernel_tls(mut self, asked: KernelTls) -> Self {
        self.asked_of_kernel = asked;
        self.kernel =
            asked
                .requested
                .then(|| match L::OPERATIONS.contains(Capabilities::KTLS_TX) {
                    true => Handover::new(L::NAME),
                    false => Handover::declined(),
                });
        self
    }

    /// The library's session.
    pub fn library(&self) -> &L {
        &self.inner.library
    }

    /// Runs `f` with the transport lent; keeps an error that it gives, once the
    /// alert has had its chance to leave.
    ///
    /// The queue is empty after a call of the library that failed: it was taken
    /// for the error. A record that was read or written queues nothing; what
    /// does more may, and empties it itself.
    fn run<T>(
        &mut self,
        io: &mut dyn Transport,
        f: impl FnOnce(&mut Inner<L>) -> Result<Step<T>, Error>,
    ) -> Result<Step<T>, Error> {
        self.check_sound()?;
        self.run_anyway(io, f)
    }

    /// The same, although sending has failed.
    fn run_anyway<T>(
        &mut self,
        io: &mut dyn Transport,
        f: impl FnOnce(&mut Inner<L>) -> Result<Step<T>, Error>,
    ) -> Result<Step<T>, Error> {
        let inner = &mut self.inner;
        self.lender.lend(io, || {
            let result = match inner.refusing.take() {
                Some(error) => Err(*error),
                None => f(inner),
            };
            inner.ended(result)
        })
    }

    /// Whether there is nothing to be done but to read and write.
    #[inline]
    fn is_plain(&self) -> bool {
        self.inner.plain && self.kernel.is_none()
    }

    /// Reads where nothing else is to be done, most likely.
    #[inline(always)]
    fn read_plain(&mut self, io: &mut dyn Transport, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        let library = &mut self.inner.library;
        let answer = self.lender.lend(io, || library.read(buf));
        match answer {
            Ok(taken) if !library.owes_key_update() => {
                self.inner.dry = false;
                Ok(Step::Ready(taken))
            }
            answer => self.read_from(io, buf, answer),
        }
    }

    /// Writes one record where nothing else is to be done, most likely.
    #[inline(always)]
    fn write_plain(&mut self, io: &mut dyn Transport, record: &[u8]) -> Result<Step<usize>, Error> {
        let library = &mut self.inner.library;
        let answer = self.lender.lend(io, || library.write(record));
        match answer {
            Ok(octets) if !library.stream().is_staged() => Ok(Step::Ready(octets)),
            answer => self.write_from(io, record, answer),
        }
    }

    /// Goes on with a read from what the library has answered, where more is to
    /// be done. Apart, like all that is called by `read` and `write`, so that
    /// they stay small where nothing else is to be done.
    #[inline(never)]
    fn read_from(
        &mut self,
        io: &mut dyn Transport,
        buf: &mut [u8],
        answer: Result<usize, Pause>,
    ) -> Result<Step<usize>, Error> {
        self.lender.lend(io, || {
            let result = self.inner.read_on(buf, Some(answer));
            self.inner.ended(result)
        })
    }

    /// The same for a write of one record.
    #[inline(never)]
    fn write_from(
        &mut self,
        io: &mut dyn Transport,
        record: &[u8],
        answer: Result<usize, Pause>,
    ) -> Result<Step<usize>, Error> {
        self.lender.lend(io, || {
            let result = self.inner.write_on(record, answer);
            self.inner.ended(result)
        })
    }

    /// A read where more is to be done first.
    #[inline(never)]
    fn read_more(&mut self, io: &mut dyn Transport, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        self.check_handshake()?;
        if self.kernel.is_some()
            && let Some(step) = self.by_kernel(io, |offload, io| offload.read(io, buf))?
        {
            return Ok(step);
        }
        match self.inner.broken.is_some() {
            true => self.run_anyway(io, |inner| inner.read(buf)),
            false => self.run(io, |inner| inner.read(buf)),
        }
    }

    /// A write of several pieces, or one where more is to be done first.
    #[inline(never)]
    fn write_more(
        &mut self,
        io: &mut dyn Transport,
        bufs: &[IoSlice<'_>],
    ) -> Result<Step<usize>, Error> {
        if self.is_plain() {
            let octets = bufs.iter().map(|buf| buf.len()).sum();
            if fits_a_record(octets) {
                let mut buffer = RecordBuffer::take();
                return self.write_plain(io, buffer.gather(bufs, octets));
            }
        }
        self.check_open()?;
        if self.kernel.is_some()
            && let Some(step) = self.by_kernel(io, |offload, io| offload.write(io, bufs))?
        {
            return Ok(step);
        }
        self.run(io, |inner| inner.write(bufs))
    }

    /// Makes a call of the kernel's session, once the handshake is done. `None`
    /// if the records stay with the library.
    fn by_kernel<T>(
        &mut self,
        io: &mut dyn Transport,
        call: impl FnOnce(&mut Offload, &mut dyn Transport) -> Result<Step<T>, Error>,
    ) -> Result<Option<Step<T>>, Error> {
        if let Step::Blocked(interest) = self.handshake_and_settle(io)? {
            return Ok(Some(Step::Blocked(interest)));
        }
        match self.kernel.as_deref_mut().and_then(Handover::offload) {
            Some(offload) => call(offload, io).map(Some),
            None => Ok(None),
        }
    }

    /// Finishes the handshake, and settles who makes the records from there on.
    fn handshake_and_settle(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        let Some(mut kernel) = self.kernel.take_if(|kernel| kernel.is_shaking()) else {
            return Ok(Step::Ready(()));
        };
        let shaken = self.run(&mut kernel.wire(io), Inner::handshake);
        let settled = match shaken {
            Ok(Step::Ready(())) => self.settle(&mut kernel, io).map(Step::Ready),
            other => other,
        };
        self.kernel = Some(kernel);
        settled
    }

    fn settle(&mut self, kernel: &mut Handover, io: &mut dyn Transport) -> Result<(), Error> {
        let inner = &mut self.inner;
        let Some(facts) = inner.facts.as_deref() else {
            return Ok(());
        };
        let finished = Finished {
            role: inner.library.role(),
            facts,
            secrets: inner.library.secrets(),
            is_drained: !inner.has_input() && !inner.closed,
        };
        let settled = kernel.settle(io, finished);
        inner.library.rest();
        if let Err(error) = &settled {
            inner.failed = Some(Box::new(error.clone()));
        }
        settled
    }

    /// Repeats the error that ended the session.
    fn check_sound(&self) -> Result<(), Error> {
        match self.inner.failed.as_ref().or(self.inner.broken.as_ref()) {
            Some(error) => Err((**error).clone()),
            None => Ok(()),
        }
    }

    /// Refuses what cannot follow `close`.
    fn check_open(&self) -> Result<(), Error> {
        self.check_sound()?;
        if self.inner.closed {
            Err(Error::Closed)
        } else {
            Ok(())
        }
    }

    /// Refuses to go on with a handshake that was closed.
    fn check_handshake(&self) -> Result<(), Error> {
        if self.inner.stage == Stage::Handshaking {
            self.check_open()
        } else {
            Ok(())
        }
    }

    /// Refuses what the library has no call for, and what only a finished
    /// handshake allows.
    fn check_operation(&self, operation: Capabilities, name: &'static str) -> Result<(), Error> {
        self.check_sound()?;
        if let Some(offload) = self.kernel.as_deref().and_then(Handover::active) {
            offload.check_sound()?;
        }
        if !L::OPERATIONS.contains(operation) {
            return Err(refusal::<L>(operation));
        }
        if self.inner.stage == Stage::Established {
            Ok(())
        } else {
            Err(Error::config(name, "the handshake is not done"))
        }
    }
}

impl<L: Library> TlsSession for Session<L> {
    fn handshake(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        self.check_handshake()?;
        if self.kernel.is_some()
            && let Some(step) =
                self.by_kernel(io, |offload, _| offload.check_sound().map(Step::Ready))?
        {
            return Ok(step);
        }
        self.run(io, Inner::handshake)
    }

    #[inline(always)]
    fn read(&mut self, io: &mut dyn Transport, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        match self.is_plain() && !buf.is_empty() {
            true => self.read_plain(io, buf),
            false => self.read_more(io, buf),
        }
    }

    #[inline(always)]
    fn write(
        &mut self,
        io: &mut dyn Transport,
        bufs: &[IoSlice<'_>],
    ) -> Result<Step<usize>, Error> {
        match bufs {
            [one] if self.is_plain() && fits_a_record(one.len()) => self.write_plain(io, one),
            _ => self.write_more(io, bufs),
        }
    }

    fn flush(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        self.check_handshake()?;
        if self.kernel.is_some()
            && let Some(step) = self.by_kernel(io, Offload::flush)?
        {
            return Ok(step);
        }
        self.run(io, Inner::flush)
    }

    fn close(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        if let Some(offload) = self.kernel.as_deref_mut().and_then(Handover::offload) {
            return offload.close(io);
        }
        self.run(io, Inner::close)
    }

    fn key_update(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        self.check_operation(Capabilities::KEY_UPDATE, "key_update")?;
        if self.facts().and_then(|facts| facts.version) != Some(ProtocolVersion::Tls13) {
            return Err(Unsupported::new(
                L::NAME,
                Capabilities::KEY_UPDATE,
                "the session speaks TLSv1.2, which has no KeyUpdate",
            )
            .into());
        }
        if let Some(offload) = self.kernel.as_deref_mut().and_then(Handover::offload) {
            return offload.key_update(io);
        }
        self.check_open()?;
        self.run(io, Inner::key_update)
    }

    fn interest(&self) -> Interest {
        if let Some(offload) = self.kernel.as_deref().and_then(Handover::active) {
            return offload.interest();
        }
        let inner = &self.inner;
        if inner.plain {
            return Interest::READ;
        }
        match inner.stage {
            Stage::Established if inner.library.stream().is_staged() => {
                Interest::READ | Interest::WRITE
            }
            Stage::Established => Interest::READ,
            Stage::Handshaking | Stage::Negotiated => inner.waits_for,
        }
    }

    fn pending(&self) -> bool {
        if let Some(offload) = self.kernel.as_deref().and_then(Handover::active) {
            return offload.pending();
        }
        let inner = &self.inner;
        inner.stage == Stage::Established
            && (inner.cut_short || inner.broken.is_some() || (!inner.dry && inner.has_input()))
    }

    fn facts(&self) -> Option<&SessionFacts> {
        match self.inner.stage {
            Stage::Established => self.inner.facts.as_deref(),
            Stage::Handshaking | Stage::Negotiated => None,
        }
    }

    fn refusal(&self) -> Option<&Error> {
        self.inner.refusing.as_deref()
    }

    fn kernel_tls(&self) -> KernelTls {
        match self.kernel.as_deref().and_then(Handover::active) {
            Some(_) => self.asked_of_kernel.activated(),
            None => self.asked_of_kernel,
        }
    }

    fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &str,
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.check_operation(Capabilities::EXPORTER, "export_keying_material")?;
        if label.len() > MAX_EXPORTER_LABEL {
            return Err(Error::config(
                "export_keying_material",
                "the label has more than 249 octets",
            ));
        }
        if out.is_empty() {
            return Ok(());
        }
        L::clear_errors();
        let result = self.inner.library.export(out, label, context);
        L::clear_errors();
        result
    }
}

impl<L: Library> Inner<L> {
    /// Ends a call: keeps an error that it gives, once the alert has had its
    /// chance to leave.
    fn ended<T>(&mut self, result: Result<Step<T>, Error>) -> Result<Step<T>, Error> {
        let result = match result {
            Ok(step) => Ok(step),
            Err(error) => self.fail(error),
        };
        self.plain = self.is_plain();
        result
    }

    /// Sends the alert. In a handshake it is waited for: whoever hears of the
    /// error drops the transport. Later the peer may not read, and waits for
    /// nothing. Apart, so that a call that goes well stays small.
    #[cold]
    fn fail<T>(&mut self, error: Error) -> Result<Step<T>, Error> {
        L::clear_errors();
        let flushed = self.library.stream_mut().flush_staged();
        if let Ok(Step::Blocked(interest)) = flushed
            && self.stage != Stage::Established
            && error.calls_for_alert()
        {
            self.waits_for = interest;
            self.refusing = Some(Box::new(error));
            return Ok(Step::Blocked(interest));
        }
        self.failed = Some(Box::new(error.clone()));
        Err(error)
    }

    fn is_plain(&self) -> bool {
        let is_sound = self.failed.is_none() && self.broken.is_none();
        let is_open = is_sound && !self.closed && !self.peer_closed;
        let is_idle = self.quiet && self.unanswered == 0 && !self.cut_short;
        self.stage == Stage::Established && is_open && is_idle
    }

    /// Whether octets of the transport, decrypted or not, wait inside.
    fn has_input(&self) -> bool {
        self.library.stream().has_read_ahead() || self.library.has_pending()
    }

    fn handshake(&mut self) -> Result<Step<()>, Error> {
        if self.stage == Stage::Established {
            return Ok(Step::Ready(()));
        }
        let step = self.handshake_step()?;
        if let Step::Blocked(interest) = step {
            self.waits_for = interest;
        }
        Ok(step)
    }

    fn handshake_step(&mut self) -> Result<Step<()>, Error> {
        L::clear_errors();
        while self.stage == Stage::Handshaking {
            // The peer cannot answer what it has not got.
            if let blocked @ Step::Blocked(_) = self.flush_staged()? {
                return Ok(blocked);
            }
            match self.library.handshake() {
                Ok(()) => {
                    L::clear_errors();
                    let facts = self.library.facts()?;
                    L::clear_errors();
                    self.facts = Some(Box::new(facts));
                    self.stage = Stage::Negotiated;
                    self.dry = false;
                }
                Err(pause) => match self.sound_shaking(pause)? {
                    Halt::Blocked => {
                        return Ok(match self.flush_staged()? {
                            Step::Ready(()) => Step::Blocked(Interest::READ),
                            blocked @ Step::Blocked(_) => blocked,
                        });
                    }
                    Halt::Message => {}
                    // The peer has given the handshake up.
                    Halt::Closed => return Err(Error::Truncated),
                },
            }
        }
        let flushed = self.flush_staged()?;
        if flushed.is_ready() {
            self.stage = Stage::Established;
        }
        Ok(flushed)
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        if self.stage != Stage::Established
            && let Step::Blocked(interest) = self.handshake()?
        {
            return Ok(Step::Blocked(interest));
        }
        if buf.is_empty() || self.peer_closed {
            return Ok(Step::Ready(0));
        }
        self.cut_short = false;
        self.read_on(buf, None)
    }

    /// Reads until there is data, an end or nothing more, from what the library
    /// has answered already if it has.
    fn read_on(
        &mut self,
        buf: &mut [u8],
        mut answer: Option<Result<usize, Pause>>,
    ) -> Result<Step<usize>, Error> {
        for _ in 0..MAX_TURNS {
            if self.unanswered > 0 && !self.answer() {
                return Ok(Step::Blocked(Interest::WRITE));
            }
            match answer.take().unwrap_or_else(|| self.library.read(buf)) {
                Ok(taken) => {
                    self.dry = false;
                    self.answer();
                    return Ok(Step::Ready(taken));
                }
                Err(pause) => match self.sound_reading(pause)? {
                    Halt::Blocked => {
                        self.dry = true;
                        self.answer();
                        if let Some(error) = self.broken.take() {
                            return Err(*error);
                        }
                        self.library.rest();
                        return Ok(Step::Blocked(Interest::READ));
                    }
                    Halt::Message => {
                        self.dry = false;
                        self.unanswered += 1;
                    }
                    Halt::Closed => {
                        self.peer_closed = true;
                        self.dry = true;
                        self.library.stream_mut().forget_read_ahead();
                        self.answer();
                        return Ok(Step::Ready(0));
                    }
                },
            }
        }
        self.cut_short = true;
        Ok(Step::Blocked(Interest::READ))
    }

    /// Sends what reading has caused; `false` when too much of it waits. A
    /// failure here is told later, so that what has come is not lost.
    fn answer(&mut self) -> bool {
        if self.broken.is_some() {
            return true;
        }
        match self.flush_staged() {
            Ok(Step::Ready(())) => self.unanswered = 0,
            Ok(Step::Blocked(_)) => return self.unanswered < MAX_UNANSWERED_TURNS,
            Err(error) => self.broken = Some(Box::new(error)),
        }
        if self.broken.is_none() && !self.closed && self.library.owes_key_update() {
            L::clear_errors();
            let answered = self.library.answer_key_update();
            self.broken = self.sent(answered).err().map(Box::new);
        }
        true
    }

    fn write(&mut self, bufs: &[IoSlice<'_>]) -> Result<Step<usize>, Error> {
        if self.stage != Stage::Established
            && let Step::Blocked(interest) = self.handshake()?
        {
            return Ok(Step::Blocked(interest));
        }
        if !self.quiet
            && let Step::Blocked(interest) = self.flush_staged()?
        {
            return Ok(Step::Blocked(interest));
        }
        self.write_records(bufs)
    }

    /// Goes on with a write of one record from what the library has answered.
    fn write_on(
        &mut self,
        record: &[u8],
        mut answer: Result<usize, Pause>,
    ) -> Result<Step<usize>, Error> {
        loop {
            match answer {
                Ok(octets) => {
                    // What is left of it goes out with the next call.
                    let _ = self.flush_staged()?;
                    return Ok(Step::Ready(octets));
                }
                Err(pause) => match self.sound(pause)? {
                    Halt::Message => answer = self.library.write(record),
                    Halt::Blocked => return Ok(Step::Blocked(Interest::READ)),
                    Halt::Closed => return Err(Error::Closed),
                },
            }
        }
    }

    fn write_records(&mut self, bufs: &[IoSlice<'_>]) -> Result<Step<usize>, Error> {
        let mut pieces = Pieces::new(bufs);
        let mut accepted = 0;
        while !pieces.first().is_empty() {
            let stream = self.library.stream_mut();
            stream.gather(pieces.take_several());
            let written = if pieces.first_suffices() {
                self.library.write(pieces.first())
            } else {
                gathered(pieces.rest(), |record| self.library.write(record))
            };
            match written {
                Ok(octets) => {
                    pieces.advance(octets);
                    accepted += octets;
                    if self.library.stream().is_refused() {
                        break;
                    }
                }
                Err(pause) => match self.sound(pause)? {
                    Halt::Message => {}
                    Halt::Blocked if accepted > 0 => break,
                    Halt::Blocked => return Ok(Step::Blocked(Interest::READ)),
                    Halt::Closed => return Err(Error::Closed),
                },
            }
        }
        // What is left of it goes out with the next call.
        let _ = self.flush_staged()?;
        Ok(Step::Ready(accepted))
    }

    fn flush(&mut self) -> Result<Step<()>, Error> {
        if let blocked @ Step::Blocked(_) = self.handshake()? {
            return Ok(blocked);
        }
        let flushed = self.flush_staged()?;
        if flushed.is_ready() {
            let stream = self.library.stream_mut();
            io::Write::flush(stream)
                .map_err(|stand_in| stream.take_failure().unwrap_or(stand_in))?;
        }
        Ok(flushed)
    }

    fn close(&mut self) -> Result<Step<()>, Error> {
        self.closed = true;
        if self.stage == Stage::Handshaking {
            // The library sends no close_notify in the middle of a handshake.
            let _ = self.flush_staged();
            return Ok(Step::Ready(()));
        }
        if !self.close_sent {
            L::clear_errors();
            if let Err(pause) = self.library.shutdown() {
                self.sound(pause)?;
            }
            L::clear_errors();
            self.library.stream_mut().seal();
            self.close_sent = true;
        }
        self.flush_staged()
    }

    fn key_update(&mut self) -> Result<Step<()>, Error> {
        if !self.updating {
            if let blocked @ Step::Blocked(_) = self.flush_staged()? {
                return Ok(blocked);
            }
            L::clear_errors();
            let made = self.library.key_update();
            self.sent(made)?;
            self.updating = true;
        }
        let flushed = self.flush_staged()?;
        self.updating = !flushed.is_ready();
        Ok(flushed)
    }

    /// Takes note of a KeyUpdate, and sends what the transport takes of it.
    fn sent(&mut self, made: Result<(), Pause>) -> Result<(), Error> {
        if let Err(pause) = made {
            self.sound(pause)?;
        }
        L::clear_errors();
        self.flush_staged().map(|_| ())
    }

    /// Sends what the transport did not take before.
    fn flush_staged(&mut self) -> Result<Step<()>, Error> {
        let stream = self.library.stream_mut();
        self.quiet = !stream.is_staged();
        if self.quiet {
            return Ok(Step::Ready(()));
        }
        let flushed = stream.flush_staged()?;
        self.quiet = flushed.is_ready();
        Ok(flushed)
    }

    /// Tells a halt from the end of the session. What the transport itself
    /// gave says more than what the library made of it.
    fn sound(&mut self, pause: Pause) -> Result<Halt, Error> {
        if let Some(failure) = self.library.stream_mut().take_failure() {
            return Err(failure.into());
        }
        match pause {
            Pause::Blocked => Ok(Halt::Blocked),
            Pause::Message => Ok(Halt::Message),
            Pause::Closed => Ok(Halt::Closed),
            Pause::Failed(error) => Err(error),
        }
    }

    /// The same in a read. Where sending has failed, what has come is read, and
    /// the transport's end behind it is no news.
    fn sound_reading(&mut self, pause: Pause) -> Result<Halt, Error> {
        match (self.sound(pause), self.broken.take()) {
            (Err(Error::Truncated | Error::Io(_)), Some(broken)) => Err(*broken),
            (halt, broken) => {
                self.broken = broken;
                halt
            }
        }
    }

    /// The same in a handshake, which a peer that takes nothing has left, unless
    /// it was told of a fault.
    fn sound_shaking(&mut self, pause: Pause) -> Result<Halt, Error> {
        let halt = self.sound(pause);
        let is_fault = halt.as_ref().is_err_and(Error::calls_for_alert);
        match self.library.stream_mut().take_broken() {
            Some(broken) if !is_fault => Err(broken.into()),
            _ => halt,
        }
    }
}

/// Whether so many octets are something, and no more than one record holds.
fn fits_a_record(octets: usize) -> bool {
    (1..=MAX_RECORD_PLAINTEXT).contains(&octets)
}

/// A [`Pause`] that is not the end.
enum Halt {
    Blocked,
    Message,
    Closed,
}
