//! One session.

use std::fmt;
use std::io::{self, BufRead, IoSlice, Read, Write};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use kernel_tls::{Finished, Handover, Offload, Secrets};
use rustls::{Connection, IoState, SupportedCipherSuite, Writer};
use tls_core::limits::{MAX_HELD_PLAINTEXT, MAX_RECORD_PLAINTEXT};
use tls_core::{
    Alert, Capabilities, Error, Interest, KernelTls, PeerChains, PeerIncompatible, PeerMisbehaved,
    ProtocolVersion, ReadAhead, RecordBuffer, Role, SessionFacts, SignatureScheme, Step,
    TlsSession, Transport, Unsupported,
};

use crate::backend::NAME;
use crate::last_words::LastWords;
use crate::notes::{self, Notes};
use crate::tally::Tally;
use crate::wire::{Direct, Inbound, Opening, Outbound};
use crate::{error, exporter, facts, record};

/// How many octets one read receives without finding data among them: a peer
/// that sends nothing but other messages cannot keep the caller inside of it.
const READ_BUDGET: usize = 2 * RecordBuffer::LEN;

/// How many reads in a row must have brought whole records, and less than rustls
/// asks for, until its own buffer is taken for large enough. A longer record then
/// costs a second read, once.
const FEW_SMALL_READS: u8 = 16;

/// Less than rustls asks for at once: 4 KiB.
const SMALL_READ: usize = 4096;

/// How many records are sent in one system call.
const RECORDS_AT_ONCE: usize = MAX_HELD_PLAINTEXT / MAX_RECORD_PLAINTEXT;

/// One session of rustls.
pub struct RustlsSession {
    connection: Connection,
    /// What only a handshake needs; gone when that is done.
    shaking: Option<Box<Shaking>>,
    /// The facts; there once the handshake is done and its last flight gone.
    facts: Option<SessionFacts>,
    ahead: ReadAhead,
    tally: Tally,
    /// How many of the last reads were small; no more are counted than matter.
    small_reads: u8,
    /// The last read stopped before the transport had nothing left.
    cut_short: bool,
    /// Nothing is to be done but to read and write: the handshake is done,
    /// nothing has ended, nothing is owed.
    calm: bool,
    /// And a read has to receive one small record, most likely: rustls's own
    /// buffer is large enough then, and takes the octets as they come.
    plain: bool,
    /// The error that every later call returns. A read delivers the plaintext
    /// from before it first.
    fault: Option<Box<Error>>,
    /// Whether `fault` is behind plaintext that is not delivered yet.
    fault_is_news: bool,
    /// How much plaintext rustls holds; behind a fault, at least.
    unread: usize,
    peer_end: PeerEnd,
    /// Whether this side's `close_notify` is queued or gone.
    closed: bool,
    /// Whether a KeyUpdate may wait in rustls for this side's next record.
    answer_due: bool,
    /// Whether a [`key_update`](TlsSession::key_update) has not answered yet.
    key_update_under_way: bool,
    /// How many more records the keys may protect.
    records_left: u64,
    transport: Flushing,
    /// The way to the kernel, if the config prefers it.
    kernel: Option<Box<Handover>>,
    /// What the config asks of the kernel.
    asked_of_kernel: KernelTls,
}

/// What a session holds until its handshake is done.
struct Shaking {
    origin: Origin,
    opening: Opening,
    peer_scheme: Option<SignatureScheme>,
    /// What the kernel would make keys of.
    secrets: Secrets,
    /// What is to be said before the fault is told.
    last_words: LastWords,
}

/// What a session is told by the context that made it.
pub(crate) struct Origin {
    /// The name in a client's server name indication.
    pub(crate) sent_name: Option<String>,
    /// Whether the peer's certificate, if there is one, is verified.
    pub(crate) verifies: bool,
    /// What is asked of the kernel.
    pub(crate) kernel_tls: KernelTls,
    /// The chains of the context's peers.
    pub(crate) peers: Arc<PeerChains>,
}

/// How far the peer's `close_notify` has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PeerEnd {
    Open,
    Received,
    Told,
}

