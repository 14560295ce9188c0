//! What happens, on standard error.

use std::io;

use tracing_subscriber::filter::LevelFilter;

use crate::args::LogFormat;

/// Writes from now on what is told to `tracing`. A line that cannot be written
/// is lost.
pub(crate) fn start(format: LogFormat) {
    let lines = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::INFO)
        .with_target(false)
        .with_writer(io::stderr)
        .log_internal_errors(false);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}
