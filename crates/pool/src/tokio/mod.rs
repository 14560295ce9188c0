//! The pool for tokio's tasks: the twin of the pool for threads that wait, with
//! the same rules and the same names. What is not here is shared:
//! [`Options`](crate::Options), [`Target`](crate::Target), [`Tls`](crate::Tls),
//! [`Error`](crate::Error), [`Statistics`](crate::Statistics).
//!
//! ```
//! use std::time::Duration;
//! use pool::tokio::Pool;
//! use pool::{Options, Target};
//! use tokio::io::AsyncWriteExt;
//! # use socket::PlainListener;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let listener = PlainListener::bind_tcp("127.0.0.1:0")?;
//! # let address = listener.local_addr()?.ip().ok_or("no IP address")?;
//! let pool: Pool = Pool::new(Options::new())?;
//! let target = Target::plain(address);
//!
//! for _ in 0..2 {
//!     let mut connection = pool.get(&target, Duration::from_secs(5)).await?;
//!     connection.write_all(b"request").await?;
//!     connection.release().map_err(|unfit| format!("{unfit:?}"))?;
//! }
//! assert_eq!(pool.statistics().connected, 1);
//! assert_eq!(pool.statistics().reused, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Cancelling
//! Every future here may be dropped at any point. A caller that goes away gives
//! its turn, its connection or its room for one to the next, and its half-made
//! connection is closed. A thread that resolves a name for it lives until the
//! resolver gives up, and has no place in the pool any more.
//!
//! # The runtime
//! It needs tokio's I/O and timers: a runtime without them panics. Time is
//! [`tokio::time::Instant`], which tests can pause. A
//! connection belongs to the runtime that it was made on, whose driver wakes
//! whoever waits for it: when that ends, its connections fail the check before
//! they are used again. Where each thread has a runtime of its own, give each
//! its own pool.

mod check;
mod connect;
mod guard;
mod io;
mod pool;
mod stream;

pub use guard::Pooled;
pub use io::Io;
pub use pool::Pool;
pub use stream::Stream;
