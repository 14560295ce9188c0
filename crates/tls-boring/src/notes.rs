//! What callbacks leave for the session that they belong to.

use std::mem;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use boring::error::ErrorStack;
use boring::ex_data::Index;
use boring::ssl::{Ssl, SslRef};
use kernel_tls::Secrets;
use tls_core::Error;

use crate::hello::Shared;
use crate::verify::Fault;

/// Kept in the library's session, where callbacks find it. It is small while
/// there is nothing to note, because a session keeps it as long as it lives.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Noted>);

#[derive(Default)]
struct Noted {
    shared: Option<Shared>,
    /// What is wrong with the peer.
    objections: Option<Box<Objections>>,
    secrets: Option<Box<Secrets>>,
}

#[derive(Default)]
struct Objections {
    refusal: Option<Error>,
    faults: Vec<Fault>,
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
        let mut noted = self.lock();
        let objections = noted.objections.get_or_insert_default();
        objections.refusal.get_or_insert(error);
    }

    /// Why a callback refused the peer, if one did.
    pub(crate) fn refusal(&self) -> Option<Error> {
        let noted = self.lock();
        noted.objections.as_ref()?.refusal.clone()
    }

    /// Keeps what a server has in common with its client.
    pub(crate) fn share(&self, shared: Shared) {
        self.lock().shared = Some(shared);
    }

    /// What a server has in common with its client, once its hello came.
    pub(crate) fn shared(&self) -> Option<Shared> {
        self.lock().shared
    }

    /// Adds a fault of the peer's chain.
    pub(crate) fn add_fault(&self, fault: Fault) {
        let mut noted = self.lock();
        noted.objections.get_or_insert_default().faults.push(fault);
    }

    /// The faults of the peer's chain, which are forgotten then.
    pub(crate) fn take_faults(&self) -> Vec<Fault> {
        let mut noted = self.lock();
        let objections = noted.objections.as_mut();
        objections.map_or_else(Vec::new, |objections| mem::take(&mut objections.faults))
    }

    /// Keeps the secret of a line of the key log, for kernel TLS.
    pub(crate) fn note_secret(&self, line: &str) {
        let mut noted = self.lock();
        noted.secrets.get_or_insert_default().note_line(line);
    }

    /// The secrets that were kept, once.
    pub(crate) fn take_secrets(&self) -> Secrets {
        let secrets = self.lock().secrets.take();
        secrets.map(|secrets| *secrets).unwrap_or_default()
    }

    /// Forgets what only a handshake needs: the peer was accepted.
    pub(crate) fn forget_handshake(&self) {
        self.lock().objections = None;
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
