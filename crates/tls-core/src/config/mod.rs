//! What a session is allowed and asked to do.
//!
//! A config is plain data: it is checked here, once, for what is wrong
//! whatever the backend, and by [`Protocol::check`] for what a backend lacks.

mod client;
mod protocol;
mod server;

pub use client::{
    ClientConfig, ClientConfigBuilder, DangerousClientConfigBuilder, ServerVerification,
};
pub use protocol::Protocol;
pub use server::{ClientAuth, ServerConfig, ServerConfigBuilder};
