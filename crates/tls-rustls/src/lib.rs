//! The rustls backend of polytls.
//!
//! [`Rustls`] is the backend value. With the default feature `aws-lc-rs` it
//! has a `Default`; any other [`CryptoProvider`](rustls::crypto::CryptoProvider)
//! is given by value with [`Rustls::with_provider`]. The provider that a
//! process may have installed is neither read nor set.
//!
//! What rustls does in its own way:
//! - A certificate of X.509 version 1 is never accepted from a peer, not even
//!   where any certificate is: rustls does not read its key.
//! - A signature in the chain that an issuer of the right name did not make is
//!   [`BadSignature`](tls_core::CertificateError::BadSignature), because the
//!   issuer is looked up by name alone.
//! - A path has six intermediate certificates at most.
//! - A record that is too long or of an unknown type is answered with
//!   `decode_error`. The error on this side is the same as on any backend.
//! - A `close_notify` in the middle of a handshake is
//!   [`Truncated`](tls_core::Error::Truncated). Before TLS 1.3 is negotiated
//!   rustls passes over it, and the end of the transport behind it says so.
//!
//! To get at rustls itself: [`RustlsSession::connection`],
//! [`ClientContext::config`], [`ServerContext::config`]. A connection that is
//! made from such a config without this crate obeys it, but its errors for a
//! refused certificate tell little more than the alert.

mod backend;
mod certificate;
mod chain;
mod client;
mod der;
mod error;
mod exporter;
mod facts;
mod identity;
mod info;
mod key_log;
mod last_words;
mod names;
mod notes;
mod provider;
mod record;
mod resolver;
mod roots;
mod server;
mod session;
mod tally;
#[cfg(all(test, feature = "aws-lc-rs"))]
mod tests;
mod verifier;
mod wire;

pub use backend::Rustls;
pub use client::ClientContext;
pub use rustls;
pub use server::ServerContext;
pub use session::RustlsSession;
