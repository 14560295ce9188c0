//! The `rustls` crate, by its buffered API.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{
    ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection,
    StreamOwned, SupportedProtocolVersion,
};
use tls_core::ProtocolVersion;

use super::Counted;
use crate::library::{Library, Outcome, Session, Socket, Stream};
use crate::material::{HOST, KeyKind, Material};
use crate::pipe::Calls;
use crate::settings::Settings;

/// rustls, used directly.
#[derive(Debug)]
pub struct Rustls;

impl Library for Rustls {
    type Client = Arc<ClientConfig>;
    type Server = Arc<ServerConfig>;
    type Session<T: Stream> = RustlsSession<T>;
    type Ahead<T: Stream> = T;
    type Socket = RustlsSocket;
    type Peer = Self;

    fn client(settings: &Settings) -> Outcome<Arc<ClientConfig>> {
        client_config(settings).map(Arc::new)
    }

    fn server(settings: &Settings) -> Outcome<Arc<ServerConfig>> {
        server_config(settings).map(Arc::new)
    }

    fn default_client() -> Outcome<Arc<ClientConfig>> {
        let roots = roots(Material::of(KeyKind::Ecdsa))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    fn default_server() -> Outcome<Arc<ServerConfig>> {
        let own = &Material::of(KeyKind::Ecdsa).server;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![own.certificate.clone()], own.key.clone_key())?;
        Ok(Arc::new(config))
    }

    fn ahead<T: Stream>(io: T) -> T {
        io
    }

    fn connect<T: Stream>(context: &Arc<ClientConfig>, io: T) -> Outcome<RustlsSession<T>> {
        let connection = ClientConnection::new(Arc::clone(context), host()?)?;
        Ok(RustlsSession::new(connection.into(), io))
    }

    fn accept<T: Stream>(context: &Arc<ServerConfig>, io: T) -> Outcome<RustlsSession<T>> {
        let connection = ServerConnection::new(Arc::clone(context))?;
        Ok(RustlsSession::new(connection.into(), io))
    }

    fn connect_tcp(context: &Arc<ClientConfig>, tcp: TcpStream) -> Outcome<RustlsSocket> {
        let connection = ClientConnection::new(Arc::clone(context), host()?)?;
        let stream = StreamOwned::new(connection, Counted::new(tcp));
        Ok(RustlsSocket::Client(Box::new(stream)))
    }

    fn accept_tcp(context: &Arc<ServerConfig>, tcp: TcpStream) -> Outcome<RustlsSocket> {
        let connection = ServerConnection::new(Arc::clone(context))?;
        let stream = StreamOwned::new(connection, Counted::new(tcp));
        Ok(RustlsSocket::Server(Box::new(stream)))
    }
}

pub(crate) fn host() -> Outcome<ServerName<'static>> {
    Ok(ServerName::try_from(HOST)?)
}

/// What `tls-rustls` sets in `client.rs`, with the library's own verifier.
pub(super) fn client_config(settings: &Settings) -> Outcome<ClientConfig> {
    let provider = provider(settings);
    let roots = Arc::new(roots(settings.material())?);
    let verifier =
        WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build()?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version(settings)])?
        .with_webpki_verifier(verifier);
    let mut config = if settings.mutual {
        let own = &settings.material().client;
        builder.with_client_auth_cert(vec![own.certificate.clone()], own.key.clone_key())?
    } else {
        builder.with_no_client_auth()
    };
    config.resumption = Resumption::disabled();
    config.cert_compressors = Vec::new();
    config.cert_decompressors = Vec::new();
    Ok(config)
}

/// What `tls-rustls` sets in `server.rs`, with the library's own verifier.
pub(super) fn server_config(settings: &Settings) -> Outcome<ServerConfig> {
    let provider = provider(settings);
    let material = settings.material();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version(settings)])?;
    let builder = if settings.mutual {
        let roots = Arc::new(roots(material)?);
        builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(roots, provider).build()?,
        )
    } else {
        builder.with_no_client_auth()
    };
    let own = &material.server;
    let mut config =
        builder.with_single_cert(vec![own.certificate.clone()], own.key.clone_key())?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_tls13_tickets = 0;
    config.cert_compressors = Vec::new();
    config.cert_decompressors = Vec::new();
    Ok(config)
}

