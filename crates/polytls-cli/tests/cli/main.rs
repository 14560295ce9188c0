//! The `polytls` command from the outside.

mod client;
mod draining;
mod exit_codes;
mod interop;
mod proxying;
mod server;
mod serving;
mod support;
mod truncating;
mod upstream;
