//! hyper's client over any backend of the build: gets one address, and shows
//! the version of HTTP, the status and the body.
//!
//! ```sh
//! cargo run -p polytls --features hyper --example https_client -- https://example.com/
//! ```

use std::error::Error;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use axum::http::Uri;
use clap::{Parser, ValueEnum};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use polytls::Backend;
use polytls::tls::{ClientConfig, Roots};
use polytls::tokio::TlsConnector;
use polytls::tokio::hyper::HttpsConnector;

/// Get an address over HTTPS.
#[derive(Parser)]
struct Args {
    /// What to get
    #[arg(value_name = "URL")]
    uri: Uri,
    /// The TLS library: rustls, openssl, boring or native-tls, if the build has several
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Trust these CAs (PEM) instead of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Offer this version alone
    #[arg(long, value_name = "VERSION")]
    http: Option<Http>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Http {
    #[value(name = "1.1")]
    One,
    #[value(name = "2")]
    Two,
}

#[tokio::main]
async fn main() -> ExitCode {
    match fetch(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("https_client: {}", with_sources(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn fetch(args: Args) -> Result<(), Box<dyn Error>> {
    let backend = Backend::choose(args.backend.as_deref())?;
    let roots = match &args.ca {
        Some(path) => Roots::from_pem_file(path)?,
        None => Roots::system()?,
    };
    let offered: &[&str] = match args.http {
        None => &["h2", "http/1.1"],
        Some(Http::One) => &["http/1.1"],
        Some(Http::Two) => &["h2"],
    };
    let config = ClientConfig::builder().roots(roots).alpn(offered).build()?;
    // What this backend cannot honour is refused here, before anything is sent.
    let connector = TlsConnector::from_config(backend, &config)?;
    // One client for a whole program: it keeps connections.
    let client = Client::builder(TokioExecutor::new())
        .http2_only(args.http == Some(Http::Two))
        .build::<_, Empty<&[u8]>>(HttpsConnector::new(connector));

    let response = client.get(args.uri).await?;
    let mut out = stdout();
    writeln!(out, "{:?} {}", response.version(), response.status())?;
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            out.write_all(&data)?;
        }
    }
    Ok(())
}

/// hyper says where it failed, and TLS below it says why.
fn with_sources(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words = format!("{words}: {error}");
        source = error.source();
    }
    words
}
