//! TLS streams, connectors and acceptors for tokio, generic over the backend.
//!
//! - [`TlsConnector`] and [`TlsAcceptor`] turn a connected stream (a
//!   `TcpStream`, a pipe, another `TlsStream`) into a [`TlsStream`], which is
//!   `AsyncRead` and `AsyncWrite`.
//! - [`LazyAcceptor`] reads the ClientHello first and shows what the client
//!   asks for; then the config, and even the backend, is chosen.
//! - [`Offload`] moves the handshakes' computing to other threads, so many at
//!   once and no more.
//! - With the feature `hyper`: [`hyper::HttpsConnector`] for its clients,
//!   [`hyper::Server`] for its services and axum's routers.
//!
//! # Cancelling
//! Every future here may be dropped at any point. A read or a write that is
//! dropped has lost nothing and sent nothing twice: what it did is in the
//! stream, and the next call goes on from there. A handshake that is dropped
//! drops the connection.
//!
//! # The runtime
//! A handshake with a timeout, which is the default, needs tokio's timer:
//! a runtime without it panics in [`tokio::time::sleep_until`]. Nothing else
//! here needs a runtime, except [`Offload`] and the feature `hyper`.

mod acceptor;
mod connector;
mod deadline;
mod error;
mod fallible;
mod handshake;
#[cfg(feature = "hyper")]
pub mod hyper;
mod kernel;
mod lazy;
mod lent;
mod offload;
mod offloaded;
mod replay;
mod stream;
mod waiting;

pub use client_hello::ClientHello;

pub use acceptor::TlsAcceptor;
pub use connector::TlsConnector;
pub use deadline::HANDSHAKE_TIMEOUT;
pub use error::{Error, Failed};
pub use fallible::Fallible;
pub use handshake::Handshake;
pub use lazy::{LazyAcceptor, Started};
pub use offload::Offload;
pub use stream::TlsStream;
