//! What is built on sockets and sessions: the loop, tokio's streams, pools.
//!
//! They are generic over the backend as sockets are, and that the erased
//! backend behaves like the others is shown below them; so these run over
//! every pair of backends behind [`AnyBackend`] alone.

mod poll;
mod pool;
mod tokio;

use polytls::tls::AnyBackend;

use crate::scenario::Scenario;

/// The table of all scenarios of these layers.
pub fn all() -> Vec<Scenario<AnyBackend, AnyBackend>> {
    let mut table = Vec::new();
    table.extend(poll::scenarios());
    table.extend(tokio::scenarios());
    table.extend(pool::scenarios());
    table
}
