//! Scenarios of pools.

mod door;
mod drain;
mod faults;
mod reuse;
mod rig;
mod turns;
mod unfit;

use polytls::tls::AnyBackend;

use crate::scenario::Scenario;

pub(super) fn scenarios() -> Vec<Scenario<AnyBackend, AnyBackend>> {
    let mut table = Vec::new();
    table.extend(reuse::scenarios());
    table.extend(unfit::scenarios());
    table.extend(turns::scenarios());
    table.extend(faults::scenarios());
    table.extend(drain::scenarios());
    table.extend(door::scenarios());
    table
}
