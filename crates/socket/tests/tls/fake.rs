//! A backend whose "TLS" is readable in a test: records with the header of
//! TLS, a handshake of three messages, and XOR for a cipher.
//!
//! It breaks two rules on purpose: it does not repeat its errors, and its reads
//! do not push out what is held. That a socket does both is its own work here.

use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice};

use tls_core::{
    BackendInfo, ClientConfig, Error, Interest, KernelTls, PeerMisbehaved, ServerConfig,
    ServerName, SessionFacts, Step, TlsBackend, TlsSession, Transport,
};

/// The types of a record.
pub(crate) const HANDSHAKE: u8 = 0x16;
pub(crate) const DATA: u8 = 0x17;
pub(crate) const ALERT: u8 = 0x15;

/// The most plaintext in one record.
pub(crate) const RECORD: usize = 16384;

const HEADER: usize = 5;

/// One record as it stands on the wire.
pub(crate) fn record(kind: u8, plaintext: &[u8]) -> Vec<u8> {
    let length = u16::try_from(plaintext.len()).unwrap().to_be_bytes();
    let mut record = vec![kind, 3, 3, length[0], length[1]];
    record.extend(plaintext.iter().map(|octet| octet ^ 0x5a));
    record
}

/// The backend.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fake {
    /// A write must first read one record, as a renegotiating library might.
    pub(crate) write_reads_first: bool,
    /// Plays a kernel that makes the records: what is sent passes as it is.
    pub(crate) kernel_transmits: bool,
}

impl TlsBackend for Fake {
    type ClientContext = ();
    type ServerContext = ();
    type Session = FakeSession;

    fn info(&self) -> BackendInfo {
        BackendInfo::new("fake", "Fake 1.0")
    }

    fn client(&self, _: &ClientConfig) -> Result<(), Error> {
        Ok(())
    }

    fn server(&self, _: &ServerConfig) -> Result<(), Error> {
        Ok(())
    }

    fn connect(&self, (): &(), name: &ServerName<'_>) -> Result<FakeSession, Error> {
        if let ServerName::IpAddress(_) = name {
            return Err(Error::config("server_name", "addresses are not verified"));
        }
        let mut session = FakeSession::new(self, State::AwaitsAnswer);
        let hello = name.to_str();
        session.outgoing.extend(record(HANDSHAKE, hello.as_bytes()));
        session.name = hello.into_owned();
        Ok(session)
    }

    fn accept(&self, (): &()) -> Result<FakeSession, Error> {
        Ok(FakeSession::new(self, State::AwaitsHello))
    }
}

#[derive(Debug, PartialEq)]
enum State {
    AwaitsHello,
    AwaitsAnswer,
    AwaitsFinish,
    Done,
}

/// A session on either side.
#[derive(Debug)]
pub(crate) struct FakeSession {
    state: State,
    name: String,
    facts: Option<SessionFacts>,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    plaintext: VecDeque<u8>,
    close_sent: bool,
    close_received: bool,
    write_reads_first: bool,
    kernel_transmits: bool,
    blocked_on: Interest,
    /// Whether the transport told its descriptor, at each read.
    pub(crate) descriptor_told: Vec<bool>,
}

impl FakeSession {
    fn new(backend: &Fake, state: State) -> Self {
        Self {
            state,
            name: String::new(),
            facts: None,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            plaintext: VecDeque::new(),
            close_sent: false,
            close_received: false,
            write_reads_first: backend.write_reads_first,
            kernel_transmits: backend.kernel_transmits,
            blocked_on: Interest::READ,
            descriptor_told: Vec::new(),
        }
    }

