//! rustls's errors in our words, and back where an alert hangs on them.

use rustls::{
    CertificateError as RustlsCertificateError, InvalidMessage,
    PeerIncompatible as RustlsIncompatible, PeerMisbehaved as RustlsMisbehaved,
};
use tls_core::{Alert, CertificateError, Error, PeerIncompatible, PeerMisbehaved};

use crate::backend::NAME;
use crate::names;

/// The one table. What has no row is [`Error::Backend`].
pub(crate) fn translate(error: rustls::Error) -> Error {
    use rustls::Error as Rustls;
    match error {
        Rustls::InappropriateMessage { .. } | Rustls::InappropriateHandshakeMessage { .. } => {
            PeerMisbehaved::UnexpectedMessage.into()
        }
        Rustls::InvalidMessage(message) => invalid_message(message).into(),
        Rustls::NoCertificatesPresented => CertificateError::Missing.into(),
        Rustls::DecryptError => PeerMisbehaved::BadCryptography.into(),
        // To offer compression and not its absence breaks the protocol (RFC 5246,
        // section 7.4.1.2), whatever else would have been shared.
        Rustls::PeerIncompatible(RustlsIncompatible::NullCompressionRequired) => {
            PeerMisbehaved::IllegalParameter.into()
        }
        Rustls::PeerIncompatible(why) => incompatible(&why).into(),
        Rustls::PeerMisbehaved(why) => misbehaved(&why).into(),
        Rustls::AlertReceived(description) => Error::AlertReceived(names::alert(description)),
        Rustls::InvalidCertificate(_) | Rustls::InvalidCertRevocationList(_) => {
            certificate(&error).into()
        }
        Rustls::PeerSentOversizedRecord => PeerMisbehaved::RecordOverflow.into(),
        Rustls::NoApplicationProtocol => PeerIncompatible::NoCommonAlpn.into(),
        // UnsupportedNameType, InvalidEncryptedClientHello, EncryptError,
        // General, FailedToGetCurrentTime, FailedToGetRandomBytes,
        // HandshakeNotComplete, BadMaxFragmentSize, InconsistentKeys, Other:
        // nothing that a peer does.
        other => Error::backend(NAME, other),
    }
}

fn invalid_message(message: InvalidMessage) -> PeerMisbehaved {
    match message {
        InvalidMessage::MessageTooLarge
        | InvalidMessage::HandshakePayloadTooLarge
        | InvalidMessage::CertificatePayloadTooLarge => PeerMisbehaved::RecordOverflow,
        InvalidMessage::DuplicateExtension(_)
        | InvalidMessage::PreSharedKeyIsNotFinalExtension
        | InvalidMessage::UnknownHelloRetryRequestExtension
        | InvalidMessage::UnsupportedCompression
        | InvalidMessage::UnsupportedCurveType => PeerMisbehaved::IllegalParameter,
        // A change_cipher_spec of another value is an unexpected message (RFC
        // 8446, section 5).
        InvalidMessage::InvalidCcs
        | InvalidMessage::InvalidContentType
        | InvalidMessage::UnexpectedMessage(_) => PeerMisbehaved::UnexpectedMessage,
        _ => PeerMisbehaved::Malformed,
    }
}

fn incompatible(why: &RustlsIncompatible) -> PeerIncompatible {
    use RustlsIncompatible as Why;
    match why {
        Why::ServerDoesNotSupportTls12Or13
        | Why::ServerTlsVersionIsDisabledByOurConfig
        | Why::SupportedVersionsExtensionRequired
        | Why::Tls12NotOffered
        | Why::Tls12NotOfferedOrEnabled
        | Why::Tls13RequiredForQuic => PeerIncompatible::NoCommonVersion,
        Why::NoCipherSuitesInCommon => PeerIncompatible::NoCommonCipherSuite,
        Why::NoKxGroupsInCommon
        | Why::NoEcPointFormatsInCommon
        | Why::UncompressedEcPointsRequired
        | Why::EcPointsExtensionRequired
        | Why::KeyShareExtensionRequired
        | Why::NamedGroupsExtensionRequired => PeerIncompatible::NoCommonGroup,
        Why::NoSignatureSchemesInCommon
        | Why::NoCertificateRequestSignatureSchemesInCommon
        | Why::SignatureAlgorithmsExtensionRequired => PeerIncompatible::NoCommonSignatureScheme,
        other => PeerIncompatible::Other(format!("{other:?}").into()),
    }
}

