//! Keep-alive pools of client connections, and the admission of a server's.
//!
//! # Client
//! A [`Pool`] keeps connections to any number of [`Target`]s and gives them out
//! again. A target is an [`Endpoint`], plain or with TLS; a TLS connection
//! serves only callers whose whole config is the same. The guard, [`Pooled`],
//! is a socket, which goes back when the caller says that its exchange is
//! complete.
//!
//! ```
//! use std::time::Duration;
//! use pool::{Options, Pool, Target};
//! use socket::{NoTls, PlainListener};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = PlainListener::bind_tcp("127.0.0.1:0")?;
//! let address = listener.local_addr()?.ip().ok_or("no IP address")?;
//! let pool = Pool::<NoTls>::new(Options::new())?;
//! let target = Target::plain(address);
//!
//! for _ in 0..2 {
//!     let mut connection = pool.get(&target, Duration::from_secs(5))?;
//!     connection.send_all(b"request")?;
//!     connection.release().map_err(|unfit| format!("{unfit:?}"))?;
//! }
//! assert_eq!(pool.statistics().connected, 1);
//! assert_eq!(pool.statistics().reused, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Threads and tasks
//! [`Pool`] is for threads that wait. With the feature `tokio`, the module of
//! that name has its twin for tasks: same rules, same names, one core.
//!
//! # Server
//! [`server`] limits who connects, and ends connections in order.

mod blocking;
mod check;
mod connect;
mod core;
mod endpoint;
mod error;
mod eyeballs;
mod guard;
mod key;
mod options;
mod resolve;
pub mod server;
mod shared;
mod target;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use blocking::Pool;
pub use check::Unfit;
pub use core::{Drained, State, Statistics};
pub use endpoint::Endpoint;
pub use error::{Error, WaitingFor};
pub use guard::Pooled;
pub use options::Options;
pub use resolve::Resolve;
pub use target::Target;
#[cfg(feature = "tls")]
pub use tls::Tls;
