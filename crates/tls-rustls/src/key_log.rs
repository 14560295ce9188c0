//! The config's key log, as rustls wants it.

use std::sync::Arc;

use tls_core::{KeyLog, Protocol, key_log_line};
use zeroize::Zeroizing;

use crate::notes;

/// Shows secrets to the config's key log, and notes those that the kernel is
/// to have.
#[derive(Debug)]
pub(crate) struct Shown {
    log: Option<Arc<dyn KeyLog>>,
    notes: bool,
}

impl Shown {
    /// `None` if nobody wants the secrets.
    pub(crate) fn to(protocol: &Protocol) -> Option<Arc<dyn rustls::KeyLog>> {
        let log = protocol.key_log().cloned();
        let notes = protocol.prefers_kernel_tls() && !kernel_tls::capabilities().is_empty();
        if log.is_none() && !notes {
            return None;
        }
        Some(Arc::new(Self { log, notes }))
    }
}

impl rustls::KeyLog for Shown {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        if self.notes {
            notes::secret(label, secret);
        }
        if let Some(log) = &self.log {
            let line = Zeroizing::new(key_log_line(label, client_random, secret));
            log.log(&line);
        }
    }
}
