//! A readiness loop over sockets, plain or TLS.
//!
//! A [`Poll`] owns the sockets and listeners that are added to it, waits for
//! all of them at once, and tells what happened as [`Event`]s. It makes
//! connections and does TLS handshakes by itself, sends what it holds when
//! there is room, and keeps every deadline. What is left to the application is
//! data: [`Connection::recv`] and [`Connection::send`], which never wait.
//!
//! ```
//! use poll::{Event, Events, Options, Poll};
//! use socket::{NoTls, PlainSocket, Step};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (near, mut far) = PlainSocket::pair()?;
//! let mut poll = Poll::<NoTls>::new()?;
//! let token = poll.add(near, &Options::new())?;
//! far.send_all(b"hello")?;
//!
//! let mut events = Events::new();
//! let mut buf = [0; 4096];
//! 'wait: loop {
//!     poll.poll(&mut events, None)?;
//!     for event in &events {
//!         if let Event::Readable(token) = event {
//!             let Some(mut connection) = poll.connection(*token) else { continue };
//!             while let Step::Ready(octets) = connection.recv(&mut buf) {
//!                 assert_eq!(&buf[..octets], b"hello");
//!                 connection.send(b"there")?;
//!                 break 'wait;
//!             }
//!         }
//!     }
//! }
//! # let mut got = [0; 5];
//! # far.recv_exact(&mut got)?;
//! # assert_eq!(&got, b"there");
//! # let _ = token;
//! # Ok(())
//! # }
//! ```
//!
//! # Events
//! A **condition** is told again by each call of [`Poll::poll`] until its cause
//! is consumed. A **transition** is told once. A **final** event is the last of
//! its connection: the next call of `poll` drops the connection and closes its
//! descriptor, and until then it can still be asked for its facts and counters,
//! or taken back with [`Poll::remove`].
//!
//! | event | kind | what happened | its cause is consumed by |
//! |---|---|---|---|
//! | [`Readable`](Event::Readable) | condition | a receive may bring something | `recv` until it is blocked, `pause_reading` |
//! | [`Incoming`](Event::Incoming) | condition | a client may be waiting | [`Poll::accept`] until `None`, [`Poll::set_accepting`] |
//! | [`Connected`](Event::Connected) | transition | the connection is made | |
//! | [`HandshakeDone`](Event::HandshakeDone) | transition | the TLS handshake is done | |
//! | [`Writable`](Event::Writable) | transition | there is room again after a send was cut short | |
//! | [`Ended`](Event::Ended) | transition | the peer has ended its direction cleanly | |
//! | [`AcceptPaused`](Event::AcceptPaused) | transition | a listener rests, for want of descriptors | |
//! | [`Timer`](Event::Timer), [`Woken`](Event::Woken) | transition | a timer is over, a [`Waker`] was used | |
//! | [`Truncated`](Event::Truncated) | final | the stream ended without the peer's `close_notify` | |
//! | [`HungUp`](Event::HungUp) | final | the peer has gone, in both directions | |
//! | [`Failed`](Event::Failed) | final | connecting, the handshake, TLS or the descriptor failed | |
//! | [`TimedOut`](Event::TimedOut) | final | a deadline is over; of [idleness](Deadline::Idle) it can be averted | |
//! | [`Closed`](Event::Closed) | final | both directions have ended in order | |
//!
//! Ends and failures are events alone, and never results of a receive: `recv`
//! brings data or is blocked. What came before an end or a failure is received
//! before it is told. `Readable` promises nothing: what came may have been a
//! message of TLS without data, and then `recv` is blocked at once.
//!
//! # How it waits
//! Below is [`mio`], which tells changes of readiness (edges), each once. The
//! loop remembers them: a connection stays ready until an operation was
//! blocked, and a read that found less than it had room for is the last that
//! asks the system until the next edge. So each descriptor is registered once,
//! for both directions, no change of interest costs a system call, and the same
//! holds on every system.
//! What TLS has decrypted or read ahead is ready as well, although the
//! descriptor is quiet. A read that waits to write, and a write that waits to
//! read, go on when the descriptor is ready in that direction.
//!
//! # Fairness
//! A turn is one call of [`Poll::poll`]. In each a connection hands out its
//! [budget](Options::read_budget) at most and makes one step of its handshake,
//! and a listener [`ACCEPTS_PER_TURN`] clients. The rest comes in the next turn,
//! behind the others.
//!
//! # Deadlines
//! They are in one ordered tree: setting one costs O(log n), and activity costs
//! nothing, because it only notes the time. The clock is read when a turn
//! begins to be handled, so what happens while events are handled counts as of
//! that moment.
//!
//! # Features
//! `tls` (on by default) lets the type parameter be any backend of `tls-core`.

#[cfg(not(target_pointer_width = "64"))]
compile_error!("the poll crate keeps 64 bits with each registration: it needs a 64-bit system");

mod accept;
mod connection;
mod deadlines;
mod error;
mod event;
mod link;
mod options;
mod output;
mod poll;
#[cfg(feature = "tls")]
mod tls;
mod waker;

pub use accept::{ACCEPT_PAUSE, ACCEPTS_PER_TURN, MAX_ACCEPT_PAUSE};
pub use connection::Connection;
pub use error::Error;
pub use event::{Deadline, Event, Events, TimerId, Token};
pub use options::{HIGH_WATERMARK, LOW_WATERMARK, Options, READ_BUDGET, WRITE_TIMEOUT};
pub use poll::{Load, Poll, Removed};
pub use waker::Waker;
