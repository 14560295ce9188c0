//! The config's key log, as rustls wants it.

use std::sync::Arc;

use tls_core::{KeyLog, key_log_line};
use zeroize::Zeroizing;

/// Hands rustls's secrets on as whole lines.
#[derive(Debug)]
pub(crate) struct Lines(pub(crate) Arc<dyn KeyLog>);

impl rustls::KeyLog for Lines {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = Zeroizing::new(key_log_line(label, client_random, secret));
        self.0.log(&line);
    }
}
