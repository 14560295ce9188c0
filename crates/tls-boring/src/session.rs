//! One session.

use std::ffi::c_int;

use backend_kit::{Library, Pause};
use boring::error::ErrorStack;
use boring::ssl::{self, ErrorCode, Ssl, SslStream};
use foreign_types::ForeignTypeRef;
use kernel_tls::Secrets;
use tls_core::{
    Alert, Capabilities, Error, KernelTls, PeerMisbehaved, Role, SessionFacts, StagedTransport,
};

use crate::error::{translate, was_heard};
use crate::facts::{self, Known};
use crate::gate::Gate;
use crate::info::NAME;
use crate::notes::Notes;
use crate::{ffi, queue};

/// The level of alerts that end a session (RFC 5246, section 7.2).
const FATAL: u8 = 2;

/// A session over BoringSSL.
pub type BoringSession = backend_kit::Session<BoringLibrary>;

/// BoringSSL's own session, behind a [`BoringSession`].
#[derive(Debug)]
pub struct BoringLibrary {
    stream: SslStream<Gate>,
    role: Role,
    /// Taken when the handshake is done.
    known: Option<Box<Known>>,
    /// By how many the records that came differ from those that the keys for
    /// reading have counted. It changes when the keys do.
    uncounted: u64,
}

/// A session whose handshake has not begun. It goes to the kernel when that is done, where that is possible and
/// preferred.
pub(crate) fn new(
    ssl: Ssl,
    role: Role,
    known: Known,
    kernel_tls: KernelTls,
) -> Result<BoringSession, Error> {
    BoringSession::new(|transport| {
        let stream = SslStream::new(ssl, Gate::new(transport))
            .map_err(|error| Error::backend(NAME, error))?;
        Ok(BoringLibrary {
            stream,
            role,
            known: Some(Box::new(known)),
            uncounted: 0,
        })
    })
    .map(|session| session.with_kernel_tls(kernel_tls))
}

impl BoringLibrary {
    /// The library's own session (`SSL`), for what the contract has no word for.
    ///
    /// It lives as long as this borrow of `self` may. When the handshake is
    /// done its configuration is gone (`SSL_set_shed_handshake_config`), and
    /// what would read that fails: `SSL_get_ciphers`, for instance, gives null.
    /// The `SslRef` of the `boring` crate does not expect that.
    pub fn as_ptr(&self) -> *mut boring_sys::SSL {
        self.stream.ssl().as_ptr()
    }

    #[inline]
    fn count_uncounted(&self) -> u64 {
        let counted = ffi::read_sequence(self.stream.ssl());
        self.stream.get_ref().records().wrapping_sub(counted)
    }

    /// Sends the messages that the library has made and kept.
    fn send_messages(&mut self) -> Result<(), Pause> {
        match ffi::send_messages(self.stream.ssl_mut()) {
            0.. => Ok(()),
            failed => Err(self.failure(failed)),
        }
    }

    /// Tells a pause from the end of the session.
    fn pause(&mut self, error: &ssl::Error) -> Pause {
        let gate = self.stream.get_mut();
        let has_stopped = gate.reopen();
        match error.code() {
            ErrorCode::WANT_READ if gate.is_odd() => Pause::Failed(self.refuse_odd()),
            ErrorCode::WANT_READ if has_stopped => Pause::Message,
            ErrorCode::WANT_READ => Pause::Blocked,
            ErrorCode::ZERO_RETURN => Pause::Closed,
            _ => Pause::Failed(self.translate(error)),
        }
    }

    /// Why a read or a write halts. It takes the error, so that what drops it is
    /// no part of a call that goes well.
    #[inline(never)]
    fn halt(&mut self, error: ssl::Error) -> Pause {
        let pause = self.pause(&error);
        drop(error);
        pause
    }

    /// The same while a handshake is under way. A peer that gives it up before
    /// it has keys says so in the clear, but the library takes only protected
    /// records when it has them.
    fn pause_handshake(&mut self, error: &ssl::Error) -> Pause {
        let said = self.stream.get_ref().clear_alert();
        match (self.pause(error), said) {
            (Pause::Failed(_), Some((_, Alert::CLOSE_NOTIFY))) => Pause::Closed,
            (Pause::Failed(_), Some((FATAL, alert))) => Pause::Failed(Error::AlertReceived(alert)),
            (pause, _) => pause,
        }
    }