    /// Sends what waits.
    fn push(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        while !self.outgoing.is_empty() {
            match io.write(&self.outgoing) {
                Ok(sent) => drop(self.outgoing.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.blocked_on = Interest::WRITE;
                    return Ok(Step::Blocked(Interest::WRITE));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Step::Ready(()))
    }

    /// The next record, its plaintext decrypted.
    fn pull(&mut self, io: &mut dyn Transport) -> Result<Step<(u8, Vec<u8>)>, Error> {
        loop {
            if let Some(record) = self.whole_record()? {
                return Ok(Step::Ready(record));
            }
            self.descriptor_told.push(io.descriptor().is_some());
            let mut ahead = [0; 4096];
            match io.read(&mut ahead) {
                Ok(0) => return Err(Error::Truncated),
                Ok(octets) => self.incoming.extend(&ahead[..octets]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.blocked_on = Interest::READ;
                    return Ok(Step::Blocked(Interest::READ));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn whole_record(&mut self) -> Result<Option<(u8, Vec<u8>)>, Error> {
        let Some(header) = self.incoming.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let [kind @ (HANDSHAKE | DATA | ALERT), 3, 3, high, low] = *header else {
            return Err(PeerMisbehaved::NotTls.into());
        };
        let end = HEADER + usize::from(u16::from_be_bytes([high, low]));
        if self.incoming.len() < end {
            return Ok(None);
        }
        let plaintext = self.incoming[HEADER..end].iter().map(|octet| octet ^ 0x5a);
        let record = (kind, plaintext.collect());
        self.incoming.drain(..end);
        Ok(Some(record))
    }

    fn finish(&mut self) {
        self.state = State::Done;
        let mut facts = SessionFacts::default();
        facts.server_name = Some(self.name.clone());
        self.facts = Some(facts);
    }
}

/// Unwraps a step that is done, or returns the blocked one.
macro_rules! ready {
    ($step:expr) => {
        match $step? {
            Step::Ready(value) => value,
            Step::Blocked(interest) => return Ok(Step::Blocked(interest)),
        }
    };
}

impl TlsSession for FakeSession {
    fn handshake(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        loop {
            ready!(self.push(io));
            if self.state == State::Done {
                if self.facts.is_none() {
                    self.finish();
                }
                return Ok(Step::Ready(()));
            }
            let (HANDSHAKE, message) = ready!(self.pull(io)) else {
                return Err(PeerMisbehaved::UnexpectedMessage.into());
            };
            match (&self.state, message.as_slice()) {
                (State::AwaitsHello, name) => {
                    self.name = String::from_utf8_lossy(name).into_owned();
                    self.outgoing.extend(record(HANDSHAKE, b"answer"));
                    self.state = State::AwaitsFinish;
                }
                (State::AwaitsAnswer, b"answer") => {
                    self.outgoing.extend(record(HANDSHAKE, b"finish"));
                    self.state = State::Done;
                }
                (State::AwaitsFinish, b"finish") => self.state = State::Done,
                _ => return Err(PeerMisbehaved::UnexpectedMessage.into()),
            }
        }
    }

    fn read(&mut self, io: &mut dyn Transport, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        if self.facts.is_none() {
            ready!(self.handshake(io));
        }
        loop {
            if !self.plaintext.is_empty() {
                let octets = buf.len().min(self.plaintext.len());
                for (to, octet) in buf.iter_mut().zip(self.plaintext.drain(..octets)) {
                    *to = octet;
                }
                return Ok(Step::Ready(octets));
            }
            if self.close_received {
                return Ok(Step::Ready(0));
            }
            match ready!(self.pull(io)) {
                (DATA, plaintext) => self.plaintext.extend(plaintext),
                (ALERT, _) => self.close_received = true,
                // The new keys are answered with our own.
                (_, message) if message == b"update" => {
                    self.outgoing.extend(record(HANDSHAKE, b"updated"));
                    if !self.close_sent {
                        let _ = self.push(io)?;
                    }
                }
                (_, message) if message == b"updated" => {}
                _ => return Err(PeerMisbehaved::UnexpectedMessage.into()),
            }
        }
    }

    fn write(
        &mut self,
        io: &mut dyn Transport,
        bufs: &[IoSlice<'_>],
    ) -> Result<Step<usize>, Error> {
        ready!(self.handshake(io));
        if self.close_sent {
            return Err(Error::Closed);
        }
        if self.write_reads_first {
            if let (DATA, plaintext) = ready!(self.pull(io)) {
                self.plaintext.extend(plaintext);
            }
            self.write_reads_first = false;
        }
        let mut taken = Vec::new();
        for buf in bufs {
            taken.extend(&buf[..buf.len().min(RECORD - taken.len())]);
        }
        match self.kernel_transmits {
            true => self.outgoing.extend(&taken),
            false => self.outgoing.extend(record(DATA, &taken)),
        }
        // What does not leave now leaves with the next call.
        let _ = self.push(io)?;
        Ok(Step::Ready(taken.len()))
    }

    fn flush(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        self.handshake(io)
    }

    fn close(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        if !self.close_sent {
            self.close_sent = true;
            self.outgoing.extend(record(ALERT, &[0]));
        }
        self.push(io)
    }

    fn key_update(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        if self.facts.is_none() {
            return Err(Error::config("key_update", "the handshake is not done"));
        }
        self.outgoing.extend(record(HANDSHAKE, b"update"));
        self.push(io)
    }

    fn interest(&self) -> Interest {
        if self.facts.is_none() {
            self.blocked_on
        } else if self.outgoing.is_empty() {
            Interest::READ
        } else {
            Interest::all()
        }
    }

    fn pending(&self) -> bool {
        !self.plaintext.is_empty() || !self.incoming.is_empty()
    }

    fn facts(&self) -> Option<&SessionFacts> {
        self.facts.as_ref()
    }

    fn kernel_tls(&self) -> KernelTls {
        let mut kernel = KernelTls::inactive(self.kernel_transmits);
        kernel.transmit = self.kernel_transmits && self.facts.is_some();
        kernel
    }

    fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &str,
        _: Option<&[u8]>,
    ) -> Result<(), Error> {
        if self.facts.is_none() {
            return Err(Error::config("exporter", "the handshake is not done"));
        }
        out.fill(u8::try_from(label.len()).unwrap_or(u8::MAX));
        Ok(())
    }
}
