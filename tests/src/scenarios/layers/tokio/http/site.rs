//! A server, and how to get at it.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::{Empty, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::service::Service;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use polytls::tokio::hyper::{HttpsConnector, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};

use super::super::rig::{Backend, Rig, Stream};
use crate::pki::HOST;

pub(super) async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

pub(super) fn address_of(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("an address")
}

/// Runs the client beside the server, which stops when the client drops what
/// it is given, and must end then.
pub(super) async fn beside<S, D, T>(
    server: Server<Backend, S>,
    client: impl AsyncFnOnce(oneshot::Sender<()>) -> T,
) -> T
where
    S: Service<Request<Incoming>, Response = Response<D>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    D: Body + Send + 'static,
    D::Data: Send,
    D::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (stop, stopped) = oneshot::channel();
    let server = server.run_until(async {
        let _ = stopped.await;
    });
    let (outcome, ()) = tokio::join!(client(stop), server);
    outcome
}

/// Answers with the path that was asked for.
pub(super) async fn answer(
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    Ok(Response::new(Full::new(path.into())))
}

/// Answers `/slow` when it is told to.
#[derive(Clone, Default)]
pub(super) struct Slow {
    /// Told when such a request has come.
    pub(super) begun: Arc<Notify>,
    /// What it waits for.
    pub(super) go_on: Arc<Notify>,
}

impl Slow {
    pub(super) async fn answer(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        if request.uri().path() == "/slow" {
            self.begun.notify_one();
            self.go_on.notified().await;
        }
        answer(request).await
    }
}

pub(super) fn uri(path: &str) -> Uri {
    format!("https://{HOST}{path}").parse().expect("an address")
}

/// hyper's client, which reaches this address whatever name is asked for.
pub(super) fn client(
    rig: &Rig,
    address: SocketAddr,
    http2_only: bool,
) -> Client<HttpsConnector<Backend, To>, Empty<Bytes>> {
    let connector = HttpsConnector::over(rig.connector.clone(), To(address));
    Client::builder(TokioExecutor::new())
        .http2_only(http2_only)
        .build(connector)
}

/// Connects to one address, whatever name is asked for.
#[derive(Clone)]
pub(super) struct To(SocketAddr);

impl tower_service::Service<Uri> for To {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<TcpStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connecting = TcpStream::connect(self.0);
        Box::pin(async { connecting.await.map(TokioIo::new) })
    }
}

/// A client without HTTP, which sends small pieces at once.
pub(super) async fn bare(rig: &Rig, address: SocketAddr) -> Stream<TcpStream> {
    let tcp = TcpStream::connect(address).await.expect("a connection");
    tcp.set_nodelay(true).expect("an option");
    let connected = rig.connector.connect(&rig.name, tcp).await;
    connected.expect("a handshake")
}

/// Sends the head of a request.
pub(super) async fn ask(stream: &mut Stream<TcpStream>, path: &str) {
    let head = format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("a write");
    stream.flush().await.expect("a flush");
}

/// Receives until this has come.
pub(super) async fn hear_until(stream: &mut Stream<TcpStream>, end: &str) -> String {
    let mut heard = Vec::new();
    while !heard.ends_with(end.as_bytes()) {
        let octets = stream.read_buf(&mut heard).await.expect("a read");
        assert_ne!(octets, 0, "the end before {end:?}");
    }
    String::from_utf8(heard).expect("a text")
}
