//! One session.

use std::fmt;
use std::io::{self, BufRead, IoSlice, Read, Write};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustls::{Connection, IoState, SupportedCipherSuite};
use tls_core::limits::{MAX_HELD_PLAINTEXT, MAX_RECORD_PLAINTEXT};
use tls_core::{
    Alert, Capabilities, Error, Interest, PeerIncompatible, PeerMisbehaved, ProtocolVersion,
    ReadAhead, RecordBuffer, SessionFacts, SignatureScheme, Step, TlsSession, Transport,
    Unsupported,
};

use crate::backend::NAME;
use crate::notes::{self, Notes};
use crate::wire::{Inbound, Opening, Outbound};
use crate::{error, exporter, facts, last_words, record};

/// How many octets one read receives without finding data among them: a peer
/// that sends nothing but other messages cannot keep the caller inside of it.
const READ_BUDGET: usize = 2 * RecordBuffer::LEN;

/// How many records are sent in one system call.
const RECORDS_AT_ONCE: usize = MAX_HELD_PLAINTEXT / MAX_RECORD_PLAINTEXT;

/// One session of rustls.
pub struct RustlsSession {
    connection: Connection,
    origin: Origin,
    /// The facts; there once the handshake is done and its last flight gone.
    facts: Option<SessionFacts>,
    opening: Opening,
    ahead: ReadAhead,
    /// The last read stopped before the transport had nothing left.
    cut_short: bool,
    peer_scheme: Option<SignatureScheme>,
    /// The error that every later call returns. A read delivers the plaintext
    /// from before it first.
    fault: Option<Error>,
    /// Whether `fault` is behind plaintext that is not delivered yet.
    fault_is_news: bool,
    /// Whether rustls holds plaintext.
    unread: bool,
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
}

