//! The chains of the peers of one context, held once.

use std::ptr;

use backend_kit::Recent;
use boring::ssl::SslRef;
use tls_core::{PeerCertificates, PeerChains};

use crate::ffi::{self, Buffer, BufferRef};

/// The chains that the sessions of one context have accepted last.
///
/// The library's pool finds a certificate for as long as something holds it,
/// and has to hash the octets of one that comes and goes with each session
/// several times. So these are held beyond their sessions.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    chains: PeerChains,
    held: Recent<Vec<Buffer>>,
}

impl Peers {
    /// The chain of a session whose handshake is done.
    pub(crate) fn share(&self, ssl: &SslRef) -> PeerCertificates {
        let buffers = ffi::peer_buffers(ssl);
        if buffers.clone().next().is_some() {
            // What is held in the pool is not made again, so the place tells.
            let is_it = |held: &Vec<Buffer>| {
                let held = held.iter().map(|buffer| &**buffer);
                held.map(ptr::from_ref)
                    .eq(buffers.clone().map(ptr::from_ref))
            };
            if self.held.recall(is_it, |_| ()).is_none() {
                self.held.keep(buffers.map(BufferRef::hold).collect());
            }
        }
        self.chains.share(ffi::peer_certificates(ssl))
    }
}
