//! Each backend beside the same library used directly.
//!
//! A benchmark exists twice: `ours` goes through the traits of `tls-core`, and
//! over TCP through [`socket::Socket`]; `raw` uses the library as an expert
//! would. The pair shares certificates, version, suite, group, buffer sizes
//! and the peer, so that the ratio of the two is what the abstraction costs.
//!
//! [`scenario::all`] lists the pairs. A family of scenarios has a file in
//! [`families`], an instrument one beside this: [`wall`], [`calls`], [`heap`],
//! [`idle`]. [`soak`] is no benchmark but a test of the loop.
//! Instructions and allocations are counted from outside: `run` does one side
//! of a pair, and callgrind looks at [`meter::Meter::measure`] alone.

pub mod about;
pub mod asynchronous;
pub mod calls;
pub mod crowd;
pub mod families;
pub mod heap;
pub mod idle;
pub mod library;
mod limits;
pub mod material;
pub mod meter;
pub mod ours;
pub mod pipe;
pub mod raw;
pub mod report;
pub mod scenario;
pub mod settings;
pub mod soak;
pub mod statistics;
pub mod wall;
