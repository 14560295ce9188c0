//! SIGTERM and SIGINT.

use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::failure::Failure;

/// Calls `stop` at the first of the two signals. The next one ends the process
/// at once, as it would have without this.
pub(crate) fn at_first(stop: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let failed = |error| Failure::io("waiting for signals", &error);
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    let mut stop = Some(stop);
    let watching = move || {
        for signal in signals.forever() {
            match stop.take() {
                Some(stop) => {
                    tracing::info!(signal, "draining");
                    stop();
                }
                // It fails for signals alone that nobody could catch.
                None => drop(emulate_default_handler(signal)),
            }
        }
    };
    let spawned = thread::Builder::new()
        .name("signals".to_owned())
        .spawn(watching);
    spawned.map(drop).map_err(failed)
}
