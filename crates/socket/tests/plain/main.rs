//! Plain sockets: they behave the same with and without the `tls` feature.

mod common;
mod connecting;
mod files;
mod listening;
mod options;
mod shutdown;
mod streams;
mod transfer;
mod waiting;