fn misbehaved(why: &RustlsMisbehaved) -> PeerMisbehaved {
    use RustlsMisbehaved as Why;
    match why {
        // A record of padding alone is an unexpected message (RFC 8446, section 5.4).
        Why::EarlyDataAttemptedInSecondClientHello
        | Why::IllegalMiddleboxChangeCipherSpec
        | Why::IllegalTlsInnerPlaintext
        | Why::KeyEpochWithPendingFragment
        | Why::KeyUpdateReceivedInQuicConnection
        | Why::MessageInterleavedWithHandshakeMessage
        | Why::RejectedEarlyDataInterleavedWithHandshakeMessage
        | Why::TooManyEmptyFragments
        | Why::TooManyKeyUpdateRequests
        | Why::TooManyRenegotiationRequests
        | Why::TooManyWarningAlertsReceived
        | Why::TooMuchEarlyDataReceived => PeerMisbehaved::UnexpectedMessage,
        Why::IncorrectBinder => PeerMisbehaved::BadCryptography,
        Why::InvalidCertCompression | Why::MissingBinderInPskExtension => PeerMisbehaved::Malformed,
        Why::AttemptedDowngradeToTls12WhenTls13IsSupported
        | Why::BadCertChainExtensions
        | Why::CipherSuiteDifferedOnRetry
        | Why::DisallowedEncryptedExtension
        | Why::DuplicateClientHelloExtensions
        | Why::DuplicateEncryptedExtensions
        | Why::DuplicateHelloRetryRequestExtensions
        | Why::DuplicateNewSessionTicketExtensions
        | Why::DuplicateServerHelloExtensions
        | Why::DuplicateServerNameTypes
        | Why::EarlyDataExtensionWithoutResumption
        | Why::EarlyDataOfferedWithVariedCipherSuite
        | Why::EchAcceptanceVariedAfterRetry
        | Why::HandshakeHashVariedAfterRetry
        | Why::IllegalHelloRetryRequestWithEmptyCookie
        | Why::IllegalHelloRetryRequestWithInvalidEch
        | Why::IllegalHelloRetryRequestWithNoChanges
        | Why::IllegalHelloRetryRequestWithOfferedGroup
        | Why::IllegalHelloRetryRequestWithUnofferedCipherSuite
        | Why::IllegalHelloRetryRequestWithUnofferedNamedGroup
        | Why::IllegalHelloRetryRequestWithUnsupportedVersion
        | Why::IllegalHelloRetryRequestWithWrongSessionId
        | Why::InvalidKeyShare
        | Why::InvalidMaxEarlyDataSize
        | Why::MissingKeyShare
        | Why::MissingPskExtensionInSecondClientHello
        | Why::MissingPskModesExtension
        | Why::MissingQuicTransportParameters
        | Why::OfferedDuplicateCertificateCompressions
        | Why::OfferedDuplicateKeyShares
        | Why::OfferedEarlyDataWithOldProtocolVersion
        | Why::OfferedEmptyApplicationProtocol
        | Why::OfferedIncorrectCompressions
        | Why::PskExtensionMustBeLast
        | Why::PskExtensionWithMismatchedIdsAndBinders
        | Why::RefusedToFollowHelloRetryRequest
        | Why::ResumptionAttemptedWithVariedEms
        | Why::ResumptionOfferedWithIncompatibleCipherSuite
        | Why::ResumptionOfferedWithVariedCipherSuite
        | Why::ResumptionOfferedWithVariedEms
        | Why::SelectedDifferentCipherSuiteAfterRetry
        | Why::SelectedInvalidPsk
        | Why::SelectedTls12UsingTls13VersionExtension
        | Why::SelectedUnofferedApplicationProtocol
        | Why::SelectedUnofferedCertCompression
        | Why::SelectedUnofferedCipherSuite
        | Why::SelectedUnofferedCompression
        | Why::SelectedUnofferedKxGroup
        | Why::SelectedUnofferedPsk
        | Why::SelectedUnusableCipherSuiteForVersion
        | Why::ServerEchoedCompatibilitySessionId
        | Why::ServerHelloMustOfferUncompressedEcPoints
        | Why::ServerNameDifferedOnRetry
        | Why::ServerNameMustContainOneHostName
        | Why::SignedHandshakeWithUnadvertisedSigScheme
        | Why::SignedKxWithWrongAlgorithm
        | Why::UnexpectedCleartextExtension
        | Why::UnsolicitedCertExtension
        | Why::UnsolicitedEchExtension
        | Why::UnsolicitedEncryptedExtension
        | Why::UnsolicitedSctList
        | Why::UnsolicitedServerHelloExtension
        | Why::WrongGroupForKeyShare => PeerMisbehaved::IllegalParameter,
        other => PeerMisbehaved::Other(format!("{other:?}").into()),
    }
}

