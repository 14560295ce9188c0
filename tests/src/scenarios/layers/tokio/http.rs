//! hyper's client and server over TLS.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, Uri, Version};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use polytls::tls::Capabilities;
use polytls::tokio::hyper::{HttpsConnector, Server};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower_service::Service;

use super::rig::{AsyncCase, AsyncScenario, Rig, play};
use crate::pki::HOST;
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    let over = |protocol, version, name| {
        scenario(name, move |case| served(case, protocol, version))
            .versions(Versions::Unpinned)
            .needs(Capabilities::ALPN)
    };
    vec![
        over(
            "h2",
            Version::HTTP_2,
            "hyper_speaks_http_2_where_alpn_agrees",
        ),
        over(
            "http/1.1",
            Version::HTTP_11,
            "hyper_speaks_http_1_where_alpn_agrees",
        ),
        scenario("plain_http_is_refused_unless_it_is_allowed", plain).versions(Versions::Unpinned),
    ]
}

/// Answers with the path that was asked for.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    Ok(Response::new(Full::new(path.into())))
}

/// Connects to one address, whatever name is asked for.
#[derive(Clone)]
struct To(SocketAddr);

impl Service<Uri> for To {
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

fn served(case: &AsyncCase, protocol: &str, version: Version) {
    let client = case.client_config().alpn([protocol]);
    let server = case.server_config().alpn(["h2", "http/1.1"]);
    let rig = Rig::of(case, client, server);
    play(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let uri: Uri = format!("https://{HOST}/path").parse().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let service = service_fn(answer);
        let server = Server::new(listener, rig.acceptor.clone(), service).run_until(async {
            let _ = stopped.await;
        });
        let client = async {
            let connector = HttpsConnector::over(rig.connector.clone(), To(address));
            let client = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(connector);
            for _ in 0..2 {
                let response = client.get(uri.clone()).await.expect("an answer");
                assert_eq!(response.version(), version);
                let body = response.into_body().collect().await.expect("a body");
                assert_eq!(body.to_bytes(), "/path");
            }
            stop.send(()).expect("a server that runs");
        };
        // The server ends although the client keeps its connection.
        tokio::join!(server, client);
    });
}

fn plain(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let connector = HttpsConnector::new(rig.connector.clone());
        let client = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(connector);
        let uri = Uri::from_static("http://127.0.0.1:9/");
        let refused = client.get(uri).await.expect_err("a refusal");
        let source = std::error::Error::source(&refused).expect("a reason");
        assert!(
            source.to_string().contains("only https is allowed"),
            "{source}"
        );
    });
}
