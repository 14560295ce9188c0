//! TLS on sockets, over a backend that is no TLS: what is tested is the
//! socket. The same over real backends is in the package `conformance`.

mod common;
mod enabling;
mod ending;
mod failing;
mod fake;
mod files;
mod routing;
mod waiting;
