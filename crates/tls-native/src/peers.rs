//! The certificates of a context's peers: each judged once, and held once.

use backend_kit::Recent;
use tls_core::{CertificateDer, CertificateError, PeerCertificates};

use crate::library::Judging;
use crate::platform;

/// The certificates that the sessions of one context have accepted last.
///
/// A judgement depends on the certificate and on how much is looked at, and on
/// nothing else, so that it holds for the sessions to come.
#[derive(Debug, Default)]
pub(crate) struct Peers(Recent<(PeerCertificates, Judging)>);

impl Peers {
    /// Refuses what the library has let pass in a server's own certificate.
    pub(crate) fn accept(
        &self,
        own: &[u8],
        judging: Judging,
    ) -> Result<PeerCertificates, CertificateError> {
        let is_it =
            |(chain, judged): &(PeerCertificates, _)| *judged == judging && *chain[0] == *own;
        if let Some(chain) = self.0.recall(is_it, |(chain, _)| chain.clone()) {
            return Ok(chain);
        }
        match judging {
            Judging::Nothing => {}
            Judging::Chain => platform::judge(own, false)?,
            Judging::ForHost => platform::judge(own, true)?,
        }
        let chain = PeerCertificates::from_iter([CertificateDer::from(own.to_vec())]);
        self.0.keep((chain.clone(), judging));
        Ok(chain)
    }
}
