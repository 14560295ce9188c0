//! What the verifier, the signing key and the key log tell the session that
//! called them.
//!
//! rustls shares them among all sessions of a config and hands back less than
//! they know: not the scheme of a signature, and an error only in its own
//! words. They run on the session's thread, inside the call that it makes to
//! rustls, so they leave their notes on that thread.

use std::cell::RefCell;
use std::mem;

use kernel_tls::Secrets;
use tls_core::{Error, SignatureScheme};

/// What was noted during one call.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Why the handshake must fail, in our words.
    pub(crate) refusal: Option<Error>,
    /// What the peer signed with.
    pub(crate) peer_scheme: Option<SignatureScheme>,
    /// What the kernel would make keys of.
    pub(crate) secrets: Secrets,
}

thread_local! {
    static NOTES: RefCell<Notes> = const {
        RefCell::new(Notes { refusal: None, peer_scheme: None, secrets: Secrets::new() })
    };
}

/// Runs `f` and answers what was noted in it. A call inside another keeps its
/// notes to itself.
pub(crate) fn listen<R>(f: impl FnOnce() -> R) -> (R, Notes) {
    /// Puts the outer call's notes back, on return and on unwind.
    struct PutBack(Notes);

    impl Drop for PutBack {
        fn drop(&mut self) {
            NOTES.set(mem::take(&mut self.0));
        }
    }

    let _put_back = PutBack(NOTES.take());
    let result = f();
    (result, NOTES.take())
}

/// Notes why the handshake must fail.
pub(crate) fn refuse(error: Error) {
    NOTES.with_borrow_mut(|notes| notes.refusal = Some(error));
}

/// Notes what the peer signed with.
pub(crate) fn peer_signed_with(scheme: Option<SignatureScheme>) {
    NOTES.with_borrow_mut(|notes| notes.peer_scheme = scheme);
}

/// Notes a secret, if it is one that the kernel would make keys of.
pub(crate) fn secret(label: &str, secret: &[u8]) {
    NOTES.with_borrow_mut(|notes| notes.secrets.note(label, secret));
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn a_call_hears_what_is_noted_in_it_and_nothing_else() {
        refuse(Error::Closed);
        let (inner, outer) = listen(|| {
            refuse(Error::Truncated);
            let ((), inner) = listen(|| peer_signed_with(Some(SignatureScheme::Ed25519)));
            inner
        });
        assert_eq!(inner.refusal, None);
        assert_eq!(inner.peer_scheme, Some(SignatureScheme::Ed25519));
        assert_eq!(outer.refusal, Some(Error::Truncated));
        assert_eq!(outer.peer_scheme, None);
        assert_eq!(NOTES.take().refusal, Some(Error::Closed));
    }

    #[test]
    fn notes_do_not_survive_a_panic() {
        let unwound = catch_unwind(|| {
            listen(|| {
                refuse(Error::Truncated);
                panic!("inside");
            })
        });
        assert!(unwound.is_err());
        assert_eq!(NOTES.take().refusal, None);
    }
}
