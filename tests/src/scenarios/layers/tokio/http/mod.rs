//! hyper's clients and servers over TLS. The names begin with `tokio::hyper::`.

mod admitting;
mod exchange;
mod failing;
mod frames;
mod opening;
mod site;
mod staying;
mod stopping;
mod upgrading;

use super::rig::AsyncScenario;

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    let mut table = Vec::new();
    table.extend(exchange::scenarios());
    table.extend(opening::scenarios());
    table.extend(staying::scenarios());
    table.extend(upgrading::scenarios());
    table.extend(admitting::scenarios());
    table.extend(failing::scenarios());
    table.extend(stopping::scenarios());
    for scenario in &mut table {
        scenario.name.insert_str(0, "hyper::");
    }
    table
}
