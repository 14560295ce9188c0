//! TLS on a socket: turning it on, asking it, ending it.

use std::net::ToSocketAddrs;
use std::time::{Duration, Instant};

use tls_core::{ServerName, SessionFacts, Step, TlsBackend, TlsSession};

use super::handed_over::HandedOver;
use super::session::TlsLayer;
use crate::{Address, Error, Listener, Operation, Refusal, Socket};

/// A usual time for a handshake: 30 s.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// Turning TLS on.
impl<B: TlsBackend> Socket<B> {
    /// Connects by TCP and does the handshake with the server `name`, all
    /// within `timeout`; see [`connect_tcp`](Self::connect_tcp) and
    /// [`handshake`](Self::handshake).
    pub fn connect_tls(
        addresses: impl ToSocketAddrs,
        backend: &B,
        context: &B::ClientContext,
        name: &ServerName<'_>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let start = Instant::now();
        let mut socket = Self::connect_tcp(addresses, timeout)?;
        socket.enable_tls_client(backend, context, name)?;
        socket.handshake(timeout.saturating_sub(start.elapsed()))?;
        Ok(socket)
    }

    /// Turns TLS on as the client of the server `name`. Nothing is sent yet;
    /// from now on nothing passes in the clear. [`Refusal::TlsOn`] if it is on
    /// already. If the backend refuses (the name, say), the socket stays plain.
    pub fn enable_tls_client(
        &mut self,
        backend: &B,
        context: &B::ClientContext,
        name: &ServerName<'_>,
    ) -> Result<(), Error> {
        self.require_off()?;
        let session = backend.connect(context, name)?;
        self.turn_on(session, HandedOver::default());
        Ok(())
    }

    /// [`enable_tls_client`](Self::enable_tls_client) after a command such as
    /// STARTTLS, by a caller that reads ahead: `already_read` is what it has
    /// read behind the server's answer. There must be nothing, because a TLS
    /// server never speaks first: [`Refusal::PlaintextBehindUpgrade`]. The
    /// socket is plain then, and what was read must not be trusted.
    pub fn enable_tls_client_after(
        &mut self,
        already_read: &[u8],
        backend: &B,
        context: &B::ClientContext,
        name: &ServerName<'_>,
    ) -> Result<(), Error> {
        self.require_off()?;
        if !already_read.is_empty() {
            return Err(Refusal::PlaintextBehindUpgrade.into());
        }
        self.enable_tls_client(backend, context, name)
    }

    /// Turns TLS on as a server; see
    /// [`enable_tls_client`](Self::enable_tls_client).
    pub fn enable_tls_server(
        &mut self,
        backend: &B,
        context: &B::ServerContext,
    ) -> Result<(), Error> {
        self.enable_tls_server_after(&[], backend, context)
    }

    /// [`enable_tls_server`](Self::enable_tls_server) after a command such as
    /// STARTTLS, by a caller that reads ahead: `already_read` is what it has
    /// read behind the client's command, and TLS reads it before anything
    /// else. It must be empty or begin like a TLS handshake record, or it is
    /// refused ([`Refusal::PlaintextBehindUpgrade`]). The socket is plain
    /// then, and what was read must not be obeyed.
    pub fn enable_tls_server_after(
        &mut self,
        already_read: &[u8],
        backend: &B,
        context: &B::ServerContext,
    ) -> Result<(), Error> {
        self.require_off()?;
        let handed_over = HandedOver::to_server(already_read)?;
        let session = backend.accept(context)?;
        self.turn_on(session, handed_over);
        Ok(())
    }

    fn require_off(&self) -> Result<(), Error> {
        match self.is_tls() {
            true => Err(Refusal::TlsOn.into()),
            false => Ok(()),
        }
    }

    fn turn_on(&mut self, session: B::Session, handed_over: HandedOver) {
        self.session = Some(Box::new(TlsLayer::new(session, handed_over)));
    }
}

/// The handshake. Sending and receiving finish it too; doing it alone bounds
/// its time and tells its failure apart.
impl<B: TlsBackend> Socket<B> {
    /// Does the handshake within `timeout` ([`HANDSHAKE_TIMEOUT`] is usual),
    /// however the peer's bytes trickle in. Once done, it does nothing more.
    ///
    /// After a failure the alert has been sent, and the socket fails with the
    /// same error for ever. [`Refusal::TlsOff`] on a plain socket.
    pub fn handshake(&mut self, timeout: Duration) -> Result<(), Error> {
        let mut budget = self.budget(Operation::Handshake, Some(timeout));
        budget.start();
        self.drive(&mut budget, |socket, waits| {
            let (session, mut wire) = socket.parts(waits);
            session.ok_or(Refusal::TlsOff)?.handshake(&mut wire)
        })
    }

