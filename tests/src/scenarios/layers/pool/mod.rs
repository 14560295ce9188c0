//! Scenarios of pools. The names of those that are played on the pool for
//! threads begin with `pool::`, and on the one for tasks with `tokio::pool::`;
//! those of servers with `poll::server::` and `tokio::server::`.

mod cancelling;
mod door;
mod drain;
mod faults;
mod front;
mod reuse;
mod rig;
mod serving;
mod tasks;
mod threads;
mod turns;
mod unfit;

use polytls::tls::AnyBackend;

use crate::scenario::Scenario;

use front::Front;
use tasks::Tasks;
use threads::Threads;

type Table = Vec<Scenario<AnyBackend, AnyBackend>>;

pub(super) fn scenarios() -> Table {
    let mut threads = rules::<Threads>();
    threads.extend(door::scenarios());
    let mut tasks = rules::<Tasks>();
    tasks.extend(cancelling::scenarios());
    let mut table = named("pool::", threads);
    table.extend(named("tokio::pool::", tasks));
    table.extend(named("poll::server::", serving::on_loop()));
    table.extend(named("tokio::server::", serving::on_tasks()));
    table
}

/// What holds for both fronts.
fn rules<F: Front>() -> Table {
    let mut table = Vec::new();
    table.extend(reuse::scenarios::<F>());
    table.extend(unfit::scenarios::<F>());
    table.extend(turns::scenarios::<F>());
    table.extend(faults::scenarios::<F>());
    table.extend(drain::scenarios::<F>());
    table
}

fn named(prefix: &str, mut table: Table) -> Table {
    for scenario in &mut table {
        scenario.name.insert_str(0, prefix);
    }
    table
}
