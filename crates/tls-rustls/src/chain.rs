//! webpki's judgement of a chain, in our words.

use std::fmt;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use tls_core::limits::MAX_CHAIN_LENGTH;
use tls_core::{CertificateError, Error, Roots};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use crate::certificate::Certificate;
use crate::provider::Allowed;
use crate::{error, roots};

/// Whom a chain must lead to, and by which algorithms.
pub(crate) struct Chain {
    roots: RootCertStore,
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
}

impl Chain {
    pub(crate) fn new(roots: &Roots, allowed: &Allowed) -> Result<Self, Error> {
        Ok(Self {
            roots: roots::store(roots)?,
            algorithms: allowed.provider.signature_verification_algorithms.all,
        })
    }

    pub(crate) fn roots(&self) -> &RootCertStore {
        &self.roots
    }

    /// Verifies what a peer sent: that it leads to a root, is meant for this
    /// usage and, if there is a name, is valid for it.
    pub(crate) fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        usage: KeyUsage,
        name: Option<&ServerName<'_>>,
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        if intermediates.len() >= MAX_CHAIN_LENGTH {
            return Err(CertificateError::ConstraintViolated);
        }
        let judged = EndEntityCert::try_from(end_entity).and_then(|parsed| {
            parsed.verify_for_usage(
                self.algorithms,
                &self.roots.roots,
                intermediates,
                now,
                usage,
                None,
                Some(&all_may_sign),
            )?;
            match name {
                Some(name) => parsed.verify_is_valid_for_subject_name(name),
                None => Ok(()),
            }
        });
        let reason = match judged {
            Ok(()) => None,
            Err(refusal) => Some(match error::webpki(&refusal) {
                CertificateError::BadSignature
                    if has_short_key(end_entity) || intermediates.iter().any(has_short_key) =>
                {
                    CertificateError::UnacceptableAlgorithm
                }
                reason => reason,
            }),
        };
        match reason {
            // What webpki finds in the end entity's certificate comes first.
            Some(
                reason @ (CertificateError::BadEncoding
                | CertificateError::UnhandledCriticalExtension
                | CertificateError::Expired
                | CertificateError::NotYetValid
                | CertificateError::CaUsedAsEndEntity),
            ) => Err(reason),
            // webpki does not look at its key usage.
            _ if !may_sign_handshakes(end_entity) => Err(CertificateError::InvalidPurpose),
            Some(reason) => Err(reason),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chain").field(&self.roots.len()).finish()
    }
}

/// Whether the certificate's key is one that verifies nothing for its length.
pub(crate) fn has_short_key(certificate: &CertificateDer<'_>) -> bool {
    Certificate::parse(certificate).is_some_and(|parsed| parsed.has_short_key())
}

fn may_sign_handshakes(certificate: &CertificateDer<'_>) -> bool {
    Certificate::parse(certificate).is_some_and(|parsed| parsed.may_sign_handshakes())
}

/// Refuses a path with an issuer whose key usage is for other things (RFC
/// 5280, section 6.1.4, step n), which webpki does not look at.
fn all_may_sign(path: &VerifiedPath<'_>) -> Result<(), webpki::Error> {
    for issuer in path.intermediate_certificates() {
        match Certificate::parse(&issuer.der()) {
            Some(parsed) if parsed.may_sign_certificates() => {}
            Some(_) => return Err(webpki::Error::EndEntityUsedAsCa),
            None => return Err(webpki::Error::BadDer),
        }
    }
    Ok(())
}
