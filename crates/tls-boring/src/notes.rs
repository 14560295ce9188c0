//! What callbacks leave for the session that they belong to.

use std::sync::{Mutex, OnceLock, PoisonError};

use boring::error::ErrorStack;
use boring::ex_data::Index;
use boring::ssl::{Ssl, SslRef};
use kernel_tls::Secrets;
use tls_core::Error;

use crate::hello::Shared;
use crate::verify::Fault;

/// Kept in the library's session, where callbacks find it.
#[derive(Default)]
pub(crate) struct Notes {
    refusal: OnceLock<Error>,
    shared: OnceLock<Shared>,
    faults: Mutex<Vec<Fault>>,
    secrets: Mutex<Option<Box<Secrets>>>,
}

impl Notes {
    /// Gives a new session its notes.
    pub(crate) fn attach(ssl: &mut Ssl) -> Result<(), ErrorStack> {
        ssl.set_ex_data(index()?, Self::default());
        Ok(())
    }

    /// The notes of a session that they were attached to.
    pub(crate) fn of(ssl: &SslRef) -> Option<&Self> {
        ssl.ex_data(index().ok()?)
    }

    /// Why a callback refused the peer: exactly, where the library knows only
    /// that it did. The first reason stays.
    pub(crate) fn refuse(&self, error: Error) {
        let _ = self.refusal.set(error);
    }

    /// Why a callback refused the peer, if one did.
    pub(crate) fn refusal(&self) -> Option<Error> {
        self.refusal.get().cloned()
    }

    /// Keeps what a server has in common with its client.
    pub(crate) fn share(&self, shared: Shared) {
        let _ = self.shared.set(shared);
    }

    /// What a server has in common with its client, once its hello came.
    pub(crate) fn shared(&self) -> Option<Shared> {
        self.shared.get().copied()
    }

    /// Adds a fault of the peer's chain.
    pub(crate) fn add_fault(&self, fault: Fault) {
        self.lock().push(fault);
    }

    /// The faults of the peer's chain, which are forgotten then.
    pub(crate) fn take_faults(&self) -> Vec<Fault> {
        std::mem::take(&mut self.lock())
    }

    /// Keeps the secret of a line of the key log, for kernel TLS.
    pub(crate) fn note_secret(&self, line: &str) {
        let mut secrets = self.lock_secrets();
        secrets.get_or_insert_default().note_line(line);
    }

    /// The secrets that were kept, once.
    pub(crate) fn take_secrets(&self) -> Secrets {
        self.lock_secrets()
            .take()
            .map(|secrets| *secrets)
            .unwrap_or_default()
    }

    fn lock_secrets(&self) -> std::sync::MutexGuard<'_, Option<Box<Secrets>>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn index() -> Result<Index<Ssl, Notes>, ErrorStack> {
    static INDEX: OnceLock<Index<Ssl, Notes>> = OnceLock::new();
    if let Some(index) = INDEX.get() {
        return Ok(*index);
    }
    let index = Ssl::new_ex_index()?;
    Ok(*INDEX.get_or_init(|| index))
}
