//! The scenarios, by subject.

mod alpn;
mod client_auth;
mod closing;
mod data;
mod error_table;
mod facts;
mod key_update;
pub mod layers;
mod names;
mod negotiation;
mod refusals;
mod secrets;
mod shared;
mod sockets;
pub mod solo;
mod sweeps;
mod threads;
mod trust;
mod versions;

use polytls::tls::TlsBackend;

use crate::scenario::Scenario;

/// How much of a sweep is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every offset, where that is affordable.
    Full,
    /// A sample: the same code is swept in full elsewhere.
    Sample,
}

/// The table of all scenarios over two backends.
pub fn all<C: TlsBackend, S: TlsBackend>(depth: Depth) -> Vec<Scenario<C, S>> {
    let mut table = Vec::new();
    table.extend(versions::scenarios());
    table.extend(negotiation::scenarios());
    table.extend(alpn::scenarios());
    table.extend(names::scenarios());
    table.extend(trust::scenarios());
    table.extend(client_auth::scenarios());
    table.extend(refusals::scenarios());
    table.extend(facts::scenarios());
    table.extend(secrets::scenarios());
    table.extend(key_update::scenarios());
    table.extend(data::scenarios());
    table.extend(closing::scenarios());
    table.extend(threads::scenarios());
    table.extend(error_table::scenarios());
    table.extend(sweeps::scenarios(depth));
    table.extend(sockets::scenarios(depth));
    table
}
