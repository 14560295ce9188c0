//! The `boring` crate.

use std::io::IoSlice;
use std::net::TcpStream;

use boring::pkey::PKey;
use boring::ssl::{
    Error, ErrorCode, Ssl, SslAcceptor, SslConnector, SslContext, SslContextBuilder, SslMethod,
    SslMode, SslOptions, SslSessionCacheMode, SslSignatureAlgorithm, SslStream, SslVerifyMode,
    SslVersion,
};
use boring::x509::X509;
use boring::x509::verify::X509CheckFlags;
use tls_core::limits::MAX_INTERMEDIATES;
use tls_core::{CipherSuite, ProtocolVersion, Role, SignatureScheme};

use super::{Buffered, Counted, group_names, joined, old_name};
use crate::library::{Library, Outcome, Session, Socket, Stream};
use crate::material::{HOST, Issued, KeyKind, Material};
use crate::pipe::Calls;
use crate::settings::Settings;

/// BoringSSL, used directly.
#[derive(Debug)]
pub struct Boring;

/// A client's context.
pub enum Client {
    /// With settings.
    Set(SslContext),
    /// With the crate's own defaults.
    Default(SslConnector),
}

impl Client {
    /// What a connection to [`HOST`] is made of.
    pub(crate) fn ssl(&self) -> Outcome<Ssl> {
        match self {
            Self::Default(connector) => Ok(connector.configure()?.into_ssl(HOST)?),
            Self::Set(context) => {
                let mut ssl = Ssl::new(context)?;
                let param = ssl.param_mut();
                param.set_hostflags(
                    X509CheckFlags::NO_PARTIAL_WILDCARDS | X509CheckFlags::NEVER_CHECK_SUBJECT,
                );
                param.set_host(HOST)?;
                ssl.set_hostname(HOST)?;
                Ok(ssl)
            }
        }
    }
}

impl Library for Boring {
    type Client = Client;
    type Server = SslContext;
    type Session<T: Stream> = BoringSession<T>;
    type Ahead<T: Stream> = Buffered<T>;
    type Socket = BoringSession<Counted>;
    type Peer = Self;

    fn client(settings: &Settings) -> Outcome<Client> {
        let mut builder = builder(settings)?;
        trust(&mut builder, settings.material())?;
        builder.set_verify(SslVerifyMode::PEER);
        if settings.mutual {
            identify(&mut builder, &settings.material().client)?;
        }
        Ok(Client::Set(builder.build()))
    }

    fn server(settings: &Settings) -> Outcome<SslContext> {
        let mut builder = builder(settings)?;
        let material = settings.material();
        if settings.mutual {
            trust(&mut builder, material)?;
            let root = X509::from_der(&material.root)?;
            builder.add_client_ca(&root)?;
            builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        }
        identify(&mut builder, &material.server)?;
        Ok(builder.build())
    }

    fn default_client() -> Outcome<Client> {
        let mut builder = SslConnector::builder(SslMethod::tls())?;
        trust(&mut builder, Material::of(KeyKind::Ecdsa))?;
        Ok(Client::Default(builder.build()))
    }

    fn default_server() -> Outcome<SslContext> {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
        identify(&mut builder, &Material::of(KeyKind::Ecdsa).server)?;
        Ok(builder.build().into_context())
    }

    fn ahead<T: Stream>(io: T) -> Buffered<T> {
        Buffered::new(io)
    }

    fn connect<T: Stream>(context: &Client, io: T) -> Outcome<BoringSession<T>> {
        BoringSession::new(context.ssl()?, io, Role::Client)
    }

    fn accept<T: Stream>(context: &SslContext, io: T) -> Outcome<BoringSession<T>> {
        BoringSession::new(Ssl::new(context)?, io, Role::Server)
    }

    fn connect_tcp(context: &Client, tcp: TcpStream) -> Outcome<Self::Socket> {
        Self::connect(context, Counted::new(tcp))
    }

    fn accept_tcp(context: &SslContext, tcp: TcpStream) -> Outcome<Self::Socket> {
        Self::accept(context, Counted::new(tcp))
    }
}

