//! One TLS API over several TLS libraries.
//!
//! This is the facade: sockets, the contract and the backends in one place.
//! It is the only crate with a feature for each backend. The features only
//! add:
//!
//! - `rustls` (the default);
//! - `openssl` (the system's library) and `openssl-vendored` (built from source);
//! - `boring` (BoringSSL; its build needs CMake and libclang);
//! - `native-tls` (the platform's library) and `native-tls-vendored` (where
//!   that is OpenSSL, built from source);
//! - `all-backends`.
//!
//! Others bring what is built on sockets, over any backend: `poll` (a readiness
//! loop), `pool` (connection pools), `tokio` (streams, connector and acceptor)
//! and `hyper` (its clients and servers).
//!
//! Without any backend the sockets are plain and no TLS crate is in the tree.
//! `boring` beside OpenSSL needs two lines in the workspace's
//! `.cargo/config.toml`; a build without them stops and tells which.
//!
//! Start at [`Backend`], then [`tls::ClientConfig`] or [`tls::ServerConfig`],
//! then [`Socket`].
#![cfg_attr(
    feature = "tls",
    doc = r#"
# Example
```no_run
use std::io::Read;
use polytls::tls::{ClientConfig, Roots, TlsBackend, parse_server_name};
use polytls::{Backend, HANDSHAKE_TIMEOUT, Socket};

let backend = Backend::by_name("rustls")?;
let config = ClientConfig::builder().roots(Roots::system()?).alpn(["http/1.1"]).build()?;
// Whatever this backend cannot honour is refused here.
let context = backend.client(&config)?;
let name = parse_server_name("example.com")?;
let mut socket = Socket::connect_tls("example.com:443", &backend, &context, &name, HANDSHAKE_TIMEOUT)?;
socket.send_all(b"GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")?;
let mut answer = Vec::new();
socket.read_to_end(&mut answer)?;
println!("{:?}", socket.facts());
# Ok::<(), Box<dyn std::error::Error>>(())
```
"#
)]

#[cfg(feature = "tls")]
mod choice;

pub use socket::*;

/// The contract: backend and session traits, configuration, errors, facts.
#[cfg(feature = "tls")]
pub use tls_core as tls;

#[cfg(feature = "tls")]
pub use choice::{Backend, BackendVisitor, visit_backends};

/// The readiness loop.
#[cfg(feature = "poll")]
pub use poll;

/// Connection pools. With the feature `tokio`, for its tasks too.
#[cfg(feature = "pool")]
pub use pool;

/// Streams, connector and acceptor for tokio.
#[cfg(feature = "tokio")]
pub use tls_tokio as tokio;

/// The BoringSSL backend.
#[cfg(feature = "boring")]
pub use tls_boring as boring;

/// The native-tls backend.
#[cfg(feature = "native-tls")]
pub use tls_native as native;

/// The OpenSSL backend.
#[cfg(feature = "openssl")]
pub use tls_openssl as openssl;

/// The rustls backend.
#[cfg(feature = "rustls")]
pub use tls_rustls as rustls;

/// The guide's examples are compiled and run as tests of this crate.
#[cfg(all(doctest, feature = "rustls"))]
mod guide {
    #[doc = include_str!("../../../docs/src/concepts.md")]
    mod concepts {}
    #[doc = include_str!("../../../docs/src/configuration.md")]
    mod configuration {}
    #[doc = include_str!("../../../docs/src/errors.md")]
    mod errors {}
    #[doc = include_str!("../../../docs/src/sockets.md")]
    mod sockets {}
    #[doc = include_str!("../../../docs/src/kernel-tls.md")]
    mod kernel_tls {}
    #[cfg(feature = "poll")]
    #[doc = include_str!("../../../docs/src/loop.md")]
    mod readiness_loop {}
    #[cfg(feature = "tokio")]
    #[doc = include_str!("../../../docs/src/async.md")]
    mod asynchronous {}
    #[cfg(all(feature = "poll", feature = "pool", feature = "tokio"))]
    #[doc = include_str!("../../../docs/src/pools.md")]
    mod pools {}
    #[doc = include_str!("../../../README.md")]
    mod readme {}
}
