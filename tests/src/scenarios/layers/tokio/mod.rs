//! Scenarios of tokio's streams. The names begin with `tokio::`.

mod choosing;
mod dropping;
mod ending;
mod exchange;
mod failing;
mod http;
mod offloading;
mod rig;
mod slow;

use polytls::tls::AnyBackend;

use crate::scenario::Scenario;

pub(super) fn scenarios() -> Vec<Scenario<AnyBackend, AnyBackend>> {
    let mut table = Vec::new();
    table.extend(exchange::scenarios());
    table.extend(ending::scenarios());
    table.extend(failing::scenarios());
    table.extend(choosing::scenarios());
    table.extend(offloading::scenarios());
    table.extend(dropping::scenarios());
    table.extend(http::scenarios());
    for scenario in &mut table {
        scenario.name.insert_str(0, "tokio::");
    }
    table
}
