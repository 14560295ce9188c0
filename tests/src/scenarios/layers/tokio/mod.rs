//! Scenarios of tokio.

use polytls::tls::AnyBackend;

use crate::scenario::Scenario;

pub(super) fn scenarios() -> Vec<Scenario<AnyBackend, AnyBackend>> {
    Vec::new()
}