    /// [`handshake`](Self::handshake) without waiting: as far as it comes.
    pub fn handshake_step(&mut self) -> Result<Step<()>, Error> {
        let (session, mut wire) = self.parts(false);
        session.ok_or(Refusal::TlsOff)?.handshake(&mut wire)
    }
}

/// A session that is on.
impl<B: TlsBackend> Socket<B> {
    /// What the handshake negotiated, and with whom; `None` before it is done
    /// and on a plain socket.
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.session()?.facts()
    }

    /// The backend's session, to be asked what only this backend knows.
    pub fn session(&self) -> Option<&B::Session> {
        self.session.as_ref().map(|layer| layer.session())
    }

    /// Fills `out` with keying material that both sides share (RFC 5705;
    /// RFC 8446, section 7.5); see
    /// [`TlsSession::export_keying_material`]. [`Refusal::TlsOff`] on a plain
    /// socket.
    pub fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &str,
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        let session = self.session().ok_or(Refusal::TlsOff)?;
        Ok(session.export_keying_material(out, label, context)?)
    }

    /// Renews the keys of both directions (TLS 1.3), within the write timeout;
    /// see [`TlsSession::key_update`]. In TLS 1.2 it is
    /// [`tls_core::Error::Unsupported`], and the session goes on.
    /// [`Refusal::TlsOff`] on a plain socket.
    pub fn key_update(&mut self) -> Result<(), Error> {
        let mut budget = self.write_budget();
        self.drive(&mut budget, Self::key_update_step)
    }

    /// [`key_update`](Self::key_update) without waiting.
    pub fn try_key_update(&mut self) -> Result<Step<()>, Error> {
        self.key_update_step(false)
    }

    fn key_update_step(&mut self, waits: bool) -> Result<Step<()>, Error> {
        let (session, mut wire) = self.parts(waits);
        session.ok_or(Refusal::TlsOff)?.key_update(&mut wire)
    }
}

/// Turning TLS off.
impl<B: TlsBackend> Socket<B> {
    /// Sends `close_notify` behind all that was sent, and leaves the
    /// descriptor open in both directions: the first step back to plaintext.
    /// Receive until `Ok(0)`, the peer's own, and then call
    /// [`disable_tls`](Self::disable_tls). To end the stream use
    /// [`shutdown_write`](Self::shutdown_write) instead. Waits for room no
    /// longer than `timeout`. [`Refusal::TlsOff`] on a plain socket.
    pub fn close_tls(&mut self, timeout: Duration) -> Result<(), Error> {
        let mut budget = self.budget(Operation::Shutdown, Some(timeout));
        self.drive(&mut budget, |socket, _| socket.try_close_tls())
    }

    /// [`close_tls`](Self::close_tls) without waiting.
    pub fn try_close_tls(&mut self) -> Result<Step<()>, Error> {
        let (session, mut wire) = self.parts(false);
        session.ok_or(Refusal::TlsOff)?.close_and_go_on(&mut wire)
    }

    /// Makes the socket plain again. Only after both sides' `close_notify`
    /// ([`Refusal::TlsNotClosed`]), with nothing left in the session
    /// ([`Refusal::BytesHeld`]), not if the kernel makes the records
    /// ([`Refusal::KernelTls`]), and never after a failure (the same error
    /// again). [`Refusal::TlsOff`] on a plain socket.
    ///
    /// The peer must send nothing behind its own `close_notify` before it has
    /// seen ours. TLS may have read it already: plaintext is refused as
    /// [`Refusal::BytesHeld`], but whole records are dropped.
    pub fn disable_tls(&mut self) -> Result<(), Error> {
        self.session
            .as_ref()
            .ok_or(Refusal::TlsOff)?
            .check_ended()?;
        self.session = None;
        Ok(())
    }
}

impl<B: TlsBackend> Listener<B> {
    /// Accepts a client and does the handshake as a server, within `timeout`
    /// ([`HANDSHAKE_TIMEOUT`] is usual). The wait for the client is bounded by
    /// the listener's own timeout.
    ///
    /// One slow client keeps all others waiting here: where that matters,
    /// [`accept`](Self::accept), and do the handshake elsewhere.
    pub fn accept_tls(
        &self,
        backend: &B,
        context: &B::ServerContext,
        timeout: Duration,
    ) -> Result<(Socket<B>, Address), Error> {
        let (mut socket, address) = self.accept()?;
        socket.enable_tls_server(backend, context)?;
        socket.handshake(timeout)?;
        Ok((socket, address))
    }
}
