//! native-tls as a backend of polytls.
//!
//! [`Native`] implements the contract of `tls-core` over the `native-tls`
//! crate: OpenSSL on most systems, SChannel on Windows, Secure Transport on
//! Apple's. It is the backend with the fewest settings, and what it lacks is
//! refused. On Windows and Apple's systems it has not been run.
//!
//! # Where it differs
//! native-tls hides the library under it, and decides what no setting reaches.
//! Over OpenSSL that is:
//! - A server speaks TLS 1.2 alone, with suites in its own order, and resumes
//!   the sessions of clients that ask for it.
//! - A certificate chain is judged by OpenSSL's own rules: a path may have
//!   more than six intermediates, a root's own validity counts, and of several
//!   faults the first that the library meets is told. Its alert is the
//!   library's choice. So `CERTIFICATE_RULES` is not advertised. Roots that are
//!   not signed by themselves, and identities with weak keys or signatures, are
//!   refused when the config is built.
//! - What OpenSSL lets pass in the server's own certificate is refused here
//!   once the handshake is done, without an alert: a CA's certificate, a key
//!   that may not sign, a host name in the common name alone.
//! - A client whose chain is its own certificate alone sends those of its
//!   roots that have issued it as well.
//! - The answer to a peer's KeyUpdate leaves with the next data.
//! - A peer that asks a client to renegotiate ends the session.
//! - OpenSSL's configuration file (`openssl.cnf`) stays in force.
//!
//! What the contract has no word for is reached through native-tls's own
//! types: [`Library::tls_stream`] of a session's
//! [`library`](NativeSession::library), [`ClientContext::connector`] and
//! [`ServerContext::acceptor`].

mod backend;
mod client;
mod identity;
mod info;
mod library;
mod peers;
mod platform;
mod records;
mod roots;
mod server;
mod stream;
#[cfg(all(test, not(any(windows, target_vendor = "apple"))))]
mod tests;
mod version;

pub use backend::Native;
pub use client::ClientContext;
pub use library::{Library, NativeSession};
pub use server::ServerContext;
pub use stream::Stream;
