//! TLS on a connection of the loop.

use socket::{Error as SocketError, Socket};
use tls_core::{ServerName, TlsBackend};

use crate::link::Phase;
use crate::{Connection, Error};

/// Turning TLS on, after a command such as STARTTLS. The loop then does the
/// handshake within its [timeout](crate::Options::handshake_timeout):
/// [`HandshakeDone`](crate::Event::HandshakeDone) or a final event follows. A
/// connection that begins with TLS has it turned on before it is added.
///
/// All of these refuse while plaintext is still held ([`Error::Unsent`]); and
/// with [`Error::Closed`] when this side has ended its direction or the
/// connection is over. Other refusals are the socket's ([`Error::Socket`]).
impl<B: TlsBackend> Connection<'_, B> {
    /// As the client of the server `name`; see [`Socket::enable_tls_client`].
    pub fn enable_tls_client(
        &mut self,
        backend: &B,
        context: &B::ClientContext,
        name: &ServerName<'_>,
    ) -> Result<(), Error> {
        self.turn_on(|socket| socket.enable_tls_client(backend, context, name))
    }

    /// As a client that has read ahead; see [`Socket::enable_tls_client_after`].
    pub fn enable_tls_client_after(
        &mut self,
        already_read: &[u8],
        backend: &B,
        context: &B::ClientContext,
        name: &ServerName<'_>,
    ) -> Result<(), Error> {
        self.turn_on(|socket| socket.enable_tls_client_after(already_read, backend, context, name))
    }

    /// As a server; see [`Socket::enable_tls_server`].
    pub fn enable_tls_server(
        &mut self,
        backend: &B,
        context: &B::ServerContext,
    ) -> Result<(), Error> {
        self.enable_tls_server_after(&[], backend, context)
    }

    /// As a server that has read ahead; see [`Socket::enable_tls_server_after`].
    pub fn enable_tls_server_after(
        &mut self,
        already_read: &[u8],
        backend: &B,
        context: &B::ServerContext,
    ) -> Result<(), Error> {
        self.turn_on(|socket| socket.enable_tls_server_after(already_read, backend, context))
    }

    fn turn_on(
        &mut self,
        enable: impl FnOnce(&mut Socket<B>) -> Result<(), SocketError>,
    ) -> Result<(), Error> {
        if !self.link.may_send() {
            return Err(Error::Closed);
        }
        let octets = self.buffered();
        if octets > 0 {
            return Err(Error::Unsent { octets });
        }
        enable(&mut self.link.socket)?;
        if self.link.phase == Phase::Open {
            self.link.begin_handshake(std::time::Instant::now());
        }
        self.core.enqueue(self.token.0, &mut self.link.queued);
        self.settle();
        Ok(())
    }

    /// Renews the keys of both directions (TLS 1.3), as soon as there is room;
    /// see [`tls_core::TlsSession::key_update`]. In TLS 1.2 it is
    /// [`tls_core::Error::Unsupported`] in an [`Error::Socket`], and the
    /// connection goes on. [`Error::Closed`] when nothing can be sent any more.
    pub fn key_update(&mut self) -> Result<(), Error> {
        if !self.link.may_send() {
            return Err(Error::Closed);
        }
        self.link.update_keys(Socket::try_key_update)?;
        self.settle();
        Ok(())
    }
}
