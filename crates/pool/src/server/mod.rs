//! The server's side: who may connect, and how connections end.
//!
//! An [`Admission`] is asked when a connection was accepted, and its permit is
//! kept in the [`Registry`] as long as the connection lives. Both are told the
//! time, do no I/O, and work with any loop or runtime. So does a
//! [`HandshakeTurn`]: it is a future, and knows nothing but its waker.

mod admission;
mod handshakes;
mod rate;
mod registry;

pub use admission::{Admission, AdmissionStatistics, Limits, Permit, Refusal};
pub use handshakes::{HandshakePermit, HandshakeTurn};
pub use rate::Rate;
pub use registry::{Action, Entry, Id, Registry};