/// Why a certificate was refused, from the error of a webpki verifier.
pub(crate) fn certificate(error: &rustls::Error) -> CertificateError {
    use RustlsCertificateError as Why;
    let why = match error {
        rustls::Error::InvalidCertificate(why) => why,
        rustls::Error::InvalidCertRevocationList(_) => return CertificateError::RevocationUnknown,
        rustls::Error::NoCertificatesPresented => return CertificateError::Missing,
        other => return CertificateError::Other(other.to_string().into()),
    };
    match why {
        Why::BadEncoding => CertificateError::BadEncoding,
        Why::Expired | Why::ExpiredContext { .. } => CertificateError::Expired,
        Why::NotValidYet | Why::NotValidYetContext { .. } => CertificateError::NotYetValid,
        Why::Revoked => CertificateError::Revoked,
        Why::UnhandledCriticalExtension => CertificateError::UnhandledCriticalExtension,
        Why::UnknownIssuer => CertificateError::UnknownIssuer,
        Why::UnknownRevocationStatus
        | Why::ExpiredRevocationList
        | Why::ExpiredRevocationListContext { .. }
        | Why::InvalidOcspResponse => CertificateError::RevocationUnknown,
        Why::BadSignature => CertificateError::BadSignature,
        #[expect(deprecated, reason = "rustls may still answer with it")]
        Why::UnsupportedSignatureAlgorithm => CertificateError::UnacceptableAlgorithm,
        Why::UnsupportedSignatureAlgorithmContext { .. }
        | Why::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            CertificateError::UnacceptableAlgorithm
        }
        Why::NotValidForName | Why::NotValidForNameContext { .. } => CertificateError::NameMismatch,
        Why::InvalidPurpose | Why::InvalidPurposeContext { .. } => CertificateError::InvalidPurpose,
        Why::Other(other) => match other.0.downcast_ref() {
            Some(inner) => webpki(inner),
            None => CertificateError::Other(other.to_string().into()),
        },
        other => CertificateError::Other(other.to_string().into()),
    }
}

/// Why webpki refused a certificate.
pub(crate) fn webpki(error: &webpki::Error) -> CertificateError {
    use webpki::Error as Why;
    match error {
        Why::CertExpired { .. } | Why::InvalidCertValidity => CertificateError::Expired,
        Why::CertNotValidYet { .. } => CertificateError::NotYetValid,
        Why::CertNotValidForName(_) => CertificateError::NameMismatch,
        Why::UnknownIssuer => CertificateError::UnknownIssuer,
        Why::InvalidSignatureForPublicKey => CertificateError::BadSignature,
        Why::RequiredEkuNotFoundContext(_) => CertificateError::InvalidPurpose,
        Why::UnsupportedSignatureAlgorithmContext(_)
        | Why::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            CertificateError::UnacceptableAlgorithm
        }
        Why::CertRevoked => CertificateError::Revoked,
        Why::UnknownRevocationStatus
        | Why::CrlExpired { .. }
        | Why::InvalidCrlSignatureForPublicKey
        | Why::IssuerNotCrlSigner => CertificateError::RevocationUnknown,
        Why::CaUsedAsEndEntity => CertificateError::CaUsedAsEndEntity,
        Why::EndEntityUsedAsCa
        | Why::MaximumNameConstraintComparisonsExceeded
        | Why::MaximumPathBuildCallsExceeded
        | Why::MaximumPathDepthExceeded
        | Why::MaximumSignatureChecksExceeded
        | Why::NameConstraintViolation
        | Why::PathLenConstraintViolated
        | Why::UnsupportedNameType => CertificateError::ConstraintViolated,
        Why::BadDer
        | Why::BadDerTime
        | Why::EmptyEkuExtension
        | Why::ExtensionValueInvalid
        | Why::InvalidNetworkMaskConstraint
        | Why::InvalidSerialNumber
        | Why::MalformedDnsIdentifier
        | Why::MalformedExtensions
        | Why::MalformedNameConstraint
        | Why::SignatureAlgorithmMismatch
        | Why::TrailingData(_)
        | Why::UnsupportedCertVersion => CertificateError::BadEncoding,
        Why::UnsupportedCriticalExtension => CertificateError::UnhandledCriticalExtension,
        other => CertificateError::Other(other.to_string().into()),
    }
}

