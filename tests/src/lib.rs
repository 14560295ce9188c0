//! Scenarios that every pair of backends must pass.
//!
//! The harness: a [PKI](pki), a [pipe] in memory, [faults] to play on it, a
//! backend that is [held to the contract](checked) at every call, and a
//! [pair] of sessions that are driven against each other. The
//! [scenarios] are functions over a client's and a server's backend; the test
//! binary `scenarios` runs them over every pair that is compiled in.
//!
//! To add a scenario, write a function over a [`scenario::Case`] that panics
//! when something is wrong, and put it into its module's table with what it
//! needs of each side and which capabilities a pass proves. A case shows as
//! `scenario::version::client::server`, as `static` over the backends' own
//! types and as `any` behind `AnyBackend`.

pub mod checked;
pub mod faults;
pub mod masked;
pub mod pair;
pub mod pipe;
pub mod pki;
pub mod scenario;
pub mod scenarios;
pub mod wire;
