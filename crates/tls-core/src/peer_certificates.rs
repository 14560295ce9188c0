//! The chain that a peer has presented, held once however many sessions have it.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use rustls_pki_types::CertificateDer;

/// The certificates that a peer sent, its own first. A clone shares them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PeerCertificates(Arc<[CertificateDer<'static>]>);

impl Deref for PeerCertificates {
    type Target = [CertificateDer<'static>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FromIterator<CertificateDer<'static>> for PeerCertificates {
    fn from_iter<I: IntoIterator<Item = CertificateDer<'static>>>(certificates: I) -> Self {
        Self(certificates.into_iter().collect())
    }
}

impl fmt::Debug for PeerCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq<[CertificateDer<'static>]> for PeerCertificates {
    fn eq(&self, other: &[CertificateDer<'static>]) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&[CertificateDer<'static>]> for PeerCertificates {
    fn eq(&self, other: &&[CertificateDer<'static>]) -> bool {
        *self == **other
    }
}

impl<const N: usize> PartialEq<[CertificateDer<'static>; N]> for PeerCertificates {
    fn eq(&self, other: &[CertificateDer<'static>; N]) -> bool {
        *self == other[..]
    }
}

impl PartialEq<Vec<CertificateDer<'static>>> for PeerCertificates {
    fn eq(&self, other: &Vec<CertificateDer<'static>>) -> bool {
        *self == other[..]
    }
}

/// How many chains are kept: for the peers that a pool has most to do with.
const MOST_CHAINS: usize = 8;

/// The chains that the sessions of one context have met last, so that all
/// sessions with one peer hold one copy. Asked once a session, when its
/// handshake is done.
#[derive(Debug, Default)]
pub struct PeerChains(Mutex<VecDeque<PeerCertificates>>);

impl PeerChains {
    /// The chain of these certificates, which are compared by their octets.
    pub fn share<'a, I>(&self, certificates: I) -> PeerCertificates
    where
        I: IntoIterator<Item = &'a [u8]>,
        I::IntoIter: Clone,
    {
        let certificates = certificates.into_iter();
        if certificates.clone().next().is_none() {
            return PeerCertificates::default();
        }
        let is_it = |known: &PeerCertificates| {
            let known = known.iter().map(|certificate| &**certificate);
            known.eq(certificates.clone())
        };
        let mut chains = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let chain = match chains.iter().position(is_it) {
            Some(0) => return chains[0].clone(),
            Some(place) => chains.remove(place),
            None => None,
        };
        let chain = chain.unwrap_or_else(|| {
            let copy = |octets: &[u8]| CertificateDer::from(octets.to_vec());
            certificates.map(copy).collect()
        });
        chains.truncate(MOST_CHAINS - 1);
        chains.push_front(chain.clone());
        chain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_one(a: &PeerCertificates, b: &PeerCertificates) -> bool {
        Arc::ptr_eq(&a.0, &b.0)
    }

    #[test]
    fn sessions_with_one_peer_share_its_chain() {
        let chains = PeerChains::default();
        let first = chains.share([&b"leaf"[..], b"ca"]);
        assert_eq!(first, [b"leaf".to_vec().into(), b"ca".to_vec().into()]);
        let others: [&[&[u8]]; 3] = [&[b"leaf"], &[b"leafca"], &[b"leaf", b"cb"]];
        for other in others {
            let other = chains.share(other.iter().copied());
            assert!(!is_one(&first, &other) && first != other);
        }
        assert!(is_one(&first, &chains.share([&b"leaf"[..], b"ca"])));
    }

    #[test]
    fn no_certificates_are_no_chain() {
        let chains = PeerChains::default();
        assert!(chains.share([]).is_empty());
        assert!(chains.0.lock().unwrap().is_empty());
    }

    #[test]
    fn the_chains_that_were_met_last_are_kept() {
        let chains = PeerChains::default();
        let often = chains.share([&b"often"[..]]);
        for octet in 0..=u8::MAX {
            let once = chains.share([&[octet][..]]);
            assert!(is_one(&once, &chains.share([&[octet][..]])));
            assert!(is_one(&often, &chains.share([&b"often"[..]])));
        }
        assert_eq!(chains.0.lock().unwrap().len(), MOST_CHAINS);
        let again = chains.share([&[0][..]]);
        assert_eq!(again, [vec![0].into()]);
    }
}
