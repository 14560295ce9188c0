//! The certificates of a context's peers: each judged once, and held once.

use backend_kit::Recent;
use tls_core::{CertificateError, PeerCertificates, PeerChains};

use crate::library::Judging;
use crate::platform;

/// The certificates that the sessions of one context have accepted last.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    chains: PeerChains,
    /// What a judgement was about, and how much it looked at. It depends on
    /// nothing else, so that it holds for the sessions to come.
    sound: Recent<(PeerCertificates, Judging)>,
}

impl Peers {
    /// Refuses what the library has let pass in a server's own certificate.
    pub(crate) fn accept(
        &self,
        own: &[u8],
        judging: Judging,
    ) -> Result<PeerCertificates, CertificateError> {
        let is_it =
            |(chain, judged): &(PeerCertificates, _)| *judged == judging && *chain[0] == *own;
        if let Some(chain) = self.sound.recall(is_it, |(chain, _)| chain.clone()) {
            return Ok(chain);
        }
        match judging {
            Judging::Nothing => {}
            Judging::Chain => platform::judge(own, false)?,
            Judging::ForHost => platform::judge(own, true)?,
        }
        let chain = self.chains.share([own]);
        self.sound.keep((chain.clone(), judging));
        Ok(chain)
    }
}
