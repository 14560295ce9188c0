//! The two traits between sockets and TLS libraries.

use std::fmt::Debug;
use std::io::IoSlice;

use rustls_pki_types::ServerName;
use transport::{Interest, Step, Transport};

use crate::{
    Capabilities, CipherSuite, ClientConfig, Error, KernelTls, NamedGroup, ServerConfig,
    SessionFacts, SignatureScheme,
};

/// Which side of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The side that connects.
    Client,
    /// The side that accepts.
    Server,
}

/// What a backend is and can do, as its library is built and loaded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BackendInfo {
    /// The name by which it is chosen, for example `rustls`.
    pub name: &'static str,
    /// The library with its version, as the library itself tells where it can.
    pub library: String,
    /// Whether the library runs in its FIPS-validated mode.
    pub fips: bool,
    /// What it promises for clients.
    pub client: Capabilities,
    /// What it promises for servers.
    pub server: Capabilities,
    /// The cipher suites it has.
    pub cipher_suites: Vec<CipherSuite>,
    /// The key exchange groups it has.
    pub groups: Vec<NamedGroup>,
    /// The signature schemes it verifies and signs with.
    pub signature_schemes: Vec<SignatureScheme>,
}

impl BackendInfo {
    /// A backend that promises nothing yet.
    pub fn new(name: &'static str, library: impl Into<String>) -> Self {
        Self {
            name,
            library: library.into(),
            fips: false,
            client: Capabilities::empty(),
            server: Capabilities::empty(),
            cipher_suites: Vec::new(),
            groups: Vec::new(),
            signature_schemes: Vec::new(),
        }
    }

    /// What it promises in this role.
    pub const fn capabilities(&self, role: Role) -> Capabilities {
        match role {
            Role::Client => self.client,
            Role::Server => self.server,
        }
    }
}

/// A TLS library behind one API. A small value, cheap to clone.
pub trait TlsBackend: Clone + Debug + Send + Sync + 'static {
    /// A client config as the library wants it. Compile it once and clone it:
    /// building one for each connection is slow.
    type ClientContext: Clone + Debug + Send + Sync + 'static;
    /// A server config as the library wants it; see [`ClientContext`](Self::ClientContext).
    type ServerContext: Clone + Debug + Send + Sync + 'static;
    /// One session, on either side.
    type Session: TlsSession + 'static;

    /// What this backend is and can do.
    fn info(&self) -> BackendInfo;

    /// Compiles a client config. What the backend cannot honour is refused
    /// here ([`Error::Unsupported`]), as is what its library finds wrong
    /// ([`Error::Config`]): a key that is not the certificate's, for example.
    fn client(&self, config: &ClientConfig) -> Result<Self::ClientContext, Error>;

    /// Compiles a server config; see [`client`](Self::client).
    fn server(&self, config: &ServerConfig) -> Result<Self::ServerContext, Error>;

    /// A new session that will connect to `name`, which is both sent (a host
    /// name, in the server name indication) and verified. Nothing is sent yet.
    fn connect(
        &self,
        context: &Self::ClientContext,
        name: &ServerName<'_>,
    ) -> Result<Self::Session, Error>;

    /// A new session that will accept a client. Nothing is read yet.
    fn accept(&self, context: &Self::ServerContext) -> Result<Self::Session, Error>;

    /// How many errors the library has left behind on this thread: always 0
    /// between two calls. For tests; a library without such a queue has none.
    fn leftover_errors(&self) -> usize {
        0
    }
}