/// What a session is told by the context that made it.
pub(crate) struct Origin {
    /// The name in a client's server name indication.
    pub(crate) sent_name: Option<String>,
    /// Whether the peer's certificate, if there is one, is verified.
    pub(crate) verifies: bool,
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
            origin,
            facts: None,
            opening: Opening::default(),
            ahead: ReadAhead::new(),
            cut_short: false,
            peer_scheme: None,
            fault: None,
            fault_is_news: false,
            unread: false,
            peer_end: PeerEnd::Open,
            closed: false,
            answer_due: false,
            key_update_under_way: false,
            records_left: u64::MAX,
            transport: Flushing::Done,
        }
    }

    /// The error of an earlier call, if there was one.
    fn sound(&self) -> Result<(), Error> {
        match &self.fault {
            Some(fault) => Err(fault.clone()),
            None => Ok(()),
        }
    }

    fn fail(&mut self, error: Error) -> Error {
        self.fault = Some(error.clone());
        error
    }

    /// Whether something is to be sent that a call has left behind.
    fn owes(&self) -> bool {
        self.connection.wants_write() || self.transport == Flushing::Blocked || self.answer_due
    }

    fn is_tls13(&self) -> bool {
        self.connection.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3)
    }

    /// Sends what rustls has queued.
    fn send(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        loop {
            while self.connection.wants_write() {
                match self.connection.write_tls(&mut Outbound(io)) {
                    Ok(0) => {
                        return Err(self.fail(io::Error::from(io::ErrorKind::WriteZero).into()));
                    }
                    Ok(_) => self.transport = Flushing::Due,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
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
    fn receive(&mut self, io: &mut dyn Transport) -> Result<Step<usize>, Error> {
        let shaking = self.facts.is_none();
        let mut received = 0;
        // The transport is asked once, for a record; rustls takes that in parts.
        while received == 0 || !self.ahead.is_empty() {
            let opening = shaking.then_some(&mut self.opening);
            let mut inbound = Inbound::new(io, &mut self.ahead, opening);
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
        let (processed, notes) = if shaking {
            notes::listen(|| self.connection.process_new_packets())
        } else {
            (self.process_data(), Notes::default())
        };
        match processed {
            Ok(state) => {
                self.peer_scheme = self.peer_scheme.or(notes.peer_scheme);
                self.unread = state.plaintext_bytes_to_read() > 0;
                if state.peer_has_closed() {
                    self.peer_end = PeerEnd::Received;
                    self.ahead.clear();
                }
                // Nothing goes out behind this side's own end.
                self.answer_due =
                    self.is_tls13() && !self.connection.is_handshaking() && !self.closed;
                Ok(Step::Ready(received))
            }
            Err(error) => {
                self.refuse(io, error, notes)?;
                Ok(Step::Ready(received))
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
    /// plaintext came before it.
    fn refuse(
        &mut self,
        io: &mut dyn Transport,
        error: rustls::Error,
        notes: Notes,
    ) -> Result<(), Error> {
        let error = if !self.opening.may_be_tls() {
            PeerMisbehaved::NotTls.into()
        } else {
            match (error::translate(error), notes.refusal) {
                // Our own words for what rustls was told in its own.
                (Error::Certificate(_) | Error::Backend(_), Some(refusal)) => refusal,
                // The peer has given the handshake up. Before TLS 1.3 rustls
                // does not say so, and the transport's end is all there is.
                (Error::AlertReceived(Alert::CLOSE_NOTIFY), _) => Error::Truncated,
                // rustls misses first what such a client cannot have.
                (Error::PeerIncompatible(_), _) if self.opening.is_hello_below_tls12() => {
                    PeerIncompatible::NoCommonVersion.into()
                }
                (error, _) => error,
            }
        };
        last_words::send(&mut self.connection, io, &error);
        let error = self.fail(error);
        self.unread = self.has_plaintext();
        if self.unread {
            self.fault_is_news = true;
            return Ok(());
        }
        Err(error)
    }

    fn has_plaintext(&mut self) -> bool {
        matches!(self.connection.reader().fill_buf(), Ok([_, ..]))
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
        let gathered = facts::gather(&self.connection, &mut self.origin, self.peer_scheme);
        self.facts = Some(gathered);
    }

    /// Gives rustls one record's worth from `bufs`, of which `skip` octets are gone.
    fn take_record(&mut self, bufs: &[IoSlice<'_>], skip: usize) -> Result<usize, Error> {
        if self.records_left == 0 {
            return Err(self.fail(exhausted()));
        }
        self.records_left -= 1;
        match record::write(self.connection.writer(), bufs, skip) {
            Ok(0) => Err(self.fail(exhausted())),
            Ok(taken) => Ok(taken),
            Err(error) => Err(self.fail(error.into())),
        }
    }
}

impl TlsSession for RustlsSession {
    fn handshake(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        self.sound()?;
        if self.facts.is_some() {
            return Ok(Step::Ready(()));
        }
        if self.closed {
            return Err(Error::Closed);
        }
        loop {
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
            if self.fault_is_news {
                // The handshake's last message came together with plaintext
                // and a fault behind it; its answer went with the alert.
                self.complete();
                return Ok(Step::Ready(()));
            }
        }
    }

    fn read(&mut self, io: &mut dyn Transport, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        if self.facts.is_none()
            && let Step::Blocked(interest) = self.handshake(io)?
        {
            return Ok(Step::Blocked(interest));
        }
        self.cut_short = false;
        let mut budget = READ_BUDGET;
        loop {
            if self.unread && !buf.is_empty() {
                let taken = self.connection.reader().read(buf).unwrap_or_default();
                self.unread = self.has_plaintext();
                if taken > 0 {
                    return Ok(Step::Ready(taken));
                }
            }
            if self.fault.is_some() && !self.unread {
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
            if self.fault.is_none()
                && self.peer_end == PeerEnd::Open
                && self.owes()
                && self.send_through(io).is_err()
            {
                // The plaintext that has come goes first.
                self.fault_is_news = self.unread;
            }
        }
    }

    fn write(
        &mut self,
        io: &mut dyn Transport,
        bufs: &[IoSlice<'_>],
    ) -> Result<Step<usize>, Error> {
        if let Step::Blocked(interest) = self.handshake(io)? {
            return Ok(Step::Blocked(interest));
        }
        if self.closed {
            return Err(Error::Closed);
        }
        let whole: usize = bufs.iter().map(|buf| buf.len()).sum();
        if let Step::Blocked(interest) = self.send(io)? {
            return Ok(Step::Blocked(interest));
        }
        let mut accepted = 0;
        let mut queued = 0;
        while accepted < whole {
            if self.records_left == 0 && accepted > 0 {
                break;
            }
            accepted += self.take_record(bufs, accepted)?;
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

    fn flush(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        match self.handshake(io)? {
            Step::Ready(()) => self.send_through(io),
            blocked => Ok(blocked),
        }
    }

    fn close(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        self.sound()?;
        if !self.closed {
            self.closed = true;
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
        if self.closed {
            return Err(Error::Closed);
        }
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
        let writes = self.connection.wants_write() || self.transport == Flushing::Blocked;
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
        self.cut_short
            || !self.ahead.is_empty()
            || self.unread
            || self.fault_is_news
            || self.peer_end == PeerEnd::Received
    }

    fn facts(&self) -> Option<&SessionFacts> {
        self.facts.as_ref()
    }

    fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &str,
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.sound()?;
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
