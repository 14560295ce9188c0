//! The loop over plain sockets: it behaves the same with and without the `tls`
//! feature.

mod common;
mod deadlines;
mod ending;
mod fairness;
mod levels;
mod listening;
mod many;
mod output;
mod removing;
