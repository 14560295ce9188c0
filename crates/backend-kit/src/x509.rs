//! What `X509_verify_cert` finds wrong with a chain (`x509_vfy.h`).

use std::ffi::c_int;

use tls_core::CertificateError;

use crate::Class;

/// Writes a table from rows of codes with their numbers.
macro_rules! faults {
    ($(#[$doc:meta])* $visibility:vis $name:ident $($class:ident $error:ident { $($code:ident = $number:literal)* })*) => {
        $(#[$doc])*
        $visibility fn $name(code: c_int) -> Option<(Class, CertificateError)> {
            $($(const $code: c_int = $number;)*)*
            Some(match code {
                $($($code)|* => (Class::$class, CertificateError::$error),)*
                _ => return None,
            })
        }
    };
}

faults! {
    /// What a code stands for that OpenSSL and BoringSSL share.
    pub fault
    Certificate BadEncoding {
        ERROR_IN_CERT_NOT_BEFORE_FIELD = 13
        ERROR_IN_CERT_NOT_AFTER_FIELD = 14
        INVALID_EXTENSION = 41
        INVALID_POLICY_EXTENSION = 42
        UNSUPPORTED_EXTENSION_FEATURE = 45
    }
    Certificate UnhandledCriticalExtension {
        UNHANDLED_CRITICAL_EXTENSION = 34
    }
    Certificate Expired {
        CERT_HAS_EXPIRED = 10
    }
    Certificate NotYetValid {
        CERT_NOT_YET_VALID = 9
    }
    Certificate CaUsedAsEndEntity {
        INVALID_NON_CA = 37
    }
    Certificate ConstraintViolated {
        PATH_LENGTH_EXCEEDED = 25
        KEYUSAGE_NO_CERTSIGN = 32
    }
    Certificate InvalidPurpose {
        INVALID_PURPOSE = 26
        CERT_REJECTED = 28
        KEYUSAGE_NO_DIGITAL_SIGNATURE = 39
    }
    Path UnknownIssuer {
        UNABLE_TO_GET_ISSUER_CERT = 2
        DEPTH_ZERO_SELF_SIGNED_CERT = 18
        SELF_SIGNED_CERT_IN_CHAIN = 19
        UNABLE_TO_GET_ISSUER_CERT_LOCALLY = 20
        UNABLE_TO_VERIFY_LEAF_SIGNATURE = 21
        CERT_UNTRUSTED = 27
    }
    Signature BadSignature {
        UNABLE_TO_DECRYPT_CERT_SIGNATURE = 4
        CERT_SIGNATURE_FAILURE = 7
    }
    Signature UnacceptableAlgorithm {
        UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY = 6
    }
    Length ConstraintViolated {
        CERT_CHAIN_TOO_LONG = 22
    }
    Constraint ConstraintViolated {
        PROXY_PATH_LENGTH_EXCEEDED = 38
        PROXY_CERTIFICATES_NOT_ALLOWED = 40
        NO_EXPLICIT_POLICY = 43
        UNNESTED_RESOURCE = 46
        PERMITTED_VIOLATION = 47
        EXCLUDED_VIOLATION = 48
        SUBTREE_MINMAX = 49
        UNSUPPORTED_CONSTRAINT_TYPE = 51
        UNSUPPORTED_CONSTRAINT_SYNTAX = 52
        UNSUPPORTED_NAME_SYNTAX = 53
    }
    Revocation Revoked {
        CERT_REVOKED = 23
    }
    Revocation RevocationUnknown {
        UNABLE_TO_GET_CRL = 3
        UNABLE_TO_GET_CRL_ISSUER = 33
    }
    Name NameMismatch {
        HOSTNAME_MISMATCH = 62
        IP_ADDRESS_MISMATCH = 64
    }
}

/// What a code of OpenSSL 3 stands for: a shared one, or one of its own.
pub fn openssl_fault(code: c_int) -> Option<(Class, CertificateError)> {
    fault(code).or_else(|| openssl_own(code))
}

faults! {
    /// What a code stands for that OpenSSL 3 alone has.
    openssl_own
    Certificate BadEncoding {
        SIGNATURE_ALGORITHM_MISMATCH = 77
        SIGNATURE_ALGORITHM_INCONSISTENCY = 78
        PATHLEN_INVALID_FOR_NON_CA = 80
        PATHLEN_WITHOUT_KU_KEY_CERT_SIGN = 81
        KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA = 82
        ISSUER_NAME_EMPTY = 83
        SUBJECT_NAME_EMPTY = 84
        MISSING_AUTHORITY_KEY_IDENTIFIER = 85
        MISSING_SUBJECT_KEY_IDENTIFIER = 86
        EMPTY_SUBJECT_ALT_NAME = 87
        EMPTY_SUBJECT_SAN_NOT_CRITICAL = 88
        CA_BCONS_NOT_CRITICAL = 89
        AUTHORITY_KEY_IDENTIFIER_CRITICAL = 90
        SUBJECT_KEY_IDENTIFIER_CRITICAL = 91
        CA_CERT_MISSING_KEY_USAGE = 92
        EXTENSIONS_REQUIRE_VERSION_3 = 93
    }
    Certificate ConstraintViolated {
        INVALID_CA = 79
    }
    Signature UnacceptableAlgorithm {
        NO_ISSUER_PUBLIC_KEY = 24
        SUITE_B_INVALID_VERSION = 56
        SUITE_B_INVALID_ALGORITHM = 57
        SUITE_B_INVALID_CURVE = 58
        SUITE_B_INVALID_SIGNATURE_ALGORITHM = 59
        SUITE_B_LOS_NOT_ALLOWED = 60
        SUITE_B_CANNOT_SIGN_P_384_WITH_P_256 = 61
        EE_KEY_TOO_SMALL = 66
        CA_KEY_TOO_SMALL = 67
        CA_MD_TOO_WEAK = 68
        UNSUPPORTED_SIGNATURE_ALGORITHM = 76
        EC_KEY_EXPLICIT_PARAMS = 94
    }
    Constraint ConstraintViolated {
        PROXY_SUBJECT_NAME_VIOLATION = 72
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_ones_own_is_not_taken_for_a_shared_one() {
        for code in 0..100 {
            assert!(
                fault(code).is_none() || openssl_own(code).is_none(),
                "{code} is there twice"
            );
        }
        assert_eq!(fault(24), None, "BoringSSL means something else by it");
        let expired = Some((Class::Certificate, CertificateError::Expired));
        assert_eq!(openssl_fault(10), expired);
        assert_eq!(openssl_fault(0), None);
    }
}
