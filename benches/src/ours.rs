//! A backend through our traits.

use std::fmt;
use std::io::IoSlice;
use std::marker::PhantomData;
use std::net::TcpStream;

use tls_boring::Boring;
use tls_core::{
    BackendInfo, Capabilities, ClientAuth, ClientConfig, Identity, ProtocolVersion, Role, Roots,
    ServerConfig, ServerName, Step, TlsBackend, TlsSession, parse_server_name,
};
use tls_native::Native;
use tls_openssl::OpenSsl;
use tls_rustls::Rustls;

use crate::library::{Library, Outcome, Session, Socket, Stream};
use crate::material::{HOST, Issued, KeyKind, Material};
use crate::pipe::Calls;
use crate::raw;
use crate::settings::Settings;

/// A backend through our traits.
#[derive(Debug)]
pub struct Ours<B>(PhantomData<B>);

/// A backend that is compared with its library.
pub trait Compared: TlsBackend + Default {
    /// Who plays the other side.
    type Peer: Library;
}

impl Compared for Rustls {
    type Peer = raw::Rustls;
}

impl Compared for OpenSsl {
    type Peer = raw::OpenSsl;
}

impl Compared for Boring {
    type Peer = raw::Boring;
}

impl Compared for Native {
    type Peer = raw::OpenSsl;
}

/// A client's context and what a connection is made with.
pub struct Client<B: TlsBackend> {
    pub(crate) backend: B,
    pub(crate) context: B::ClientContext,
    pub(crate) name: ServerName<'static>,
}

/// A server's context and what a connection is made with.
pub struct Server<B: TlsBackend> {
    pub(crate) backend: B,
    pub(crate) context: B::ServerContext,
}

impl<B: Compared> Library for Ours<B> {
    const IS_OURS: bool = true;

    type Client = Client<B>;
    type Server = Server<B>;
    type Session<T: Stream> = OurSession<B::Session, T>;
    type Ahead<T: Stream> = T;
    type Socket = OurSocket<B>;
    type Peer = B::Peer;

    fn client(settings: &Settings) -> Outcome<Client<B>> {
        finish_client(B::default(), &client_config::<B>(settings)?)
    }

    fn server(settings: &Settings) -> Outcome<Server<B>> {
        let backend = B::default();
        let can = Settable::of(&backend.info(), Role::Server, settings.version);
        let mut builder = ServerConfig::builder()
            .identity(identity(&settings.material().server)?)
            .min_version(settings.version)
            .max_version(settings.version);
        if can.suites {
            builder = builder.cipher_suites([settings.suite]);
        }
        if can.groups {
            builder = builder.groups(settings.groups());
        }
        if settings.mutual {
            builder = builder.client_auth(ClientAuth::Required(roots(settings.material())?));
        }
        finish_server(backend, &builder.build()?)
    }

    fn default_client() -> Outcome<Client<B>> {
        let roots = roots(Material::of(KeyKind::Ecdsa))?;
        finish_client(B::default(), &ClientConfig::builder().roots(roots).build()?)
    }

    fn default_server() -> Outcome<Server<B>> {
        let own = identity(&Material::of(KeyKind::Ecdsa).server)?;
        finish_server(
            B::default(),
            &ServerConfig::builder().identity(own).build()?,
        )
    }

    fn ahead<T: Stream>(io: T) -> T {
        io
    }

    fn connect<T: Stream>(client: &Client<B>, io: T) -> Outcome<Self::Session<T>> {
        let session = client.backend.connect(&client.context, &client.name)?;
        Ok(OurSession { session, io })
    }

    fn accept<T: Stream>(server: &Server<B>, io: T) -> Outcome<Self::Session<T>> {
        let session = server.backend.accept(&server.context)?;
        Ok(OurSession { session, io })
    }

    fn connect_tcp(client: &Client<B>, tcp: TcpStream) -> Outcome<OurSocket<B>> {
        let mut socket = socket::Socket::from(tcp);
        socket.enable_tls_client(&client.backend, &client.context, &client.name)?;
        Ok(OurSocket(socket))
    }

