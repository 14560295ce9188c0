//! The verifiers that rustls calls: certificates by [`Chain`], signatures
//! always.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use tls_core::{CertificateError, Error, PeerMisbehaved, Roots, ServerVerification};
use webpki::{KeyUsage, RawPublicKeyEntity};

use crate::certificate::Certificate;
use crate::chain::{Chain, has_short_key};
use crate::provider::Allowed;
use crate::{error, names, notes};

/// Judges a server's certificate and its signatures.
#[derive(Debug)]
pub(crate) struct ServerVerifier {
    trust: Trust,
    signatures: Signatures,
}

#[derive(Debug)]
enum Trust {
    Full(Chain),
    ChainOnly(Chain),
    Nothing,
}

impl ServerVerifier {
    pub(crate) fn new(verification: &ServerVerification, allowed: &Allowed) -> Result<Self, Error> {
        let trust = match verification {
            ServerVerification::Full(roots) => Trust::Full(Chain::new(roots, allowed)?),
            ServerVerification::ChainOnly(roots) => Trust::ChainOnly(Chain::new(roots, allowed)?),
            ServerVerification::Nothing => Trust::Nothing,
        };
        Ok(Self {
            trust,
            signatures: Signatures::new(allowed),
        })
    }

    /// Whether a certificate that is accepted has been verified.
    pub(crate) fn verifies(&self) -> bool {
        !matches!(self.trust, Trust::Nothing)
    }

    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        let (chain, name) = match &self.trust {
            Trust::Full(chain) => (chain, Some(name)),
            Trust::ChainOnly(chain) => (chain, None),
            Trust::Nothing => return Ok(()),
        };
        let usage = KeyUsage::server_auth();
        chain.judge(end_entity, intermediates, usage, name, now)
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.judge(end_entity, intermediates, server_name, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(refusal) => Err(refuse(refusal)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signatures
            .verify_tls12(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signatures
            .verify_tls13(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.schemes.clone()
    }
}

/// Judges a client's certificate and its signature.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    chain: Chain,
    mandatory: bool,
    /// The subjects of the roots: a client may have several certificates.
    hints: Vec<DistinguishedName>,
    signatures: Signatures,
}

impl ClientVerifier {
    pub(crate) fn new(
        roots: &Roots,
        mandatory: bool,
        allowed: &Allowed,
    ) -> Result<Arc<Self>, Error> {
        let chain = Chain::new(roots, allowed)?;
        Ok(Arc::new(Self {
            hints: chain.roots().subjects(),
            chain,
            mandatory,
            signatures: Signatures::new(allowed),
        }))
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let usage = KeyUsage::client_auth();
        match self
            .chain
            .judge(end_entity, intermediates, usage, None, now)
        {
            Ok(()) => Ok(ClientCertVerified::assertion()),
            Err(refusal) => Err(refuse(refusal)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signatures
            .verify_tls12(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signatures
            .verify_tls13(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.schemes.clone()
    }
}

/// The handshake's signatures: always verified, with the config's schemes alone.
#[derive(Debug)]
struct Signatures {
    algorithms: WebPkiSupportedAlgorithms,
    schemes: Vec<SignatureScheme>,
}

impl Signatures {
    fn new(allowed: &Allowed) -> Self {
        Self {
            algorithms: allowed.provider.signature_verification_algorithms,
            schemes: allowed.schemes.clone(),
        }
    }

    /// In TLS 1.2 a scheme does not say which curve the key is on, so each
    /// algorithm of the scheme is tried that fits the key (RFC 5246, section
    /// 7.4.1.4.1).
    fn verify_tls12(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.check_scheme(signature)?;
        let public_key = public_key(certificate)?;
        let key = RawPublicKeyEntity::try_from(&public_key)
            .map_err(|_| refuse(CertificateError::BadEncoding))?;
        let of_scheme = |(scheme, _): &&(SignatureScheme, _)| *scheme == signature.scheme;
        let fitting = self.algorithms.mapping.iter().find(of_scheme);
        for algorithm in fitting.map_or(&[][..], |(_, algorithms)| algorithms) {
            match key.verify_signature(*algorithm, message, signature.signature()) {
                Ok(()) => return Ok(HandshakeSignatureValid::assertion()),
                Err(webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)) => {}
                Err(_) => {
                    return Err(refuse_signature(
                        rustls::CertificateError::BadSignature.into(),
                        certificate,
                    ));
                }
            }
        }
        Err(rustls::PeerMisbehaved::SignedKxWithWrongAlgorithm.into())
    }

    fn verify_tls13(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.check_scheme(signature)?;
        let public_key = public_key(certificate)?;
        verify_tls13_signature_with_raw_key(message, &public_key, signature, &self.algorithms)
            .map_err(|refusal| refuse_signature(refusal, certificate))
    }

    fn check_scheme(&self, signature: &DigitallySignedStruct) -> Result<(), rustls::Error> {
        if !self.schemes.contains(&signature.scheme) {
            return Err(rustls::PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
        }
        notes::peer_signed_with(names::scheme(signature.scheme));
        Ok(())
    }
}

/// The key with which the peer signs. Nothing else of its certificate matters
/// to the signature: whether the rest is acceptable was judged before.
fn public_key<'a>(
    certificate: &'a CertificateDer<'_>,
) -> Result<SubjectPublicKeyInfoDer<'a>, rustls::Error> {
    match Certificate::parse(certificate) {
        Some(parsed) => Ok(SubjectPublicKeyInfoDer::from(parsed.public_key)),
        None => Err(refuse(CertificateError::BadEncoding)),
    }
}

/// Notes the reason for the session, and gives rustls an error for which it
/// sends the reason's alert.
fn refuse(refusal: CertificateError) -> rustls::Error {
    let carrier = error::carrier(&refusal);
    notes::refuse(refusal.into());
    carrier.into()
}

/// A signature that does not fit is the peer's fault, not its certificate's.
/// rustls sends `decrypt_error` for it.
fn refuse_signature(refusal: rustls::Error, certificate: &CertificateDer<'_>) -> rustls::Error {
    use rustls::CertificateError as Rustls;
    match &refusal {
        rustls::Error::InvalidCertificate(Rustls::BadSignature) if has_short_key(certificate) => {
            refuse(CertificateError::UnacceptableAlgorithm)
        }
        rustls::Error::InvalidCertificate(Rustls::BadSignature) => {
            notes::refuse(PeerMisbehaved::BadCryptography.into());
            refusal
        }
        // The scheme is allowed, but the certificate's key is not of its kind.
        rustls::Error::InvalidCertificate(
            Rustls::UnsupportedSignatureAlgorithmContext { .. }
            | Rustls::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
        ) => rustls::PeerMisbehaved::SignedKxWithWrongAlgorithm.into(),
        rustls::Error::InvalidCertificate(_) => refuse(error::certificate(&refusal)),
        _ => refusal,
    }
}
