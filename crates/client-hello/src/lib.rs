//! Reads a TLS ClientHello before any TLS library does.
//!
//! A server that serves several names, protocols or backends on one port has
//! to see what the client asks for before it can choose. [`ClientHelloReader`]
//! is given bytes as they arrive, in pieces of any size, and answers the
//! [`ClientHello`] once it is whole. It takes nothing away: the caller keeps
//! the bytes and hands them to the session that it chooses, or to another
//! server.
//!
//! It is strict where it looks: a field that breaks its format is an
//! [`Error`] that names it, as is a peer that does not speak TLS. What it does
//! not know it skips. It holds 64 KiB at most ([`MAX_HELLO_OCTETS`]).
//!
//! ```
//! use client_hello::{ClientHelloReader, Error};
//!
//! let mut reader = ClientHelloReader::new();
//! // Half a record's header says nothing yet.
//! assert!(reader.push(&[22, 3])?.is_none());
//! // Another protocol is told at its first bytes.
//! let other = ClientHelloReader::new().push(b"GET / HTTP/1.1\r\n");
//! assert_eq!(other.err(), Some(Error::NotTls { http: true }));
//! # Ok::<(), Error>(())
//! ```

mod error;
mod fields;
mod hello;
mod reader;

pub use error::Error;
pub use hello::ClientHello;
pub use reader::{ClientHelloReader, MAX_HELLO_OCTETS};
