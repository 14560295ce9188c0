//! Parts that several backends are made of: those whose library is written in
//! C, or owns its stream as if it were.
//!
//! Such a library is driven by [`Session`], which implements the contract of
//! `tls-core` once for all of them: staging, order, blocking, sticky errors.
//! The backend implements [`Library`], a call for a call. [`Grounds`] holds the
//! order in which the faults of a certificate chain count, [`x509`] and
//! [`openssl`] tell what a library's codes stand for, [`pkcs8`] reads keys that
//! a library does not, [`Recent`] keeps what the last peers have shown.

mod gather;
mod grounds;
mod library;
pub mod openssl;
pub mod pkcs8;
mod recent;
mod session;
pub mod x509;

pub use grounds::{Class, Grounds};
pub use library::{Library, Pause};
pub use recent::Recent;
pub use session::Session;
