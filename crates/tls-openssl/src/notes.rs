//! What callbacks leave for the session that they belong to.

use std::mem;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use kernel_tls::Secrets;
use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::ssl::{Ssl, SslRef};
use openssl::x509::X509;
use tls_core::Error;

use crate::verify::Fault;

/// Kept in the library's session, where callbacks find it. It is small while
/// there is nothing to note, because a session keeps it as long as it lives.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Noted>);

#[derive(Default)]
struct Noted {
    /// What only a handshake needs.
    shaking: Option<Box<Shaking>>,
    secrets: Option<Box<Secrets>>,
}

#[derive(Default)]
struct Shaking {
    refusal: Option<Error>,
    faults: Vec<Fault>,
    /// Certificates that the library may still look at.
    held: Vec<X509>,
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
        let shaking = noted.shaking.get_or_insert_default();
        shaking.refusal.get_or_insert(error);
    }

    /// Why a callback refused the peer, if one did.
    pub(crate) fn refusal(&self) -> Option<Error> {
        let noted = self.lock();
        noted.shaking.as_ref()?.refusal.clone()
    }

    /// Adds a fault of the peer's chain.
    pub(crate) fn add_fault(&self, fault: Fault) {
        let mut noted = self.lock();
        noted.shaking.get_or_insert_default().faults.push(fault);
    }

    /// The faults of the peer's chain, which are forgotten then.
    pub(crate) fn take_faults(&self) -> Vec<Fault> {
        let mut noted = self.lock();
        let shaking = noted.shaking.as_mut();
        shaking.map_or_else(Vec::new, |shaking| mem::take(&mut shaking.faults))
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

    /// Holds certificates until the handshake is done.
    pub(crate) fn hold(&self, certificates: Vec<X509>) {
        self.lock().shaking.get_or_insert_default().held = certificates;
    }

    /// Forgets what only a handshake needs: the peer was accepted.
    pub(crate) fn forget_handshake(&self) {
        self.lock().shaking = None;
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
