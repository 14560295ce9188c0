//! One TLS API over several TLS libraries.
//!
//! The facade: the only crate with a feature for each backend. See
//! [`Backend`] for the choice at run time.

#[cfg(feature = "tls")]
mod choice;

#[cfg(feature = "tls")]
pub use choice::{Backend, BackendVisitor, visit_backends};

/// The contract: traits, configuration, errors and facts.
#[cfg(feature = "tls")]
pub use tls_core as tls;

/// The OpenSSL backend.
#[cfg(feature = "openssl")]
pub use tls_openssl as openssl;

/// The rustls backend.
#[cfg(feature = "rustls")]
pub use tls_rustls as rustls;
