//! The `polytls` command from the outside.

mod exit_codes;
mod interop;
mod support;
