//! What a TLS session is lent for the length of one call.
//!
//! A session never owns its socket: each call borrows a [`Transport`], and
//! says with [`Step::Blocked`] which direction it waits for when the transport
//! can do no more. That keeps blocking a value, lets a plain socket turn into
//! a TLS socket in place, and lets tests lend memory instead of a socket.
//!
//! The crate knows nothing of TLS, so that a plain socket needs no TLS crate.

mod descriptor;
mod io_error;
mod step;
mod transport;

#[cfg(unix)]
pub use descriptor::WithDescriptor;
pub use io_error::IoError;
pub use step::{Interest, Step};
pub use transport::Transport;
