//! Two ends, and what runs them.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use polytls::tls::{
    AnyBackend, ClientConfigBuilder, Error as TlsError, ServerConfigBuilder, ServerName,
    parse_server_name,
};
use polytls::tokio::{Error, Handshake, TlsAcceptor, TlsConnector, TlsStream};
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

    /// How both ends over these streams learn that one refuses the other.
    pub(super) async fn refused_over<A, B>(&self, near: A, far: B) -> [Error; 2]
    where
        A: AsyncRead + AsyncWrite + Unpin,
        B: AsyncRead + AsyncWrite + Unpin,
    {
        let client = refusal(self.connector.connect(&self.name, near));
        let server = refusal(self.acceptor.accept(far));
        let (mut client, mut server) = (pin!(client), pin!(server));
        // The one that has its error first stays, and takes what the other is
        // still sending: else that would find nobody before it has read.
        tokio::select! {
            (found, io) = &mut client => [found, lingering(io, server).await],
            (found, io) = &mut server => [lingering(io, client).await, found],
        }
    }

    /// Two ends over a pipe.
    pub(super) async fn connected(&self) -> (Stream, Stream) {
        let (near, far) = duplex(PIPE);
        self.over(near, far).await
    }
}

/// Why a side is refused or refuses, and its stream. One whose handshake is
/// done before the other's has failed learns of it by reading.
pub(super) async fn refusal<IO>(handshake: Handshake<Backend, IO>) -> (Error, IO)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    match handshake.into_fallible().await {
        Ok(mut stream) => {
            let refused = stream.read(&mut [0]).await.expect_err("a refusal");
            (tls_error(&refused).into(), stream.into_inner().0)
        }
        Err(failed) => (failed.error, failed.io),
    }
}

/// What the other side comes to while this one takes all that it sends.
async fn lingering<A, B>(io: A, other: impl Future<Output = (Error, B)>) -> Error
where
    A: AsyncRead + AsyncWrite,
{
    let (mut rest, mut end) = tokio::io::split(io);
    end.shutdown().await.expect("an end");
    let mut nowhere = tokio::io::sink();
    tokio::select! {
        (found, _) = other => found,
        left = tokio::io::copy(&mut rest, &mut nowhere) => panic!("{left:?}"),
    }
}

/// What is inside of an error of a stream.
#[track_caller]
pub(super) fn tls_error(error: &io::Error) -> TlsError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let inner: &TlsError = inner.expect("an error of TLS");
    inner.clone()
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
