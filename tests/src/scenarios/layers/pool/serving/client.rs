//! The server's clients.

use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Instant;

use polytls::tls::{AnyContext, Role, ServerName, TlsBackend, TlsSession, parse_server_name};
use polytls::{Error, Socket};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

use super::super::rig::{Backend, End, LONG, LayersCase};
use crate::pipe::pipe;
use crate::pki::HOST;

pub(super) struct Client {
    backend: Backend,
    context: AnyContext,
    name: ServerName<'static>,
    address: SocketAddr,
}

impl Client {
    pub(super) fn new(case: &LayersCase, address: SocketAddr) -> Self {
        let config = case.client_config().build().expect("a config");
        Self {
            backend: case.client.clone(),
            context: case.client.client(&config).expect("a context"),
            name: parse_server_name(HOST).expect("a name"),
            address,
        }
    }

    pub(super) fn connect(&self) -> Result<End, Error> {
        let mut socket = Socket::connect_tcp(self.address, LONG)?;
        socket.set_nodelay(true)?;
        socket.set_deadline(Some(Instant::now() + LONG));
        socket.enable_tls_client(&self.backend, &self.context, &self.name)?;
        socket.handshake(LONG)?;
        Ok(socket)
    }

    fn try_heard(&self, words: &[u8]) -> Result<End, Error> {
        let mut socket = self.connect()?;
        let mut answer = vec![0; words.len()];
        socket.send_all(words)?;
        socket.recv_exact(&mut answer)?;
        assert_eq!(answer, words);
        Ok(socket)
    }

    /// A connection that the server has answered once.
    #[track_caller]
    pub(super) fn served(&self) -> End {
        self.try_heard(b"hello.").expect("a server that serves")
    }

    /// A connection on which the server has heard these words. Where there is
    /// so little time for it that a slow machine needs several.
    #[track_caller]
    pub(super) fn heard_in_the_end(&self, words: &[u8]) -> End {
        let end = Instant::now() + LONG;
        loop {
            match self.try_heard(words) {
                Ok(socket) => return socket,
                Err(error) => assert!(Instant::now() < end, "{error}"),
            }
        }
    }
}

impl Client {
    /// A client's first message.
    fn hello(&self) -> Vec<u8> {
        let (mut end, _server, wire) = pipe();
        let session = self.backend.connect(&self.context, &self.name);
        let mut session = session.expect("a session");
        let step = session.handshake(&mut end).expect("a first message");
        assert!(!step.is_ready());
        wire.sent_by(Role::Client)
    }

    /// Clients with this address that send their ClientHello and nothing more:
    /// their streams, which nobody reads.
    pub(super) fn flood(&self, clients: usize, from: impl Into<IpAddr>) -> Vec<TcpStream> {
        let (from, hello) = (SocketAddr::new(from.into(), 0), self.hello());
        let connected = |_| {
            let fd = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
            bind(&fd, &from).expect("an address");
            connect(&fd, &self.address).expect("a connection");
            let mut stream = TcpStream::from(fd);
            // A door that has no room may have closed it already.
            let _ = stream.write_all(&hello);
            stream
        };
        (0..clients).map(connected).collect()
    }
}

/// Says something, and hears it.
#[track_caller]
pub(super) fn says(client: &mut End, octets: &[u8]) {
    let mut answer = vec![0; octets.len()];
    client.send_all(octets).expect("a send");
    client.recv_exact(&mut answer).expect("an answer");
    assert_eq!(answer, octets);
}