/// What the transport itself may still buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flushing {
    /// Nothing.
    Done,
    /// What was written since the last flush.
    Due,
    /// The same, and the flush has blocked.
    Blocked,
}

impl RustlsSession {
    /// rustls's own side of the session, to look at.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn new(mut connection: Connection, origin: Origin) -> Self {
        // The session itself bounds what it gives rustls at once.
        connection.set_buffer_limit(None);
        Self {
            connection,
            kernel: origin.kernel_tls.requested.then(|| Handover::new(NAME)),
            asked_of_kernel: origin.kernel_tls,
            shaking: Some(Box::new(Shaking {
                origin,
                opening: Opening::default(),
                peer_scheme: None,
                secrets: Secrets::new(),
                last_words: LastWords::default(),
            })),
            facts: None,
            ahead: ReadAhead::new(),
            tally: Tally::default(),
            small_reads: 0,
            cut_short: false,
            calm: false,
            plain: false,
            fault: None,
            fault_is_news: false,
            unread: 0,
            peer_end: PeerEnd::Open,
            closed: false,
            answer_due: false,
            key_update_under_way: false,
            records_left: u64::MAX,
            transport: Flushing::Done,
        }
    }

    /// The session of the kernel, if that has the records.
    fn offload(&mut self) -> Option<&mut Offload> {
        self.kernel.as_deref_mut().and_then(Handover::offload)
    }

    /// The same, to look at.
    fn active(&self) -> Option<&Offload> {
        self.kernel.as_deref().and_then(Handover::active)
    }

    /// The error of an earlier call, if there was one.
    fn sound(&self) -> Result<(), Error> {
        match &self.fault {
            Some(fault) if !self.is_speaking() => Err((**fault).clone()),
            _ => Ok(()),
        }
    }

    /// Whether the handshake has failed, and the peer is not told yet.
    fn is_speaking(&self) -> bool {
        let shaking = self.shaking.as_deref();
        shaking.is_some_and(|shaking| !shaking.last_words.is_empty())
    }

    /// From now on there is more to be done.
    fn stir(&mut self) {
        self.calm = false;
        self.plain = false;
    }

    /// Finds out whether there is.
    fn look(&mut self) {
        self.calm = self.is_calm();
        self.plain = self.is_plain();
    }

    fn fail(&mut self, error: Error) -> Error {
        self.fault = Some(Box::new(error.clone()));
        self.stir();
        error
    }

    /// Whether something is to be sent that a call has left behind.
    #[inline]
    fn owes(&self) -> bool {
        self.connection.wants_write() || self.transport == Flushing::Blocked || self.answer_due
    }

    fn is_tls13(&self) -> bool {
        self.connection.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3)
    }

    /// Sends what rustls has queued.
    #[inline(always)]
    fn send(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        loop {
            while self.connection.wants_write() {
                match self.connection.write_tls(&mut Outbound(io)) {
                    Ok(0) => {
                        return Err(self.fail(io::Error::from(io::ErrorKind::WriteZero).into()));
                    }
                    Ok(_) => self.transport = Flushing::Due,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.stir();
                        return Ok(Step::Blocked(Interest::WRITE));
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(self.fail(error.into())),
                }
            }
            // Only now: while one answer waits for the transport, rustls
            // makes no other, so that a peer which does not read cannot pile
            // them up here.
            if !mem::take(&mut self.answer_due) {
                return Ok(Step::Ready(()));
            }
            self.queue_answer()?;
        }
    }

    /// Sends what rustls has queued, and has the transport send it on.
    fn send_through(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        if let Step::Blocked(interest) = self.send(io)? {
            return Ok(Step::Blocked(interest));
        }
        while self.transport != Flushing::Done {
            match io.flush() {
                Ok(()) => self.transport = Flushing::Done,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.transport = Flushing::Blocked;
                    self.stir();
                    return Ok(Step::Blocked(Interest::WRITE));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fail(error.into())),
            }
        }
        Ok(Step::Ready(()))
    }

    /// Queues the KeyUpdate with which rustls answers the peer's: it holds the
    /// answer back until something is written, be it nothing.
    fn queue_answer(&mut self) -> Result<(), Error> {
        self.answer_due = false;
        let nothing = self.connection.writer().write(&[]);
        nothing.map_or_else(|error| Err(self.fail(error.into())), |_| Ok(()))
    }

    /// Receives what the transport has, once, and has rustls work on it. Answers
    /// how many octets that were.
    #[inline(always)]
    fn receive(&mut self, io: &mut dyn Transport) -> Result<Step<usize>, Error> {
        let shaking = self.facts.is_none();
        let mut received = 0;
        let between = self.ahead.is_empty() && self.tally.is_between_records();
        // The transport is asked once, for a record; rustls takes that in parts.
        while received == 0 || !self.ahead.is_empty() {
            let shaking = self.shaking.as_deref_mut();
            let opening = shaking.map(|shaking| &mut shaking.opening);
            let mut inbound = Inbound::new(io, &mut self.ahead, &mut self.tally, opening);
            match self.connection.read_tls(&mut inbound) {
                Ok(0) => return Err(self.fail(Error::Truncated)),
                Ok(octets) => received += octets,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Step::Blocked(Interest::READ));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // rustls's own buffer is full: of what it can work on now, or
                // of one message.
                Err(_) if !inbound.asked && received > 0 => break,
                Err(_) if !inbound.asked => {
                    return Err(self.fail(PeerMisbehaved::RecordOverflow.into()));
                }
                Err(error) => return Err(self.fail(error.into())),
            }
        }
        self.small_reads = match between && received < SMALL_READ {
            true => FEW_SMALL_READS.min(self.small_reads + 1),
            false => 0,
        };
        let state = match shaking {
            true => self.process_handshake(io)?,
            false => match self.process_data() {
                Ok(state) => Some(state),
                Err(error) => {
                    self.refuse(io, error, Notes::default())?;
                    None
                }
            },
        };
        if let Some(state) = state {
            self.note(&state);
        }
        Ok(Step::Ready(received))
    }

    /// Takes note of what rustls has made of what came.
    #[inline(always)]
    fn note(&mut self, state: &IoState) {
        self.unread = state.plaintext_bytes_to_read();
        if state.peer_has_closed() {
            self.peer_end = PeerEnd::Received;
            self.ahead.clear();
        }
        // Nothing goes out behind this side's own end.
        self.answer_due = !self.tally.is_all_data(self.unread)
            && !self.closed
            && self.is_tls13()
            && !self.connection.is_handshaking();
    }

    fn is_calm(&self) -> bool {
        self.facts.is_some()
            && self.kernel.is_none()
            && self.fault.is_none()
            && self.peer_end == PeerEnd::Open
            && !self.closed
            && !self.owes()
    }

    fn is_plain(&self) -> bool {
        self.small_reads >= FEW_SMALL_READS
            && self.is_calm()
            && self.unread == 0
            && !self.cut_short
            && self.ahead.is_empty()
            && self.tally.is_between_records()
    }

    /// A plain read.
    #[inline(always)]
    fn read_plain(&mut self, io: &mut dyn Transport, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        let mut inbound = Direct::new(io, &mut self.tally);
        let came = self.connection.read_tls(&mut inbound);
        let Direct { asked, data, .. } = inbound;
        match came {
            Ok(1..) => {}
            other => return self.read_nothing(io, buf, other, asked),
        }
        let room = 1..=buf.len();
        match self.process_data() {
            // One record came, with nothing but data, and all of it is taken.
            Ok(state) if state.plaintext_bytes_to_read() == data && room.contains(&data) => {
                Ok(Step::Ready(self.take_all(buf)))
            }
            other => self.read_from(io, buf, data, other),
        }
    }

    /// Goes on with a read whose first call brought nothing.
    #[inline(never)]
    fn read_nothing(
        &mut self,
        io: &mut dyn Transport,
        buf: &mut [u8],
        came: io::Result<usize>,
        asked: bool,
    ) -> Result<Step<usize>, Error> {
        match came {
            Ok(_) => Err(self.fail(Error::Truncated)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Ok(Step::Blocked(Interest::READ))
            }
            Err(error) if asked && error.kind() != io::ErrorKind::Interrupted => {
                Err(self.fail(error.into()))
            }
            Err(_) => self.read_on(io, buf),
        }
    }

    /// Goes on with a read from what rustls has made of what came, which was
    /// not simply a record of data.
    #[inline(never)]
    fn read_from(
        &mut self,
        io: &mut dyn Transport,
        buf: &mut [u8],
        data: usize,
        processed: Result<IoState, rustls::Error>,
    ) -> Result<Step<usize>, Error> {
        self.tally.note_whole(data);
        if !self.tally.is_between_records() {
            self.small_reads = 0;
        }
        match processed {
            Ok(state) => self.note(&state),
            Err(error) => self.refuse(io, error, Notes::default())?,
        }
        self.answer(io);
        self.read_on(io, buf)
    }

    /// A read where more is to be done.
    #[inline(never)]
    fn read_more(&mut self, io: &mut dyn Transport, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        if self.facts.is_none()
            && let Step::Blocked(interest) = self.handshake(io)?
        {
            return Ok(Step::Blocked(interest));
        }
        if let Some(offload) = self.offload() {
            return offload.read(io, buf);
        }
        self.cut_short = false;
        self.read_on(io, buf)
    }

    /// Has rustls work on what came in the handshake, and takes note of what its
    /// callbacks say. `None` if a fault is behind plaintext.
    #[cold]
    fn process_handshake(&mut self, io: &mut dyn Transport) -> Result<Option<IoState>, Error> {
        let (processed, notes) = notes::listen(|| self.connection.process_new_packets());
        match processed {
            Ok(state) => {
                if let Some(shaking) = &mut self.shaking {
                    shaking.peer_scheme = shaking.peer_scheme.or(notes.peer_scheme);
                    shaking.secrets.merge(notes.secrets);
                }
                Ok(Some(state))
            }
            Err(error) => {
                self.refuse(io, error, notes)?;
                Ok(None)
            }
        }
    }

    /// Has rustls work on what came after the handshake.
    fn process_data(&mut self) -> Result<IoState, rustls::Error> {
        if !cfg!(debug_assertions) || !self.closed {
            return self.connection.process_new_packets();
        }
        // rustls asserts, where assertions are on, that no alert follows
        // another, and counts this side's close_notify as one: a fault of the
        // peer behind that would panic. Its kind is lost then; most often it
        // is a record that was damaged on its way.
        catch_unwind(AssertUnwindSafe(|| self.connection.process_new_packets()))
            .unwrap_or(Err(rustls::Error::DecryptError))
    }

    /// Sends the alert and makes the error final. It is not returned yet when
    /// plaintext came before it, nor while a handshake's alert has not left.
    fn refuse(
        &mut self,
        io: &mut dyn Transport,
        error: rustls::Error,
        notes: Notes,
    ) -> Result<(), Error> {
        let opening = self.shaking.as_deref().map(|shaking| &shaking.opening);
        let error = if opening.is_some_and(|opening| !opening.may_be_tls()) {
            PeerMisbehaved::NotTls.into()
        } else {
            match (error::translate(error), notes.refusal) {
                // Our own words for what rustls was told in its own.
                (Error::Certificate(_) | Error::Backend(_), Some(refusal)) => refusal,
                // The peer has given the handshake up. Before TLS 1.3 rustls
                // does not say so, and the transport's end is all there is.
                (Error::AlertReceived(Alert::CLOSE_NOTIFY), _) => Error::Truncated,
                // rustls misses first what such a client cannot have.
                (Error::PeerIncompatible(_), _)
                    if opening.is_some_and(Opening::is_hello_below_tls12) =>
                {
                    PeerIncompatible::NoCommonVersion.into()
                }
                (error, _) => error,
            }
        };
        let mut last_words = LastWords::take(&mut self.connection, &error);
        last_words.send(io);
        if let Some(shaking) = &mut self.shaking
            && error.calls_for_alert()
        {
            shaking.last_words = last_words;
        }
        let error = self.fail(error);
        self.unread = self.plaintext();
        self.fault_is_news = self.unread > 0;
        match self.fault_is_news || self.is_speaking() {
            true => Ok(()),
            false => Err(error),
        }
    }

    /// How much plaintext rustls holds in one piece.
    fn plaintext(&mut self) -> usize {
        self.connection.reader().fill_buf().map_or(0, <[u8]>::len)
    }

    fn complete(&mut self) {
        self.records_left = match self.connection.negotiated_cipher_suite() {
            // Behind it rustls would drop what it is given. A few records are
            // kept for Finished and alerts.
            Some(SupportedCipherSuite::Tls12(suite)) => {
                suite.common.confidentiality_limit.saturating_sub(16)
            }
            // Renews its keys in time.
            _ => u64::MAX,
        };
        if let Some(shaking) = &mut self.shaking {
            let Shaking {
                origin,
                peer_scheme,
                ..
            } = &mut **shaking;
            self.facts = Some(facts::gather(&self.connection, origin, *peer_scheme));
        }
    }

    /// Does the handshake.
    fn shake(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        loop {
            if self.fault.is_some() {
                return self.give_up(io);
            }
            if let Step::Blocked(interest) = self.send_through(io)? {
                return Ok(Step::Blocked(interest));
            }
            if !self.connection.is_handshaking() {
                self.complete();
                return Ok(Step::Ready(()));
            }
            if let Step::Blocked(interest) = self.receive(io)? {
                return Ok(Step::Blocked(interest));
            }
        }
    }

    /// Ends a handshake behind which there is a fault, when the alert has left.
    fn give_up(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        if let Some(shaking) = &mut self.shaking {
            shaking.last_words.send(io);
        }
        if self.is_speaking() {
            return Ok(Step::Blocked(Interest::WRITE));
        }
        if !self.fault_is_news {
            self.sound()?;
        }
        // The handshake's last message came together with plaintext and a
        // fault behind it; its answer went with the alert.
        self.complete();
        Ok(Step::Ready(()))
    }

    /// Does the handshake, and settles who makes the records from there on.
    fn shake_and_settle(
        &mut self,
        mut kernel: Box<Handover>,
        io: &mut dyn Transport,
    ) -> Result<Step<()>, Error> {
        let shaken = self.shake(&mut kernel.wire(io));
        let settled = match shaken {
            Ok(Step::Ready(())) => self.settle(&mut kernel, io).map(Step::Ready),
            other => other,
        };
        self.kernel = Some(kernel);
        settled
    }

    fn settle(&mut self, kernel: &mut Handover, io: &mut dyn Transport) -> Result<(), Error> {
        let is_drained = !self.pending() && !self.owes() && !self.closed && self.fault.is_none();
        let shaking = self.shaking.take();
        let Some(facts) = &self.facts else {
            return Ok(());
        };
        let finished = Finished {
            role: match self.connection {
                Connection::Client(_) => Role::Client,
                Connection::Server(_) => Role::Server,
            },
            facts,
            secrets: shaking.map_or_else(Secrets::new, |shaking| shaking.secrets),
            is_drained,
        };
        let settled = kernel.settle(io, finished);
        settled.map_err(|error| self.fail(error))
    }

    /// Gives rustls one record's worth by `write`.
    #[inline(always)]
    fn take_record(
        &mut self,
        write: impl FnOnce(Writer<'_>) -> io::Result<usize>,
    ) -> Result<usize, Error> {
        if self.records_left == 0 {
            return Err(self.fail(exhausted()));
        }
        self.records_left -= 1;
        match write(self.connection.writer()) {
            Ok(0) => Err(self.fail(exhausted())),
            Ok(taken) => Ok(taken),
            Err(error) => Err(self.fail(error.into())),
        }
    }

    /// Hands plaintext out that rustls holds.
    fn take(&mut self, buf: &mut [u8]) -> usize {
        let taken = self.take_all(buf);
        self.unread = match self.fault {
            None => self.unread.saturating_sub(taken),
            Some(_) => self.plaintext(),
        };
        taken
    }

    /// The same, where `buf` has room for all.
    #[inline(always)]
    fn take_all(&mut self, buf: &mut [u8]) -> usize {
        self.connection.reader().read(buf).unwrap_or_default()
    }

    /// Goes on with a read, and finds out whether the next one is plain.
    fn read_on(&mut self, io: &mut dyn Transport, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        let step = self.read_until(io, buf)?;
        self.look();
        Ok(step)
    }

    /// Reads until there is data, an end, a fault or nothing more.
    fn read_until(&mut self, io: &mut dyn Transport, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        let mut budget = READ_BUDGET;
        loop {
            if self.unread > 0 && !buf.is_empty() {
                let taken = self.take(buf);
                if taken > 0 {
                    return Ok(Step::Ready(taken));
                }
            }
            if self.fault.is_some() && self.unread == 0 {
                self.fault_is_news = false;
                self.sound()?;
            }
            if buf.is_empty() {
                return Ok(Step::Ready(0));
            }
            if self.peer_end != PeerEnd::Open {
                self.peer_end = PeerEnd::Told;
                return Ok(Step::Ready(0));
            }
            if self.owes() {
                let _ = self.send_through(io)?;
            }
            if budget == 0 {
                self.cut_short = true;
                return Ok(Step::Blocked(Interest::READ));
            }
            match self.receive(io)? {
                Step::Ready(octets) => budget = budget.saturating_sub(octets),
                Step::Blocked(interest) => return Ok(Step::Blocked(interest)),
            }
            self.answer(io);
        }
    }

    /// Sends what receiving has caused. If that fails, the plaintext that has
    /// come goes first.
    fn answer(&mut self, io: &mut dyn Transport) {
        let may_answer = self.fault.is_none() && self.peer_end == PeerEnd::Open;
        if may_answer && self.owes() && self.send_through(io).is_err() {
            self.fault_is_news = self.unread > 0;
        }
    }

    /// Writes what makes one record.
    #[inline(always)]
    fn write_record(
        &mut self,
        io: &mut dyn Transport,
        write: impl FnOnce(Writer<'_>) -> io::Result<usize>,
    ) -> Result<Step<usize>, Error> {
        let accepted = self.take_record(write)?;
        // What is left of it goes out with the next call.
        let _ = self.send(io)?;
        Ok(Step::Ready(accepted))
    }

    /// A write of several pieces, or one where more is to be done first.
    #[inline(never)]
    fn write_more(
        &mut self,
        io: &mut dyn Transport,
        bufs: &[IoSlice<'_>],
    ) -> Result<Step<usize>, Error> {
        if !self.calm {
            if self.facts.is_some() {
                self.sound()?;
            } else if let Step::Blocked(interest) = self.handshake(io)? {
                return Ok(Step::Blocked(interest));
            }
            if let Some(offload) = self.offload() {
                return offload.write(io, bufs);
            }
            if self.closed {
                return Err(Error::Closed);
            }
            if self.owes()
                && let Step::Blocked(interest) = self.send(io)?
            {
                return Ok(Step::Blocked(interest));
            }
            self.look();
        }
        let octets = bufs.iter().map(|buf| buf.len()).sum();
        match record::is_one(octets) {
            true => self.write_record(io, |writer| record::write_one(writer, bufs, octets)),
            false => self.write_records(io, bufs, octets),
        }
    }

    fn write_records(
        &mut self,
        io: &mut dyn Transport,
        bufs: &[IoSlice<'_>],
        whole: usize,
    ) -> Result<Step<usize>, Error> {
        let mut accepted = 0;
        let mut queued = 0;
        while accepted < whole {
            if self.records_left == 0 && accepted > 0 {
                break;
            }
            accepted += self.take_record(|writer| record::write(writer, bufs, accepted))?;
            queued += 1;
            if queued < RECORDS_AT_ONCE && accepted < whole {
                continue;
            }
            queued = 0;
            if !self.send(io)?.is_ready() {
                break;
            }
        }
        if queued > 0 {
            let _ = self.send(io)?;
        }
        Ok(Step::Ready(accepted))
    }
}

impl TlsSession for RustlsSession {
    fn handshake(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        self.sound()?;
        if self.facts.is_some() {
            return match self.active() {
                Some(offload) => offload.check_sound().map(Step::Ready),
                None => Ok(Step::Ready(())),
            };
        }
        if self.closed {
            return Err(Error::Closed);
        }
        match self.kernel.take() {
            None => {
                let shaken = self.shake(io)?;
                if shaken.is_ready() {
                    self.shaking = None;
                }
                Ok(shaken)
            }
            Some(kernel) => self.shake_and_settle(kernel, io),
        }
    }

    #[inline(always)]
    fn read(&mut self, io: &mut dyn Transport, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        debug_assert!(!self.plain || self.is_plain(), "{self:?}");
        match self.plain && !buf.is_empty() {
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
        debug_assert!(!self.calm || self.is_calm(), "{self:?}");
        match bufs {
            [one] if self.calm && record::is_one(one.len()) => {
                self.write_record(io, |mut writer| writer.write(one))
            }
            _ => self.write_more(io, bufs),
        }
    }

    fn flush(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        if let blocked @ Step::Blocked(_) = self.handshake(io)? {
            return Ok(blocked);
        }
        match self.offload() {
            Some(offload) => offload.flush(io),
            None => self.send_through(io),
        }
    }

    fn close(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        self.sound()?;
        if self.is_speaking() {
            return self.give_up(io);
        }
        if let Some(offload) = self.offload() {
            return offload.close(io);
        }
        if !self.closed {
            self.closed = true;
            self.stir();
            self.connection.send_close_notify();
        }
        let sent = self.send_through(io);
        if self.facts.is_none() {
            // A peer that never answers is not waited for: what the transport
            // did not take is lost.
            self.fault = None;
            return Ok(Step::Ready(()));
        }
        sent
    }

    fn key_update(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        self.sound()?;
        let Some(facts) = &self.facts else {
            return Err(Error::config("key_update", "the handshake is not done"));
        };
        if facts.version != Some(ProtocolVersion::Tls13) {
            return Err(Unsupported::new(
                NAME,
                Capabilities::KEY_UPDATE,
                "TLSv1.2 was negotiated, which has no KeyUpdate",
            )
            .into());
        }
        if let Some(offload) = self.offload() {
            return offload.key_update(io);
        }
        if self.closed {
            return Err(Error::Closed);
        }
        self.stir();
        if !self.key_update_under_way {
            if let Err(error) = self.connection.refresh_traffic_keys() {
                return Err(self.fail(error::translate(error)));
            }
            self.key_update_under_way = true;
        }
        let sent = self.send_through(io)?;
        self.key_update_under_way = !sent.is_ready();
        Ok(sent)
    }

    fn interest(&self) -> Interest {
        if let Some(offload) = self.active() {
            return offload.interest();
        }
        let writes = self.connection.wants_write()
            || self.transport == Flushing::Blocked
            || self.is_speaking();
        match (self.facts.is_some(), writes) {
            (true, true) => Interest::READ | Interest::WRITE,
            (false, true) => Interest::WRITE,
            (_, false) => Interest::READ,
        }
    }

    /// rustls works on all records that came whole, so only plaintext, an
    /// error behind it, the peer's `close_notify`, and what rustls has not
    /// taken yet can wait.
    fn pending(&self) -> bool {
        if let Some(offload) = self.active() {
            return offload.pending();
        }
        self.cut_short
            || !self.ahead.is_empty()
            || self.unread > 0
            || self.fault_is_news
            || self.peer_end == PeerEnd::Received
    }

    fn facts(&self) -> Option<&SessionFacts> {
        self.facts.as_ref()
    }

    fn refusal(&self) -> Option<&Error> {
        self.fault.as_deref().filter(|_| self.is_speaking())
    }

    fn kernel_tls(&self) -> KernelTls {
        match self.active() {
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
        self.sound()?;
        if let Some(offload) = self.active() {
            offload.check_sound()?;
        }
        match &self.facts {
            Some(facts) => exporter::export(&self.connection, facts, out, label, context),
            None => Err(exporter::refusal("the handshake is not done")),
        }
    }
}

impl fmt::Debug for RustlsSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.connection {
            Connection::Client(_) => "client",
            Connection::Server(_) => "server",
        };
        f.debug_struct("RustlsSession")
            .field("role", &role)
            .field("facts", &self.facts)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

fn exhausted() -> Error {
    Error::backend(NAME, "the keys of this session may protect no more records")
}