/// One suite and the settings' groups.
fn provider(settings: &Settings) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    let groups = settings.groups();
    provider
        .cipher_suites
        .retain(|suite| u16::from(suite.suite()) == settings.suite.number());
    provider.kx_groups = groups
        .iter()
        .filter_map(|group| {
            let mut all = aws_lc_rs::ALL_KX_GROUPS.iter();
            all.find(|known| u16::from(known.name()) == group.number())
                .copied()
        })
        .collect();
    Arc::new(provider)
}

fn version(settings: &Settings) -> &'static SupportedProtocolVersion {
    match settings.version {
        ProtocolVersion::Tls13 => &rustls::version::TLS13,
        _ => &rustls::version::TLS12,
    }
}

fn roots(material: &Material) -> Outcome<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(material.root.clone())?;
    Ok(roots)
}

/// A connection and the stream that it is fed from.
#[derive(Debug)]
pub struct RustlsSession<T> {
    connection: Connection,
    io: T,
    /// Plaintext that waits in the connection.
    unread: usize,
}

impl<T: Stream> RustlsSession<T> {
    fn new(connection: Connection, io: T) -> Self {
        Self {
            connection,
            io,
            unread: 0,
        }
    }

    fn send_queued(&mut self) -> Outcome<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.io)?;
        }
        Ok(())
    }

    /// Receives once and works on it; whether there was something.
    #[inline(always)]
    fn feed(&mut self) -> Outcome<bool> {
        match self.connection.read_tls(&mut self.io) {
            Ok(0) => Err("the stream has ended".into()),
            Ok(_) => {
                self.unread = self
                    .connection
                    .process_new_packets()?
                    .plaintext_bytes_to_read();
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl<T: Stream> Session for RustlsSession<T> {
    fn handshake(&mut self) -> Outcome<bool> {
        loop {
            self.send_queued()?;
            if !self.connection.is_handshaking() {
                return Ok(true);
            }
            if !self.feed()? {
                return Ok(false);
            }
        }
    }

    #[inline(never)]
    fn read(&mut self, buf: &mut [u8]) -> Outcome<Option<usize>> {
        while self.unread == 0 {
            if !self.feed()? {
                return Ok(None);
            }
        }
        let taken = self.connection.reader().read(buf)?;
        self.unread -= taken;
        Ok(Some(taken))
    }

    #[inline(never)]
    fn write(&mut self, bufs: &[IoSlice<'_>]) -> Outcome<usize> {
        let taken = match bufs {
            [one] => self.connection.writer().write(one)?,
            several => self.connection.writer().write_vectored(several)?,
        };
        self.send_queued()?;
        Ok(taken)
    }
}

/// `StreamOwned`, of either role.
#[derive(Debug)]
pub enum RustlsSocket {
    /// A client's.
    Client(Box<StreamOwned<ClientConnection, Counted>>),
    /// A server's.
    Server(Box<StreamOwned<ServerConnection, Counted>>),
}

impl Session for RustlsSocket {
    fn handshake(&mut self) -> Outcome<bool> {
        let step = match self {
            Self::Client(stream) => stream.conn.complete_io(&mut stream.sock),
            Self::Server(stream) => stream.conn.complete_io(&mut stream.sock),
        };
        match step {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        Ok(match self {
            Self::Client(stream) => !stream.conn.is_handshaking() && !stream.conn.wants_write(),
            Self::Server(stream) => !stream.conn.is_handshaking() && !stream.conn.wants_write(),
        })
    }

    #[inline(never)]
    fn read(&mut self, buf: &mut [u8]) -> Outcome<Option<usize>> {
        Ok(Some(match self {
            Self::Client(stream) => stream.read(buf)?,
            Self::Server(stream) => stream.read(buf)?,
        }))
    }

    #[inline(never)]
    fn write(&mut self, bufs: &[IoSlice<'_>]) -> Outcome<usize> {
        Ok(match self {
            Self::Client(stream) => stream.write_vectored(bufs)?,
            Self::Server(stream) => stream.write_vectored(bufs)?,
        })
    }
}

impl Socket for RustlsSocket {
    const GOES_BY_MODE: bool = true;

    fn wait(&mut self) -> Outcome<()> {
        match self {
            Self::Client(stream) => stream.sock.wait(),
            Self::Server(stream) => stream.sock.wait(),
        }
    }

    fn calls(&self) -> Calls {
        match self {
            Self::Client(stream) => stream.sock.calls(),
            Self::Server(stream) => stream.sock.calls(),
        }
    }
}
