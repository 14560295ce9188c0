//! Scenarios of the readiness loop.
//!
//! One loop has both ends, unless the peer has to misbehave: then it is a
//! socket in the scenario's hands. The names begin with `poll::`.

mod deadlines;
mod ending;
mod exchange;
mod failing;
mod many;
mod pressure;
mod removing;
mod rig;
mod upgrade;

use polytls::tls::AnyBackend;

use crate::scenario::Scenario;

pub(super) fn scenarios() -> Vec<Scenario<AnyBackend, AnyBackend>> {
    let mut table = Vec::new();
    table.extend(exchange::scenarios());
    table.extend(ending::scenarios());
    table.extend(failing::scenarios());
    table.extend(deadlines::scenarios());
    table.extend(pressure::scenarios());
    table.extend(removing::scenarios());
    table.extend(upgrade::scenarios());
    table.extend(many::scenarios());
    for scenario in &mut table {
        scenario.name.insert_str(0, "poll::");
    }
    table
}
