//! The `native-tls` crate.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;

use native_tls::{
    Certificate, HandshakeError, Identity, MidHandshakeTlsStream, Protocol, TlsAcceptor,
    TlsConnector, TlsStream,
};
use tls_core::ProtocolVersion;

use super::{Buffered, Counted, OpenSsl, joined};
use crate::library::{Library, Outcome, Session, Socket, Stream};
use crate::material::{HOST, Issued, KeyKind, Material};
use crate::pipe::Calls;
use crate::settings::Settings;

/// native-tls, used directly.
///
/// It has no settings for suites and groups. Its peer is the library under it,
/// OpenSSL, which has, and so decides both.
#[derive(Debug)]
pub struct Native;

impl Library for Native {
    type Client = TlsConnector;
    type Server = TlsAcceptor;
    type Session<T: Stream> = NativeSession<T>;
    type Ahead<T: Stream> = Buffered<T>;
    type Socket = NativeSession<Counted>;
    type Peer = OpenSsl;

    fn client(settings: &Settings) -> Outcome<TlsConnector> {
        let material = settings.material();
        let version = protocol(settings.version);
        let mut builder = TlsConnector::builder();
        builder
            .min_protocol_version(version)
            .max_protocol_version(version)
            .disable_built_in_roots(true)
            .add_root_certificate(Certificate::from_der(&material.root)?);
        if settings.mutual {
            builder.identity(identity(&material.client)?);
        }
        Ok(builder.build()?)
    }

    fn server(settings: &Settings) -> Outcome<TlsAcceptor> {
        let version = protocol(settings.version);
        Ok(TlsAcceptor::builder(identity(&settings.material().server)?)
            .min_protocol_version(version)
            .max_protocol_version(version)
            .build()?)
    }

    fn default_client() -> Outcome<TlsConnector> {
        let root = &Material::of(KeyKind::Ecdsa).root;
        Ok(TlsConnector::builder()
            .add_root_certificate(Certificate::from_der(root)?)
            .build()?)
    }

    fn default_server() -> Outcome<TlsAcceptor> {
        let own = identity(&Material::of(KeyKind::Ecdsa).server)?;
        Ok(TlsAcceptor::new(own)?)
    }

    fn ahead<T: Stream>(io: T) -> Buffered<T> {
        Buffered::new(io)
    }

    fn connect<T: Stream>(context: &TlsConnector, io: T) -> Outcome<NativeSession<T>> {
        NativeSession::new(context.connect(HOST, io))
    }

    fn accept<T: Stream>(context: &TlsAcceptor, io: T) -> Outcome<NativeSession<T>> {
        NativeSession::new(context.accept(io))
    }

    fn connect_tcp(context: &TlsConnector, tcp: TcpStream) -> Outcome<Self::Socket> {
        Self::connect(context, Counted::new(tcp))
    }

    fn accept_tcp(context: &TlsAcceptor, tcp: TcpStream) -> Outcome<Self::Socket> {
        Self::accept(context, Counted::new(tcp))
    }
}

fn protocol(version: ProtocolVersion) -> Option<Protocol> {
    Some(match version {
        ProtocolVersion::Tls13 => Protocol::Tlsv13,
        _ => Protocol::Tlsv12,
    })
}

fn identity(own: &Issued) -> Outcome<Identity> {
    let (certificate, key) = (own.certificate_pem.as_bytes(), own.key_pem.as_bytes());
    Ok(Identity::from_pkcs8(certificate, key)?)
}

/// The stream, before and after its handshake, and for slices a buffer to join
/// them in.
#[derive(Debug)]
pub struct NativeSession<T> {
    state: State<T>,
    scratch: Vec<u8>,
}

#[derive(Debug)]
enum State<T> {
    Shaking(MidHandshakeTlsStream<T>),
    Done(TlsStream<T>),
    /// Its handshake has failed.
    Gone,
}

impl<T: Stream> State<T> {
    fn after(step: Result<TlsStream<T>, HandshakeError<T>>) -> Outcome<Self> {
        match step {
            Ok(stream) => Ok(Self::Done(stream)),
            Err(HandshakeError::WouldBlock(stream)) => Ok(Self::Shaking(stream)),
            Err(HandshakeError::Failure(error)) => Err(error.into()),
        }
    }
}

impl<T: Stream> NativeSession<T> {
    fn new(begun: Result<TlsStream<T>, HandshakeError<T>>) -> Outcome<Self> {
        Ok(Self {
            state: State::after(begun)?,
            scratch: Vec::new(),
        })
    }

    fn stream(&mut self) -> Outcome<&mut TlsStream<T>> {
        match &mut self.state {
            State::Done(stream) => Ok(stream),
            _ => Err("the handshake is not done".into()),
        }
    }
}

impl<T: Stream> Session for NativeSession<T> {
    fn handshake(&mut self) -> Outcome<bool> {
        self.state = match std::mem::replace(&mut self.state, State::Gone) {
            State::Shaking(stream) => State::after(stream.handshake())?,
            other => other,
        };
        Ok(matches!(self.state, State::Done(_)))
    }

    #[inline(never)]
    fn read(&mut self, buf: &mut [u8]) -> Outcome<Option<usize>> {
        match self.stream()?.read(buf) {
            Ok(taken) => Ok(Some(taken)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    #[inline(never)]
    fn write(&mut self, bufs: &[IoSlice<'_>]) -> Outcome<usize> {
        let State::Done(stream) = &mut self.state else {
            return Err("the handshake is not done".into());
        };
        Ok(stream.write(joined(bufs, &mut self.scratch))?)
    }
}

impl Socket for NativeSession<Counted> {
    const GOES_BY_MODE: bool = true;

    fn wait(&mut self) -> Outcome<()> {
        self.stream()?.get_ref().wait()
    }

    fn calls(&self) -> Calls {
        match &self.state {
            State::Done(stream) => stream.get_ref().calls(),
            State::Shaking(_) | State::Gone => Calls::default(),
        }
    }
}