    fn accept_tcp(server: &Server<B>, tcp: TcpStream) -> Outcome<OurSocket<B>> {
        let mut socket = socket::Socket::from(tcp);
        socket.enable_tls_server(&server.backend, &server.context)?;
        Ok(OurSocket(socket))
    }
}

/// Which settings the backend has. Where it has none, the peer decides.
struct Settable {
    suites: bool,
    groups: bool,
}

impl Settable {
    fn of(info: &BackendInfo, role: Role, version: ProtocolVersion) -> Self {
        let has = info.capabilities(role);
        Self {
            suites: has.contains(match version {
                ProtocolVersion::Tls13 => Capabilities::CIPHER_SUITES_TLS13,
                _ => Capabilities::CIPHER_SUITES_TLS12,
            }),
            groups: has.contains(Capabilities::GROUPS),
        }
    }
}

/// A client's config with just these settings, as far as the backend has them.
pub(crate) fn client_config<B: Compared>(settings: &Settings) -> Outcome<ClientConfig> {
    let can = Settable::of(&B::default().info(), Role::Client, settings.version);
    let mut builder = ClientConfig::builder()
        .roots(roots(settings.material())?)
        .min_version(settings.version)
        .max_version(settings.version);
    if can.suites {
        builder = builder.cipher_suites([settings.suite]);
    }
    if can.groups {
        builder = builder.groups(settings.groups());
    }
    if settings.mutual {
        builder = builder.identity(identity(&settings.material().client)?);
    }
    Ok(builder.build()?)
}

fn finish_client<B: TlsBackend>(backend: B, config: &ClientConfig) -> Outcome<Client<B>> {
    let context = backend.client(config)?;
    let name = parse_server_name(HOST)?;
    Ok(Client {
        backend,
        context,
        name,
    })
}

fn finish_server<B: TlsBackend>(backend: B, config: &ServerConfig) -> Outcome<Server<B>> {
    let context = backend.server(config)?;
    Ok(Server { backend, context })
}

fn roots(material: &Material) -> Outcome<Roots> {
    Ok(Roots::from_der([material.root.clone()])?)
}

fn identity(own: &Issued) -> Outcome<Identity> {
    let chain = [own.certificate.clone()];
    Ok(Identity::from_der(chain, own.key.clone_key())?)
}

/// A session and the stream that it is lent.
#[derive(Debug)]
pub struct OurSession<S, T> {
    session: S,
    io: T,
}

impl<S: TlsSession, T: Stream> Session for OurSession<S, T> {
    fn handshake(&mut self) -> Outcome<bool> {
        Ok(self.session.handshake(&mut self.io)?.is_ready())
    }

    #[inline(never)]
    fn read(&mut self, buf: &mut [u8]) -> Outcome<Option<usize>> {
        Ok(self.session.read(&mut self.io, buf)?.ready())
    }

    #[inline(never)]
    fn write(&mut self, bufs: &[IoSlice<'_>]) -> Outcome<usize> {
        match self.session.write(&mut self.io, bufs)? {
            Step::Ready(taken) => Ok(taken),
            Step::Blocked(_) => Ok(0),
        }
    }
}

/// A [`socket::Socket`].
pub struct OurSocket<B: TlsBackend>(socket::Socket<B>);

impl<B: TlsBackend> Session for OurSocket<B> {
    fn handshake(&mut self) -> Outcome<bool> {
        Ok(self.0.handshake_step()?.is_ready())
    }

    #[inline(never)]
    fn read(&mut self, buf: &mut [u8]) -> Outcome<Option<usize>> {
        Ok(Some(self.0.recv(buf)?))
    }

    #[inline(never)]
    fn write(&mut self, bufs: &[IoSlice<'_>]) -> Outcome<usize> {
        Ok(self.0.send_vectored(bufs)?)
    }
}

impl<B: TlsBackend> Socket for OurSocket<B> {
    const GOES_BY_MODE: bool = false;

    fn wait(&mut self) -> Outcome<()> {
        Ok(())
    }

    fn calls(&self) -> Calls {
        let statistics = self.0.statistics();
        Calls {
            reads: statistics.wire_received.calls,
            writes: statistics.wire_sent.calls,
        }
    }
}

impl<B: TlsBackend> fmt::Debug for OurSocket<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
