//! Two ends, and what runs them.

use std::future::Future;
use std::time::Duration;

use polytls::tls::{
    AnyBackend, ClientConfigBuilder, ServerConfigBuilder, ServerName, parse_server_name,
};
use polytls::tokio::{TlsAcceptor, TlsConnector, TlsStream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};

use crate::checked::Checked;
use crate::pki::HOST;
use crate::scenario::{Case, Scenario};
pub(super) use crate::scenarios::shared::{LONG, pattern};

pub(super) type AsyncCase = Case<AnyBackend, AnyBackend>;
pub(super) type AsyncScenario = Scenario<AnyBackend, AnyBackend>;
pub(super) type Backend = Checked<AnyBackend>;
pub(super) type Stream<IO = DuplexStream> = TlsStream<Backend, IO>;

/// A short time to wait in vain.
pub(super) const SHORT: Duration = Duration::from_millis(25);

/// What a pipe holds: less than a record, so that writes are cut.
pub(super) const PIPE: usize = 3000;

/// Plays a scenario on one thread, to its end.
#[track_caller]
pub(super) fn play<T>(scenario: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime
        .block_on(async { tokio::time::timeout(LONG, scenario).await })
        .expect("it hangs")
}

/// What makes the ends.
pub(super) struct Rig {
    pub(super) connector: TlsConnector<Backend>,
    pub(super) acceptor: TlsAcceptor<Backend>,
    pub(super) name: ServerName<'static>,
}

impl Rig {
    /// With the usual configs.
    pub(super) fn new(case: &AsyncCase) -> Self {
        Self::of(case, case.client_config(), case.server_config())
    }

    /// With these configs.
    pub(super) fn of(
        case: &AsyncCase,
        client: ClientConfigBuilder,
        server: ServerConfigBuilder,
    ) -> Self {
        let client = client.build().expect("a client's config");
        let server = server.build().expect("a server's config");
        Self {
            connector: TlsConnector::from_config(case.client.clone(), &client)
                .expect("a connector"),
            acceptor: TlsAcceptor::from_config(case.server.clone(), &server).expect("an acceptor"),
            name: parse_server_name(HOST).expect("a name"),
        }
    }

    /// Two ends over these streams, their handshakes done.
    pub(super) async fn over<A, B>(&self, near: A, far: B) -> (Stream<A>, Stream<B>)
    where
        A: AsyncRead + AsyncWrite + Unpin,
        B: AsyncRead + AsyncWrite + Unpin,
    {
        let client = self.connector.connect(&self.name, near);
        let both = tokio::try_join!(client, self.acceptor.accept(far));
        both.expect("two handshakes")
    }

    /// Two ends over a pipe.
    pub(super) async fn connected(&self) -> (Stream, Stream) {
        let (near, far) = duplex(PIPE);
        self.over(near, far).await
    }
}

/// Sends all of it, and then the end.
pub(super) async fn say(mut end: impl AsyncWrite + Unpin, octets: &[u8]) {
    end.write_all(octets).await.expect("a write");
    end.shutdown().await.expect("an end");
}

/// Receives to the clean end.
pub(super) async fn hear(mut end: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut heard = Vec::new();
    end.read_to_end(&mut heard).await.expect("a clean end");
    heard
}

/// Sends a word each way, and ends both.
pub(super) async fn greet<A, B>(near: Stream<A>, far: Stream<B>)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (near_in, near_out) = tokio::io::split(near);
    let (far_in, far_out) = tokio::io::split(far);
    let (to_near, to_far, (), ()) = tokio::join!(
        hear(near_in),
        hear(far_in),
        say(near_out, b"question"),
        say(far_out, b"answer")
    );
    assert_eq!(
        (&to_near[..], &to_far[..]),
        (&b"answer"[..], &b"question"[..])
    );
}
