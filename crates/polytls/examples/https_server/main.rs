//! An axum router over HTTPS: HTTP/1.1 or HTTP/2, as ALPN agrees, over any
//! backend of the build. It stops at Ctrl-C or SIGTERM, when the requests that
//! have begun are answered.
//!
//! ```sh
//! cargo run -p polytls --features hyper --example https_server -- --write-ca ca.pem
//! curl --cacert ca.pem https://localhost:8443/
//! ```

mod pki;

use std::error::Error;
use std::fs;
use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use axum::extract::Request;
use axum::http::Version;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use clap::Parser;
use hyper_util::service::TowerToHyperService;
use polytls::Backend;
use polytls::tls::{Identity, ServerConfig, TlsBackend};
use polytls::tokio::TlsAcceptor;
use polytls::tokio::hyper::{Peer, Server};
use tokio::net::TcpListener;

/// How long requests may go on after the server was asked to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Serve a few pages over HTTPS.
#[derive(Parser)]
struct Args {
    /// The TLS library: rustls, openssl, boring or native-tls, if the build has several
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// The certificate chain (PEM), the server's own first. Without it one for localhost is made
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The private key (PEM) of --cert
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Where to write the CA (PEM) of the certificate that is made
    #[arg(long, value_name = "FILE", conflicts_with = "cert")]
    write_ca: Option<PathBuf>,
    /// Do not negotiate HTTP/2: for a backend whose servers have no ALPN
    #[arg(long)]
    no_alpn: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("https_server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: &Args) -> Result<(), Box<dyn Error>> {
    let backend = Backend::choose(args.backend.as_deref())?;
    let mut config = ServerConfig::builder().identity(identity(args)?);
    if !args.no_alpn {
        config = config.alpn(["h2", "http/1.1"]);
    }
    // What this backend cannot honour is refused here, before anyone connects.
    let acceptor = TlsAcceptor::from_config(backend.clone(), &config.build()?)?;

    let listener = TcpListener::bind(args.listen).await?;
    let address = listener.local_addr()?;
    let service = TowerToHyperService::new(router());
    let server = Server::new(listener, acceptor, service)
        .drain_timeout(Some(DRAIN))
        .on_handshake_failure(|from, error| eprintln!("{from}: no handshake: {error}"))
        .on_accept_failure(|error| eprintln!("cannot accept: {error}"));
    // Before it is said that it listens: who reads that may stop it at once.
    let stop = stop()?;
    let mut out = stdout();
    writeln!(
        out,
        "listening on {address} with {}",
        backend.info().library
    )?;
    out.flush()?;
    server.run_until(stop).await;
    eprintln!("stopped");
    Ok(())
}

fn identity(args: &Args) -> Result<Identity, Box<dyn Error>> {
    if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
        return Ok(Identity::from_pem_files(cert, key)?);
    }
    let (identity, ca) = pki::make()?;
    if let Some(path) = &args.write_ca {
        fs::write(path, ca)?;
    }
    Ok(identity)
}

fn router() -> Router {
    Router::new()
        .route("/", get(greet))
        .route("/slow", get(slow))
        .route("/echo", post(async |body: String| body))
        .layer(from_fn(log))
}

async fn greet(version: Version) -> String {
    format!("Hello over {version:?}\n")
}

/// Gives time to stop the server before the answer.
async fn slow(version: Version) -> String {
    tokio::time::sleep(Duration::from_secs(1)).await;
    greet(version).await
}

async fn log(Extension(peer): Extension<Peer>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    eprintln!("{method} {path} from {}", peer.address());
    next.run(request).await
}

/// Ready when someone wants the server to stop.
#[cfg(unix)]
fn stop() -> Result<impl Future<Output = ()>, std::io::Error> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ready when someone wants the server to stop.
#[cfg(windows)]
fn stop() -> Result<impl Future<Output = ()>, std::io::Error> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
