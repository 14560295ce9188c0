//! Two sessions over loopback TCP, on one thread: two threads on two cores
//! would measure the scheduler.

use std::net::{SocketAddr, TcpListener, TcpStream};

use super::pair::shake_hands;
use crate::library::{Library, Outcome, Socket};
use crate::pipe::Calls;
use crate::settings::Settings;

/// Makes pairs, both ends of the kind that is measured.
pub(super) struct Maker<L: Library> {
    listener: TcpListener,
    address: SocketAddr,
    client: L::Client,
    server: L::Server,
}

/// A client and a server, their handshake done.
pub(super) struct TcpPair<L: Library> {
    pub(super) client: L::Socket,
    pub(super) server: L::Socket,
}

impl<L: Library> Maker<L> {
    pub(super) fn with(settings: &Settings) -> Outcome<Self> {
        Self::new(L::client(settings)?, L::server(settings)?)
    }

    pub(super) fn with_defaults() -> Outcome<Self> {
        Self::new(L::default_client()?, L::default_server()?)
    }

    fn new(client: L::Client, server: L::Server) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            client,
            server,
        })
    }

    /// Connects by TCP and does the handshake, where neither end may wait for
    /// the other. A `socket::Socket` has steps for that; a library's own stream
    /// has to be set non-blocking, one system call for each end.
    pub(super) fn make(&self) -> Outcome<TcpPair<L>> {
        let near = TcpStream::connect(self.address)?;
        let (far, _) = self.listener.accept()?;
        for stream in [&near, &far] {
            stream.set_nodelay(true)?;
            if L::Socket::GOES_BY_MODE {
                stream.set_nonblocking(true)?;
            }
        }
        let mut client = L::connect_tcp(&self.client, near)?;
        let mut server = L::accept_tcp(&self.server, far)?;
        shake_hands(&mut client, &mut server)?;
        Ok(TcpPair { client, server })
    }
}

impl<L: Library> TcpPair<L> {
    /// Has both ends wait from now on.
    pub(super) fn waiting(mut self) -> Outcome<Self> {
        self.client.wait()?;
        self.server.wait()?;
        Ok(self)
    }

    /// Of both ends.
    pub(super) fn calls(&self) -> Calls {
        let (client, server) = (self.client.calls(), self.server.calls());
        Calls {
            reads: client.reads + server.reads,
            writes: client.writes + server.writes,
        }
    }
}