/// What both roles set, as `tls-boring` does in `context.rs`.
fn builder(settings: &Settings) -> Outcome<SslContextBuilder> {
    let mut builder = SslContext::builder(SslMethod::tls())?;
    builder.clear_options(builder.options());
    builder.set_options(SslOptions::NO_TICKET);
    builder.set_mode(
        SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER
            | SslMode::NO_AUTO_CHAIN,
    );
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    builder.set_grease_enabled(false);
    builder.set_permute_extensions(false);
    builder.set_verify_depth(MAX_INTERMEDIATES);
    let version = match settings.version {
        ProtocolVersion::Tls13 => SslVersion::TLS1_3,
        _ => SslVersion::TLS1_2,
    };
    builder.set_min_proto_version(Some(version))?;
    builder.set_max_proto_version(Some(version))?;
    match settings.version {
        ProtocolVersion::Tls13 => set_tls13_suite(&mut builder, settings.suite)?,
        _ => builder.set_strict_cipher_list(old_name(settings.suite))?,
    }
    builder.set_curves_list(&group_names(&settings.groups()))?;
    let schemes: Vec<_> = SignatureScheme::DEFAULT
        .iter()
        .map(|scheme| SslSignatureAlgorithm::from(scheme.number()))
        .collect();
    builder.set_verify_algorithm_prefs(&schemes)?;
    Ok(builder)
}

/// The crate does not wrap this one.
fn set_tls13_suite(builder: &mut SslContextBuilder, suite: CipherSuite) -> Outcome<()> {
    // SAFETY: the pointer comes from a live, exclusive reference; the two
    // lists have one element each, as is said, are read and not kept.
    let answer =
        unsafe { boring_sys::SSL_CTX_set1_tls13_ciphers(builder.as_ptr(), &suite.number(), &0, 1) };
    match answer {
        1 => Ok(()),
        _ => Err(format!("BoringSSL does not take {suite}").into()),
    }
}

fn trust(builder: &mut SslContextBuilder, material: &Material) -> Outcome<()> {
    let root = X509::from_der(&material.root)?;
    builder.cert_store_mut().add_cert(root)?;
    Ok(())
}

fn identify(builder: &mut SslContextBuilder, own: &Issued) -> Outcome<()> {
    let certificate = X509::from_der(&own.certificate)?;
    builder.set_certificate(&certificate)?;
    let key = PKey::private_key_from_pkcs8(own.key.secret_der())?;
    builder.set_private_key(&key)?;
    Ok(())
}

/// `SslStream` and, for slices, a buffer to join them in.
#[derive(Debug)]
pub struct BoringSession<T> {
    stream: SslStream<T>,
    role: Role,
    scratch: Vec<u8>,
}

impl<T: Stream> BoringSession<T> {
    fn new(ssl: Ssl, io: T, role: Role) -> Outcome<Self> {
        Ok(Self {
            stream: SslStream::new(ssl, io)?,
            role,
            scratch: Vec::new(),
        })
    }
}

impl<T: Stream> Session for BoringSession<T> {
    fn handshake(&mut self) -> Outcome<bool> {
        let done = match self.role {
            Role::Client => self.stream.connect(),
            Role::Server => self.stream.accept(),
        };
        Ok(step(done)?.is_some())
    }

    #[inline(never)]
    fn read(&mut self, buf: &mut [u8]) -> Outcome<Option<usize>> {
        step(self.stream.ssl_read(buf))
    }

    #[inline(never)]
    fn write(&mut self, bufs: &[IoSlice<'_>]) -> Outcome<usize> {
        let taken = self.stream.ssl_write(joined(bufs, &mut self.scratch));
        Ok(step(taken)?.unwrap_or(0))
    }
}

impl Socket for BoringSession<Counted> {
    const GOES_BY_MODE: bool = true;

    fn wait(&mut self) -> Outcome<()> {
        self.stream.get_ref().wait()
    }

    fn calls(&self) -> Calls {
        self.stream.get_ref().calls()
    }
}

fn step<R>(result: Result<R, Error>) -> Outcome<Option<R>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.code(), ErrorCode::WANT_READ | ErrorCode::WANT_WRITE) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
