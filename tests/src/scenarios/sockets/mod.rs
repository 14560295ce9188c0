//! TLS over real sockets: TCP, Unix sockets and pairs.
//!
//! Both sides are descriptors of the system and run on two threads, or in one
//! loop of readiness. Every wait has a limit, and nothing sleeps to let the
//! other side come first. The names of these scenarios begin with `sockets::`.

mod both_ways;
mod deadlines;
mod ends;
mod exchange;
mod facts;
mod hostile;
mod kernel_tls;
mod key_update;
mod options;
mod plain_again;
mod poll;
mod raw;
mod resets;
mod send_file;
mod shutdown;
mod statistics;
mod steps;
mod tapped;
mod truncation;
mod unread;
mod upgrade;

use polytls::tls::TlsBackend;

use crate::scenario::Scenario;
use crate::scenarios::Depth;

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>(depth: Depth) -> Vec<Scenario<C, S>> {
    let mut table = Vec::new();
    table.extend(exchange::scenarios());
    table.extend(send_file::scenarios());
    table.extend(statistics::scenarios());
    table.extend(upgrade::scenarios());
    table.extend(steps::scenarios());
    table.extend(deadlines::scenarios());
    table.extend(unread::scenarios());
    table.extend(hostile::scenarios());
    table.extend(resets::scenarios());
    table.extend(shutdown::scenarios());
    table.extend(truncation::scenarios());
    table.extend(plain_again::scenarios());
    table.extend(key_update::scenarios());
    table.extend(kernel_tls::scenarios(depth));
    table.extend(both_ways::scenarios());
    table.extend(facts::scenarios());
    table.extend(raw::scenarios());
    table.extend(options::scenarios());
    for scenario in &mut table {
        scenario.name.insert_str(0, "sockets::");
    }
    table
}
