//! A session with its connection, driven to an answer.

use std::io::IoSlice;

use polytls::tls::{Error, SessionFacts, Step, TlsBackend, TlsSession, Transport};

use crate::config::judged;
use crate::ending::Ending;
use crate::wire::Wire;

/// One session over the runner's connection. Every call is held to the
/// contract: nothing is left in the library's queue of errors, an error is
/// final, and a transport that waits is never found blocked.
#[derive(Debug)]
pub(crate) struct Session<'a, B: TlsBackend> {
    backend: &'a B,
    session: B::Session,
    wire: Wire,
    may_block: bool,
}

impl<'a, B: TlsBackend> Session<'a, B> {
    pub(crate) fn new(backend: &'a B, session: B::Session, wire: Wire, may_block: bool) -> Self {
        Self {
            backend,
            session,
            wire,
            may_block,
        }
    }

    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    pub(crate) fn handshake(&mut self) -> Result<(), Ending> {
        self.drive(|session, io| session.handshake(io))
    }

    /// How many bytes came; 0 at the peer's `close_notify`.
    pub(crate) fn read(&mut self, buf: &mut [u8]) -> Result<usize, Ending> {
        self.drive(|session, io| session.read(io, buf))
    }

    /// Writes everything and sends it off.
    pub(crate) fn write_all(&mut self, mut data: &[u8]) -> Result<(), Ending> {
        loop {
            let taken = self.drive(|session, io| session.write(io, &[IoSlice::new(data)]))?;
            match data.split_at_checked(taken) {
                Some((_, rest)) if taken > 0 || data.is_empty() => data = rest,
                _ => {
                    return Err(Ending::broken(format!(
                        "write took {taken} of {}",
                        data.len()
                    )));
                }
            }
            if data.is_empty() {
                return self.flush();
            }
        }
    }

    /// Writes with only the first byte of the record let through.
    pub(crate) fn write_unfinished(&mut self, data: &[u8]) -> Result<(), Ending> {
        self.wire.hold_after(1);
        let taken = self.drive(|session, io| session.write(io, &[IoSlice::new(data)]))?;
        if taken != data.len() {
            let length = data.len();
            return Err(Ending::broken(format!("write took {taken} of {length}")));
        }
        match self.session.flush(&mut self.wire) {
            Ok(Step::Blocked(_)) => self.clean(),
            other => Err(Ending::broken(format!("flush was not blocked: {other:?}"))),
        }
    }

    /// Lets the rest of an unfinished write through.
    pub(crate) fn finish_write(&mut self) -> Result<(), Ending> {
        self.wire.release();
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Ending> {
        self.drive(|session, io| session.flush(io))
    }

    pub(crate) fn close(&mut self) -> Result<(), Ending> {
        self.drive(|session, io| session.close(io))
    }

    pub(crate) fn key_update(&mut self) -> Result<(), Ending> {
        self.drive(|session, io| session.key_update(io))
    }

    pub(crate) fn export(
        &mut self,
        length: usize,
        label: &str,
        context: Option<&[u8]>,
    ) -> Result<Vec<u8>, Ending> {
        let mut secret = vec![0; length];
        let result = self
            .session
            .export_keying_material(&mut secret, label, context);
        self.clean()?;
        judged(result)?;
        Ok(secret)
    }

    pub(crate) fn facts(&self) -> Option<&SessionFacts> {
        self.session.facts()
    }

    /// Ends the connection so that the runner reads all that was sent.
    pub(crate) fn finish(self) {
        self.wire.finish();
    }

    /// Repeats a call until it is done.
    fn drive<T>(
        &mut self,
        mut call: impl FnMut(&mut B::Session, &mut dyn Transport) -> Result<Step<T>, Error>,
    ) -> Result<T, Ending> {
        loop {
            let step = call(&mut self.session, &mut self.wire);
            self.clean()?;
            match step {
                Ok(Step::Ready(value)) => return Ok(value),
                // One call does a bounded share of what has come already.
                Ok(Step::Blocked(_)) if self.may_block || self.session.pending() => {}
                Ok(Step::Blocked(interest)) => {
                    let what = format!("blocked for {interest:?} over a transport that waits");
                    return Err(Ending::broken(what));
                }
                Err(error) => {
                    let again = call(&mut self.session, &mut self.wire);
                    self.clean()?;
                    return match again {
                        Err(repeated) if repeated == error => judged(Err(error)),
                        Err(other) => Err(Ending::broken(format!("{error}, then {other}"))),
                        Ok(_) => Err(Ending::broken(format!("{error}, then no error"))),
                    };
                }
            }
        }
    }

    fn clean(&self) -> Result<(), Ending> {
        match self.backend.leftover_errors() {
            0 => Ok(()),
            left => Err(Ending::broken(format!(
                "{left} errors are left in the queue"
            ))),
        }
    }
}
