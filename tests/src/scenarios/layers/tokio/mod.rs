//! Scenarios of tokio's streams. The names begin with `tokio::`.

mod abandoned;
mod choosing;
mod dropping;
mod ending;
mod exchange;
mod failing;
mod faulty;
mod halves;
mod http;
mod kernel;
mod offloading;
mod panicking;
mod refusing;
mod rig;
mod slow;
mod trickling;

use polytls::tls::AnyBackend;

use crate::scenario::Scenario;

pub(super) fn scenarios() -> Vec<Scenario<AnyBackend, AnyBackend>> {
    let mut table = Vec::new();
    table.extend(exchange::scenarios());
    table.extend(ending::scenarios());
    table.extend(failing::scenarios());
    table.extend(refusing::scenarios());
    table.extend(trickling::scenarios());
    table.extend(halves::scenarios());
    table.extend(choosing::scenarios());
    table.extend(offloading::scenarios());
    table.extend(panicking::scenarios());
    table.extend(dropping::scenarios());
    table.extend(abandoned::scenarios());
    table.extend(kernel::scenarios());
    table.extend(http::scenarios());
    for scenario in &mut table {
        scenario.name.insert_str(0, "tokio::");
    }
    table
}