/// One TLS session.
///
/// The transport is lent to each call and must be the same stream every time.
/// A call does as much as it can without waiting and answers
/// [`Step::Blocked`] with the direction it waits for; the same call, made
/// again, continues. A blocked call changes nothing that the caller can see.
///
/// [`read`](Self::read), [`write`](Self::write) and [`flush`](Self::flush)
/// first finish the handshake if need be.
///
/// A read waits for bytes: what it wants to send itself (a KeyUpdate's answer)
/// goes out as far as the transport takes it, and [`interest`](Self::interest)
/// tells of the rest. So two sides that both hold something back do not wait
/// for each other. Only towards a peer that goes on asking and takes no answer
/// may a read wait to write, because the answers must not pile up.
///
/// An error is final, and every later call returns it again; but one that
/// refuses a call and not the peer ([`Error::Closed`], [`Error::Config`],
/// [`Error::Unsupported`]) leaves the session as it is. Before an error
/// that is the peer's fault returns, the alert that names it has been sent: a
/// handshake that fails is blocked on writing until the transport has taken
/// the alert, or has failed, and [`refusal`](Self::refusal) tells the error
/// meanwhile; after the handshake nothing is waited for, and what the transport
/// does not take at once is lost. Plaintext that arrived
/// before the fault is delivered before the error.
///
/// After a TLS 1.3 client's handshake its certificate may still be refused by
/// the server: the first read reports that (RFC 8446, section 4.4.2.4).
pub trait TlsSession: Debug + Send {
    /// Drives the handshake. Ready when its last flight has left for the
    /// transport. A transport that ends before, with or without
    /// `close_notify`, is [`Error::Truncated`].
    fn handshake(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error>;

    /// Receives plaintext. `Ready(0)` is the peer's `close_notify` (for a
    /// non-empty `buf`); an end without it is [`Error::Truncated`].
    fn read(&mut self, io: &mut dyn Transport, buf: &mut [u8]) -> Result<Step<usize>, Error>;

    /// Sends plaintext from several buffers, in order, as few records as it
    /// takes. Answers how many octets are now the session's to deliver, at
    /// least one unless all buffers are empty: the caller never presents them
    /// again. What the transport would not take is kept
    /// ([`MAX_HELD_PLAINTEXT`](crate::limits::MAX_HELD_PLAINTEXT) is accepted
    /// beyond it at most) and goes out with the next call.
    ///
    /// [`Error::Closed`] after [`close`](Self::close).
    fn write(&mut self, io: &mut dyn Transport, bufs: &[IoSlice<'_>])
    -> Result<Step<usize>, Error>;

    /// Sends what earlier calls have kept. Ready when nothing is left.
    fn flush(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error>;

    /// Sends `close_notify` behind all earlier plaintext, once. Ready when it
    /// has left. Reading stays possible until the peer's own `close_notify`.
    fn close(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error>;

    /// Renews the keys of both directions (RFC 8446, section 4.6.3): ready
    /// when this side's KeyUpdate has left, the peer's follows in a later
    /// read. [`Error::Config`] of the field `key_update` before the handshake
    /// is done; [`Error::Unsupported`] in TLS 1.2, which has none.
    fn key_update(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error>;

    /// What the session waits for now: reading, always, once the handshake is
    /// done; writing while it holds what the transport would not take. During
    /// the handshake, the direction that blocked it.
    fn interest(&self) -> Interest;

    /// Whether a read may make progress although the transport is quiet:
    /// plaintext, or bytes that were read ahead. What came behind the peer's
    /// `close_notify` is nobody's, and libraries drop it: who means to go on in
    /// plain text lends a transport that reads no further than a record.
    fn pending(&self) -> bool;

    /// What was negotiated; `None` before the handshake is done.
    fn facts(&self) -> Option<&SessionFacts>;

    /// Why this side refuses the handshake, as long as the transport has no
    /// room for the alert: for who gives up before it has. The handshake fails
    /// with this error when the alert has left.
    fn refusal(&self) -> Option<&Error> {
        None
    }

    /// Where the session stands with kernel TLS. While the kernel encrypts,
    /// what is written to the transport's descriptor past the session is
    /// plaintext that it sends; see [`KernelTls`].
    fn kernel_tls(&self) -> KernelTls {
        KernelTls::default()
    }

    /// Derives keying material that both sides share (RFC 5705; RFC 8446,
    /// section 7.5). [`Error::Config`] of the field `export_keying_material`
    /// before the handshake is done, and for a label or context that TLS
    /// cannot express. In TLS
    /// 1.2 an absent context differs from an empty one; in TLS 1.3 it does not.
    fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &str,
        context: Option<&[u8]>,
    ) -> Result<(), Error>;
}

impl<S: TlsSession + ?Sized> TlsSession for Box<S> {
    fn handshake(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        (**self).handshake(io)
    }

    fn read(&mut self, io: &mut dyn Transport, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        (**self).read(io, buf)
    }

    fn write(
        &mut self,
        io: &mut dyn Transport,
        bufs: &[IoSlice<'_>],
    ) -> Result<Step<usize>, Error> {
        (**self).write(io, bufs)
    }

    fn flush(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        (**self).flush(io)
    }

    fn close(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        (**self).close(io)
    }

    fn key_update(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        (**self).key_update(io)
    }

    fn interest(&self) -> Interest {
        (**self).interest()
    }

    fn pending(&self) -> bool {
        (**self).pending()
    }

    fn facts(&self) -> Option<&SessionFacts> {
        (**self).facts()
    }

    fn refusal(&self) -> Option<&Error> {
        (**self).refusal()
    }

    fn kernel_tls(&self) -> KernelTls {
        (**self).kernel_tls()
    }

    fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &str,
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        (**self).export_keying_material(out, label, context)
    }
}