    /// The same for a call that the crate does not wrap.
    fn failure(&self, answer: c_int) -> Pause {
        let ssl = self.stream.ssl();
        let code = ssl.error_code(answer);
        let queued = ErrorStack::get();
        Pause::Failed(if queued.errors().is_empty() {
            Error::backend(NAME, code.to_string())
        } else {
            translate(ssl, self.role, &queued, false)
        })
    }

    /// A record came whose type does not exist: the peer speaks another
    /// protocol, if it is its first.
    fn refuse_odd(&mut self) -> Error {
        if !was_heard(self.stream.ssl(), self.role) {
            return PeerMisbehaved::NotTls.into();
        }
        ffi::send_fatal_alert(self.stream.ssl_mut(), Alert::UNEXPECTED_MESSAGE);
        PeerMisbehaved::UnexpectedMessage.into()
    }

    fn translate(&self, error: &ssl::Error) -> Error {
        let ended = self.stream().has_ended();
        let role = self.role;
        match error.ssl_error() {
            Some(queued) => translate(self.stream.ssl(), role, queued, ended),
            None if ended => Error::Truncated,
            None => Error::backend(NAME, error.to_string()),
        }
    }
}

impl Library for BoringLibrary {
    const NAME: &'static str = NAME;
    const OPERATIONS: Capabilities = Capabilities::KEY_UPDATE
        .union(Capabilities::EXPORTER)
        .union(Capabilities::KTLS_TX);

    fn role(&self) -> Role {
        self.role
    }

    #[inline]
    fn stream(&self) -> &StagedTransport {
        self.stream.get_ref().staged()
    }

    #[inline]
    fn stream_mut(&mut self) -> &mut StagedTransport {
        self.stream.get_mut().staged_mut()
    }

    fn handshake(&mut self) -> Result<(), Pause> {
        let done = self.stream.do_handshake();
        done.map_err(|error| self.pause_handshake(&error))
    }

    fn facts(&mut self) -> Result<SessionFacts, Error> {
        ffi::stop_watching(self.stream.ssl_mut());
        self.uncounted = self.count_uncounted();
        let ssl = self.stream.ssl();
        if let Some(notes) = Notes::of(ssl) {
            notes.forget_handshake();
        }
        match self.known.take() {
            Some(known) => Ok(facts::collect(ssl, self.role, *known)),
            None => Err(Error::backend(NAME, "the facts were collected before")),
        }
    }

    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Pause> {
        match self.stream.ssl_read(buf) {
            Ok(taken) => Ok(taken),
            Err(error) => Err(self.halt(error)),
        }
    }

    #[inline]
    fn write(&mut self, piece: &[u8]) -> Result<usize, Pause> {
        match self.stream.ssl_write(piece) {
            Ok(written) => Ok(written),
            Err(error) => Err(self.halt(error)),
        }
    }

    fn shutdown(&mut self) -> Result<(), Pause> {
        match self.stream.shutdown() {
            Ok(_) => Ok(()),
            Err(error) => Err(self.pause(&error)),
        }
    }

    fn has_pending(&self) -> bool {
        ffi::has_pending(self.stream.ssl())
    }

    fn key_update(&mut self) -> Result<(), Pause> {
        // The library makes no second one while an answer waits to be sent.
        self.send_messages()?;
        if !ffi::request_key_update(self.stream.ssl_mut()) {
            return Err(Pause::Failed(Error::backend(NAME, ErrorStack::get())));
        }
        self.send_messages()
    }

    #[inline]
    fn owes_key_update(&mut self) -> bool {
        self.count_uncounted() != self.uncounted
    }

    /// The library has made the answer, and keeps it until something is written.
    fn answer_key_update(&mut self) -> Result<(), Pause> {
        self.uncounted = self.count_uncounted();
        self.send_messages()
    }

    fn export(&self, out: &mut [u8], label: &str, context: Option<&[u8]>) -> Result<(), Error> {
        self.stream
            .ssl()
            .export_keying_material(out, label, context)
            .map_err(|error| Error::config("export_keying_material", error.to_string()))
    }

    fn secrets(&mut self) -> Secrets {
        Notes::of(self.stream.ssl())
            .map(Notes::take_secrets)
            .unwrap_or_default()
    }

    fn clear_errors() {
        queue::clear();
    }
}

#[cfg(test)]
mod tests;
