//! BoringSSL as a backend of polytls.
//!
//! [`Boring`] implements the contract of `tls-core` over the `boring` crate,
//! which builds the library from source (CMake and libclang are needed). What
//! the library can do is asked of it at run time.
//!
//! Every setting that a config does not name is set all the same, so that the
//! library's defaults do not decide how a session behaves. The library has
//! fewer checks of certificates than the other backends' have, and other
//! alerts for some; what is missing is checked here, so that a peer is refused
//! for the same reason on every backend.
//!
//! What stays different, because the library decides it:
//!
//! - In TLS 1.3 a certificate whose key usage forbids signing is refused even
//!   by a client that accepts any; and this side presents none with an EC key.
//! - A certificate that cannot be parsed is refused with `decode_error`.
//! - After 32 KeyUpdates without data between them the peer is refused.
//! - A peer that asks to renegotiate is refused, in both roles.
//!
//! What the contract has no word for is reached through the library's own
//! types: [`BoringLibrary::as_ptr`], [`ClientContext::ssl_context`] and
//! [`ServerContext::ssl_context`].

mod backend;
mod client;
mod context;
mod error;
mod facts;
mod ffi;
mod gate;
mod hello;
mod identity;
mod info;
mod names;
mod notes;
mod peers;
mod presented;
mod queue;
mod roots;
mod server;
mod session;
mod signing;
#[cfg(test)]
mod testing;
mod verify;

pub use backend::Boring;
pub use client::ClientContext;
pub use server::ServerContext;
pub use session::{BoringLibrary, BoringSession};
