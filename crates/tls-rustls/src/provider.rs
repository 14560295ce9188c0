//! The provider, cut down to what a config allows.

use std::sync::Arc;

use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use tls_core::{BackendInfo, Protocol};

use crate::names;

/// What a config leaves of a provider.
pub(crate) struct Allowed {
    /// The provider with the config's suites and groups, in the config's order.
    pub(crate) provider: Arc<CryptoProvider>,
    /// The versions that are allowed and have a suite.
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
    /// The signature schemes, in the config's order.
    pub(crate) schemes: Vec<rustls::SignatureScheme>,
}

impl Allowed {
    /// Cuts `provider` down. `info` is what was probed from it, and `protocol`
    /// has been checked against that.
    pub(crate) fn by(protocol: &Protocol, info: &BackendInfo, provider: &CryptoProvider) -> Self {
        let suites = protocol.cipher_suites(info);
        let versions = protocol.versions();
        let versions = [*versions.start(), *versions.end()]
            .into_iter()
            .filter(|version| suites.iter().any(|suite| suite.version() == *version))
            .filter_map(names::supported_version)
            .collect::<Vec<_>>();
        let cipher_suites = suites
            .iter()
            .filter_map(|&wanted| {
                let mut all = provider.cipher_suites.iter();
                all.find(|suite| names::suite(**suite) == Some(wanted))
                    .copied()
            })
            .collect();
        let kx_groups = protocol
            .groups(info)
            .iter()
            .filter_map(|&wanted| {
                let mut all = provider.kx_groups.iter();
                all.find(|group| names::group(group.name()) == Some(wanted))
                    .copied()
            })
            .collect();
        let schemes = protocol
            .signature_schemes(info)
            .into_iter()
            .map(names::to_scheme)
            .collect();
        Self {
            provider: Arc::new(CryptoProvider {
                cipher_suites,
                kx_groups,
                ..provider.clone()
            }),
            versions,
            schemes,
        }
    }
}
