//! Streams and listeners, plain or TLS.
//!
//! A [`Socket`] is a connected stream: TCP, Unix, a pair, or an adopted
//! descriptor. It sends and receives the same way whether TLS is on or not,
//! and TLS can be turned on (and, after a clean end, off) in place. The type
//! parameter is the TLS backend; [`NoTls`] is the default, and costs nothing.
//!
//! ```
//! use socket::{PlainListener, PlainSocket};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), socket::Error> {
//! let listener = PlainListener::bind_tcp("127.0.0.1:0")?;
//! let port = listener.local_addr()?.port().unwrap_or_default();
//! let mut client = PlainSocket::connect_tcp(("127.0.0.1", port), socket::CONNECT_TIMEOUT)?;
//! let (mut server, from) = listener.accept()?;
//! assert_eq!(from, client.local_addr()?);
//!
//! server.set_read_timeout(Some(Duration::from_secs(5)));
//! client.send_all(b"hello")?;
//! let mut greeting = [0; 5];
//! server.recv_exact(&mut greeting)?;
//! assert_eq!(&greeting, b"hello");
//! # Ok(())
//! # }
//! ```
//!
//! # Waiting
//! Each operation says in its name whether it waits.
//! - `send`, `recv` and their kin wait, up to the socket's
//!   [read timeout](Socket::set_read_timeout), its
//!   [write timeout](Socket::set_write_timeout) and its
//!   [deadline](Socket::set_deadline), and then answer [`Error::Timeout`].
//!   What can be done without waiting is done even when the time is over; a
//!   full-length operation then stops between two of its parts.
//! - `try_send`, `try_recv` and their kin never wait: they answer
//!   [`Step::Blocked`] with the direction to wait for.
//!
//! [`send_file`](Socket::send_file) and [`try_send_file`](Socket::try_send_file)
//! do the same from a file, by the shortest route there is.
//!
//! [`Read`](std::io::Read) and [`Write`](std::io::Write) do the first, or the
//! second on a socket that was [set non-blocking](Socket::set_nonblocking).
//!
//! # Features
//! `tls` (on by default) lets the type parameter be any backend of `tls-core`.
//! Without it no TLS crate is in the tree, and nothing else changes.

#[cfg(not(unix))]
compile_error!("the socket crate needs a Unix system: it waits with poll(2) and owns descriptors");

mod address;
mod budget;
mod connect;
mod error;
mod file_pieces;
mod input;
mod layer;
mod listen_options;
mod listener;
mod options;
mod receive;
mod send;
mod send_file;
mod sendfile;
mod shutdown;
mod socket;
mod statistics;
mod std_io;
#[cfg(feature = "tls")]
mod tls;
mod wire;

pub use transport::{Interest, IoError, Step};

pub use address::Address;
pub use connect::CONNECT_TIMEOUT;
pub use error::{Error, Operation, Refusal};
pub use layer::{Layer, NoTls};
pub use listen_options::ListenOptions;
pub use listener::{Listener, PlainListener};
pub use options::Keepalive;
pub use send_file::{FileSent, Route};
pub use shutdown::{MAX_DISCARDED_OCTETS, SHUTDOWN_TIMEOUT};
pub use socket::{PlainSocket, Socket};
pub use statistics::{Flow, Statistics};
#[cfg(feature = "tls")]
pub use tls::HANDSHAKE_TIMEOUT;