/// An error of rustls's for which it sends this reason's alert. The reason
/// itself travels by [`notes`](crate::notes).
pub(crate) fn carrier(reason: &CertificateError) -> RustlsCertificateError {
    match reason.alert() {
        Alert::BAD_CERTIFICATE => RustlsCertificateError::BadEncoding,
        Alert::UNSUPPORTED_CERTIFICATE => RustlsCertificateError::InvalidPurpose,
        Alert::CERTIFICATE_REVOKED => RustlsCertificateError::Revoked,
        Alert::CERTIFICATE_EXPIRED => RustlsCertificateError::Expired,
        Alert::UNKNOWN_CA => RustlsCertificateError::UnknownIssuer,
        Alert::DECRYPT_ERROR => RustlsCertificateError::BadSignature,
        // CERTIFICATE_UNKNOWN; the others are not for a certificate that came.
        _ => RustlsCertificateError::Other(rustls::OtherError(std::sync::Arc::new(reason.clone()))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{AlertDescription, OtherError};

    use super::*;

    #[test]
    fn rustls_sends_the_alert_of_every_reason() {
        use CertificateError as Reason;
        for reason in [
            Reason::BadEncoding,
            Reason::Expired,
            Reason::NotYetValid,
            Reason::NameMismatch,
            Reason::UnknownIssuer,
            Reason::BadSignature,
            Reason::InvalidPurpose,
            Reason::CaUsedAsEndEntity,
            Reason::ConstraintViolated,
            Reason::UnhandledCriticalExtension,
            Reason::UnacceptableAlgorithm,
            Reason::Revoked,
            Reason::RevocationUnknown,
            Reason::Other("words".into()),
        ] {
            let sent = names::alert(AlertDescription::from(carrier(&reason)));
            assert_eq!(sent, reason.alert(), "{reason:?}");
        }
    }

    #[test]
    fn each_fault_has_its_variant() {
        use rustls::Error as From;
        let table = [
            (From::DecryptError, PeerMisbehaved::BadCryptography.into()),
            (
                From::PeerSentOversizedRecord,
                PeerMisbehaved::RecordOverflow.into(),
            ),
            (
                From::InvalidMessage(InvalidMessage::MessageTooLarge),
                PeerMisbehaved::RecordOverflow.into(),
            ),
            (
                From::InvalidMessage(InvalidMessage::MessageTooShort),
                PeerMisbehaved::Malformed.into(),
            ),
            (
                From::InappropriateMessage {
                    expect_types: Vec::new(),
                    got_type: rustls::ContentType::Alert,
                },
                PeerMisbehaved::UnexpectedMessage.into(),
            ),
            (
                From::NoApplicationProtocol,
                PeerIncompatible::NoCommonAlpn.into(),
            ),
            (
                From::AlertReceived(AlertDescription::UnknownCA),
                Error::AlertReceived(Alert::UNKNOWN_CA),
            ),
            (
                From::AlertReceived(AlertDescription::Unknown(200)),
                Error::AlertReceived(Alert(200)),
            ),
            (
                From::NoCertificatesPresented,
                CertificateError::Missing.into(),
            ),
            (
                RustlsMisbehaved::InvalidKeyShare.into(),
                PeerMisbehaved::IllegalParameter.into(),
            ),
            (
                RustlsIncompatible::Tls12NotOffered.into(),
                PeerIncompatible::NoCommonVersion.into(),
            ),
            (
                From::InvalidCertRevocationList(rustls::CertRevocationListError::ParseError),
                CertificateError::RevocationUnknown.into(),
            ),
        ];
        for (error, expected) in table {
            assert_eq!(translate(error.clone()), expected, "{error:?}");
        }
        let failed = translate(From::FailedToGetRandomBytes);
        assert!(matches!(&failed, Error::Backend(error) if error.backend() == NAME));
    }

    #[test]
    fn what_webpki_knows_survives_its_way_through_rustls() {
        for (inner, expected) in [
            (
                webpki::Error::CaUsedAsEndEntity,
                CertificateError::CaUsedAsEndEntity,
            ),
            (
                webpki::Error::PathLenConstraintViolated,
                CertificateError::ConstraintViolated,
            ),
            (
                webpki::Error::UnsupportedCriticalExtension,
                CertificateError::UnhandledCriticalExtension,
            ),
            (
                webpki::Error::MalformedExtensions,
                CertificateError::BadEncoding,
            ),
        ] {
            let outer = RustlsCertificateError::Other(OtherError(Arc::new(inner)));
            assert_eq!(certificate(&outer.into()), expected);
        }
    }
}
