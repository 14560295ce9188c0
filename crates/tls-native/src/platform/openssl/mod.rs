//! native-tls over OpenSSL.

mod abilities;
mod certificates;
mod error;
mod ffi;
mod queue;
mod verify_codes;

pub(crate) use abilities::{capabilities, lets_renegotiate, library};
pub(crate) use certificates::{can_be_root, checked_key, judge};
pub(crate) use error::translate;
#[cfg(test)]
pub(crate) use ffi::ask_to_renegotiate;
pub(crate) use queue::{clear_errors, leftover_errors, scoped};
