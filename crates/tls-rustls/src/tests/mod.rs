//! Sessions over memory, both ends in one thread. What all backends share is
//! tested by the `conformance` package; here is what is rustls's own to get
//! wrong.

mod config;
mod data;
mod ending;
mod handshake;
mod pipe;
mod pki;
mod practised;
mod refusal;

use tls_core::{
    ClientConfig, ClientConfigBuilder, Error, ProtocolVersion, ServerConfig, ServerConfigBuilder,
    Step, TlsBackend, TlsSession, parse_server_name,
};

use self::pipe::{End, pipe};
use crate::{Rustls, RustlsSession};

const VERSIONS: [ProtocolVersion; 2] = [ProtocolVersion::Tls12, ProtocolVersion::Tls13];

/// How a handshake ends on each side.
type Ends = (Result<Step<()>, Error>, Result<Step<()>, Error>);

/// A handshake that is done on both sides.
const DONE: Ends = (Ok(Step::Ready(())), Ok(Step::Ready(())));

/// One side: a session and its end of the pipe.
struct Side {
    session: RustlsSession,
    io: End,
}

impl Side {
    fn handshake(&mut self) -> Result<Step<()>, Error> {
        self.session.handshake(&mut self.io)
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        self.session.read(&mut self.io, buf)
    }

    /// Reads until nothing is ready.
    fn read_all(&mut self) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        let mut buf = [0; 4000];
        while let Step::Ready(taken @ 1..) = self.read(&mut buf)? {
            all.extend_from_slice(&buf[..taken]);
        }
        Ok(all)
    }

    fn write(&mut self, data: &[u8]) -> Result<Step<usize>, Error> {
        self.session
            .write(&mut self.io, &[std::io::IoSlice::new(data)])
    }

    fn flush(&mut self) -> Result<Step<()>, Error> {
        self.session.flush(&mut self.io)
    }

    fn close(&mut self) -> Result<Step<()>, Error> {
        self.session.close(&mut self.io)
    }
}

fn client(config: &ClientConfig, io: End) -> Side {
    let backend = Rustls::default();
    let context = backend.client(config).unwrap();
    let name = parse_server_name("localhost").unwrap();
    let session = backend.connect(&context, &name).unwrap();
    Side { session, io }
}

fn server(config: &ServerConfig, io: End) -> Side {
    let backend = Rustls::default();
    let context = backend.server(config).unwrap();
    let session = backend.accept(&context).unwrap();
    Side { session, io }
}

/// A client that trusts the test CA.
fn client_config() -> ClientConfigBuilder {
    ClientConfig::builder().roots(pki::pki().roots.clone())
}

/// A server that the test CA vouches for.
fn server_config() -> ServerConfigBuilder {
    ServerConfig::builder().identity(pki::pki().server.clone())
}

fn pair(client_config: &ClientConfig, server_config: &ServerConfig) -> (Side, Side) {
    let (near, far) = pipe();
    (client(client_config, near), server(server_config, far))
}

/// Drives both handshakes until neither makes progress: how each ended.
fn shake(client: &mut Side, server: &mut Side) -> Ends {
    for _ in 0..10_000 {
        let before = client.io.traffic();
        let ends = (client.handshake(), server.handshake());
        if matches!(ends, (Ok(Step::Ready(())), Ok(Step::Ready(()))))
            || client.io.traffic() == before
        {
            return ends;
        }
    }
    panic!("the handshake does not end");
}

/// A pair whose handshakes are done.
fn connected(version: ProtocolVersion) -> (Side, Side) {
    let client_config = client_config()
        .min_version(version)
        .max_version(version)
        .build()
        .unwrap();
    let (mut client, mut server) = pair(&client_config, &server_config().build().unwrap());
    assert_eq!(shake(&mut client, &mut server), DONE);
    (client, server)
}
