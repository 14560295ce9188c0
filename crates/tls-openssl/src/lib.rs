//! OpenSSL as a backend of polytls.
//!
//! [`OpenSsl`] implements the contract of `tls-core` over the `openssl` crate:
//! the system's OpenSSL 3, or one built from source with the feature
//! `vendored`. What the library can do is asked of it at run time.
//!
//! Every setting that a config does not name is set all the same, so that
//! neither the library's defaults nor its configuration file (`openssl.cnf`)
//! decides how a session behaves. The process-wide parts of that file, the
//! choice of providers above all, stay in force.
//!
//! What the contract has no word for is reached through the library's own
//! types: [`OpenSslLibrary::ssl`], [`ClientContext::ssl_context`] and
//! [`ServerContext::ssl_context`].

mod backend;
mod client;
mod context;
mod error;
mod facts;
mod ffi;
mod identity;
mod info;
mod names;
mod notes;
mod parsed;
mod queue;
mod roots;
mod server;
mod session;
mod signing;
#[cfg(test)]
mod testing;
mod verify;

pub use backend::OpenSsl;
pub use client::ClientContext;
pub use server::ServerContext;
pub use session::{OpenSslLibrary, OpenSslSession};
