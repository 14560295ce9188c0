//! One session.

use backend_kit::{Library, Pause};
use kernel_tls::Secrets;
use openssl::error::ErrorStack;
use openssl::ssl::{self, ErrorCode, Ssl, SslRef, SslStream};
use tls_core::{Capabilities, Error, KernelTls, Role, SessionFacts, StagedTransport};

use crate::error::translate;
use crate::facts::{self, Known};
use crate::info::NAME;
use crate::notes::Notes;
use crate::{ffi, queue};

/// A session over OpenSSL.
pub type OpenSslSession = backend_kit::Session<OpenSslLibrary>;

/// OpenSSL's own session, behind an [`OpenSslSession`].
#[derive(Debug)]
pub struct OpenSslLibrary {
    stream: SslStream<StagedTransport>,
    role: Role,
    /// Taken when the handshake is done.
    known: Option<Box<Known>>,
}

/// A session whose handshake has not begun. It goes to the kernel when that is done, where that is possible and
/// preferred.
pub(crate) fn new(
    ssl: Ssl,
    role: Role,
    known: Known,
    kernel_tls: KernelTls,
) -> Result<OpenSslSession, Error> {
    OpenSslSession::new(|transport| {
        let stream = SslStream::new(ssl, transport).map_err(|error| Error::backend(NAME, error))?;
        Ok(OpenSslLibrary {
            stream,
            role,
            known: Some(Box::new(known)),
        })
    })
    .map(|session| session.with_kernel_tls(kernel_tls))
}

impl OpenSslLibrary {
    /// The library's own session, for what the contract has no word for.
    pub fn ssl(&self) -> &SslRef {
        self.stream.ssl()
    }

    /// Sends the KeyUpdate that was scheduled.
    fn send_key_update(&mut self, scheduled: bool) -> Result<(), Pause> {
        if !scheduled {
            return Err(Pause::Failed(Error::backend(NAME, ErrorStack::get())));
        }
        let sent = self.stream.do_handshake();
        sent.map_err(|error| self.pause(&error))
    }

    /// Tells a pause from the end of the session.
    fn pause(&self, error: &ssl::Error) -> Pause {
        match error.code() {
            ErrorCode::WANT_READ if error.io_error().is_some() => Pause::Blocked,
            ErrorCode::WANT_READ => Pause::Message,
            ErrorCode::ZERO_RETURN => Pause::Closed,
            ErrorCode::SYSCALL if self.was_closed_after_a_warning(error) => Pause::Closed,
            _ => Pause::Failed(self.translate(error)),
        }
    }

    /// The same after the handshake. An error that others have left in the queue
    /// is told first, even where the call only wants to read on.
    fn pause_read(&self, error: &ssl::Error) -> Pause {
        if error.code() != ErrorCode::SSL || self.has_failed() {
            return self.pause(error);
        }
        match self.stream().has_blocked() {
            true => Pause::Blocked,
            false => Pause::Message,
        }
    }

    /// Why a read halts. It takes the error, so that what drops it is no part of
    /// a read that goes well.
    #[inline(never)]
    fn halt_read(&self, error: ssl::Error) -> Pause {
        let pause = self.pause_read(&error);
        drop(error);
        pause
    }

    /// The same of a write.
    #[inline(never)]
    fn halt_write(&self, error: ssl::Error) -> Pause {
        let pause = self.pause(&error);
        drop(error);
        pause
    }

    /// Whether the library itself says that the session is over.
    fn has_failed(&self) -> bool {
        self.stream.ssl().state_string() == "SSLERR"
    }

    /// After a warning (`user_canceled`) the library no longer tells a
    /// `close_notify` from a bare end, but for the state that it leaves.
    fn was_closed_after_a_warning(&self, error: &ssl::Error) -> bool {
        let nothing_queued = error
            .ssl_error()
            .is_none_or(|queued| queued.errors().is_empty());
        nothing_queued
            && error.io_error().is_none()
            && !self.stream.get_ref().has_ended()
            && ffi::has_received_close(self.stream.ssl())
    }

    fn translate(&self, error: &ssl::Error) -> Error {
        let ended = self.stream.get_ref().has_ended();
        let role = self.role;
        match error.ssl_error() {
            Some(queued) => translate(self.stream.ssl(), role, queued, ended),
            None if ended => Error::Truncated,
            None => Error::backend(NAME, error.to_string()),
        }
    }
}

impl Library for OpenSslLibrary {
    const NAME: &'static str = NAME;
    const OPERATIONS: Capabilities = Capabilities::KEY_UPDATE
        .union(Capabilities::EXPORTER)
        .union(Capabilities::KTLS_TX);

    fn role(&self) -> Role {
        self.role
    }

    #[inline]
    fn stream(&self) -> &StagedTransport {
        self.stream.get_ref()
    }

    #[inline]
    fn stream_mut(&mut self) -> &mut StagedTransport {
        self.stream.get_mut()
    }

    fn handshake(&mut self) -> Result<(), Pause> {
        let done = self.stream.do_handshake();
        done.map_err(|error| self.pause(&error))
    }

    fn facts(&mut self) -> Result<SessionFacts, Error> {
        let ssl = self.stream.ssl();
        if let Some(notes) = Notes::of(ssl) {
            notes.forget_handshake();
        }
        let Some(known) = self.known.take() else {
            return Err(Error::backend(NAME, "the facts were collected before"));
        };
        facts::collect(ssl, self.role, *known).map_err(|error| Error::backend(NAME, error))
    }

    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Pause> {
        match self.stream.ssl_read(buf) {
            Ok(taken) => Ok(taken),
            Err(error) => Err(self.halt_read(error)),
        }
    }

    #[inline]
    fn write(&mut self, piece: &[u8]) -> Result<usize, Pause> {
        match self.stream.ssl_write(piece) {
            Ok(written) => Ok(written),
            Err(error) => Err(self.halt_write(error)),
        }
    }

    fn shutdown(&mut self) -> Result<(), Pause> {
        match self.stream.shutdown() {
            Ok(_) => Ok(()),
            Err(error) => Err(self.pause(&error)),
        }
    }

    fn rest(&mut self) {
        ffi::free_buffers(self.stream.ssl());
    }

    fn has_pending(&self) -> bool {
        ffi::has_pending(self.stream.ssl())
    }

    fn key_update(&mut self) -> Result<(), Pause> {
        let scheduled = ffi::request_key_update(self.stream.ssl());
        self.send_key_update(scheduled)
    }

    #[inline]
    fn owes_key_update(&mut self) -> bool {
        ffi::owes_key_update(self.stream.ssl())
    }

    fn answer_key_update(&mut self) -> Result<(), Pause> {
        let scheduled = ffi::answer_key_update(self.stream.ssl());
        self.send_key_update(scheduled)
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
