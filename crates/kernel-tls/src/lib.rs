//! Kernel TLS for every backend: one implementation above the libraries.
//!
//! A library does the handshake; then the kernel makes and opens the records
//! (Linux, module `tls`), and the session passes plaintext through its
//! transport. The keys come from the traffic secrets that each library shows
//! to a key log, so no library has to know of it.
//!
//! A backend whose config
//! [prefers](tls_core::Protocol::prefers_kernel_tls) it gives its session a
//! [`Handover`], and the handover the library's [`Secrets`]. Until the
//! handshake is done the session reads through [`Handover::wire`], which stops
//! at the border of each record: so nothing of the peer's data is in the
//! library when the kernel takes over, and both directions begin with record
//! 0. [`Handover::settle`] then makes an [`Offload`], to which the calls go from
//! there on, or leaves everything as it is.
//!
//! What the kernel decides, and is different from a library:
//! - A record whose header is damaged in its type fails authentication
//!   ([`BadCryptography`](tls_core::PeerMisbehaved::BadCryptography)); the
//!   kernel does not look at the type before.
//! - It makes records of what is given to one call, and takes what its send
//!   buffer has room for. A record may be in the kernel, but not in the queue
//!   of TCP. [`close`](Offload::close) waits for that; a descriptor that is
//!   dropped without it may lose the end of what was written.

#![cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "only Linux has anything to drive")
)]

mod cipher;
mod handover;
mod kernel;
#[cfg(target_os = "linux")]
mod linux;
mod messages;
mod offload;
mod one_record;
#[cfg(not(target_os = "linux"))]
mod other;
mod schedule;
mod secrets;

pub use handover::{Finished, Handover};
pub use kernel::capabilities;
pub use offload::Offload;
pub use one_record::OneRecordAtATime;
pub use secrets::Secrets;
