//! The server's certificate, for the clients that it suits.

use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, NamedGroup, SupportedCipherSuite};
use tls_core::PeerIncompatible;

use crate::certificate::Certificate;
use crate::notes;
use crate::provider::Allowed;

/// Shows the one certificate, unless its key is on a curve that a client of
/// TLS 1.2 does not have: there the client's groups are for certificates too
/// (RFC 8422, section 2.2). rustls does not look at that.
#[derive(Debug)]
pub(crate) struct Resolver {
    certified: Arc<CertifiedKey>,
    curve: Option<NamedGroup>,
    groups: Vec<NamedGroup>,
    tls13_suites: Vec<CipherSuite>,
}

impl Resolver {
    pub(crate) fn new(certified: Arc<CertifiedKey>, allowed: &Allowed) -> Self {
        let provider = &allowed.provider;
        let own = certified.cert.first();
        let curve = own
            .and_then(|der| Certificate::parse(der)?.curve())
            .map(|curve| NamedGroup::from(curve.number()));
        Self {
            curve,
            groups: provider
                .kx_groups
                .iter()
                .map(|group| group.name())
                .collect(),
            tls13_suites: provider
                .cipher_suites
                .iter()
                .filter(|suite| suite.tls13().is_some())
                .map(SupportedCipherSuite::suite)
                .collect(),
            certified,
        }
    }

    fn suits(&self, hello: &ClientHello<'_>) -> bool {
        let (Some(curve), Some(offered)) = (self.curve, hello.named_groups()) else {
            return true;
        };
        // The version is not told here. A client that offers one of our
        // suites of TLS 1.3 gets TLS 1.3.
        let is_tls13 = hello
            .cipher_suites()
            .iter()
            .any(|suite| self.tls13_suites.contains(suite));
        // Without any group in common, that is the reason, and rustls finds it.
        is_tls13
            || offered.contains(&curve)
            || !offered.iter().any(|group| self.groups.contains(group))
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if self.suits(&hello) {
            return Some(Arc::clone(&self.certified));
        }
        notes::refuse(PeerIncompatible::NoCommonCipherSuite.into());
        None
    }
}
