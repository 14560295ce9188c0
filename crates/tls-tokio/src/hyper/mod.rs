//! For hyper's clients and servers.
//!
//! [`HttpsConnector`] is the connector of `hyper_util`'s client. [`Server`]
//! serves a hyper service, or a tower service such as axum's router
//! (`hyper_util::service::TowerToHyperService`). HTTP/1.1 or HTTP/2 is what
//! ALPN agrees on: name them in the config (`.alpn(["h2", "http/1.1"])`).

mod connection;
mod connector;
mod opening;
mod peer;
mod rewound;
mod serve;
mod stopping;
mod stream;

pub use connector::{ConnectError, HttpsConnector};
pub use peer::Peer;
pub use serve::{MAX_CONNECTIONS, OPENING_TIMEOUT, Server};
pub use stream::HttpsStream;

/// An error of any type, as hyper wants it.
type BoxError = Box<dyn std::error::Error + Send + Sync>;
