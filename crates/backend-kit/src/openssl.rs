//! OpenSSL's reasons for failing (`sslerr.h`).

use std::ffi::c_int;

use tls_core::{Alert, CertificateError, Error, PeerIncompatible, PeerMisbehaved};

/// Which part of the library an error comes from (`err.h`).
pub const LIB_SSL: c_int = 20;

/// Where alerts begin among the reasons (`ssl.h`).
const FIRST_ALERT: c_int = 1000;

/// The alert that the peer sent, if that is the reason.
pub fn alert(reason: c_int) -> Option<Alert> {
    u8::try_from(reason.checked_sub(FIRST_ALERT)?)
        .ok()
        .map(Alert)
}

/// What a reason stands for.
#[derive(Debug, PartialEq)]
pub enum Meaning {
    /// This error.
    Named(Error),
    /// Bytes that are no record: the peer speaks another protocol, if they are
    /// its first.
    Framing(PeerMisbehaved),
    /// A server shares no suite with its client, or no group, or no scheme.
    NothingShared,
    /// A client sees the mark of a server that could do better, which only one
    /// in between can have prevented (RFC 8446, section 4.1.3); a server hears
    /// that its client has tried better before (RFC 7507).
    Downgraded,
}

impl From<PeerMisbehaved> for Meaning {
    fn from(error: PeerMisbehaved) -> Self {
        Self::Named(error.into())
    }
}

impl From<PeerIncompatible> for Meaning {
    fn from(error: PeerIncompatible) -> Self {
        Self::Named(error.into())
    }
}

impl From<CertificateError> for Meaning {
    fn from(error: CertificateError) -> Self {
        Self::Named(error.into())
    }
}

/// Writes [`meaning`] from rows of reasons with their numbers.
macro_rules! meanings {
    ($($meaning:expr => { $($reason:ident = $number:literal)* })*) => {
        /// The one table from OpenSSL's reasons to ours.
        pub fn meaning(reason: c_int) -> Option<Meaning> {
            $($(const $reason: c_int = $number;)*)*
            Some(match reason {
                $($($reason)|* => $meaning.into(),)*
                _ => return None,
            })
        }

        /// The reasons of the table with their names, for a test against the
        /// library's own words.
        pub const NAMED: &[(c_int, &str)] = &[$($(($number, stringify!($reason))),*),*];
    };
}

meanings! {
    Meaning::Framing(PeerMisbehaved::Malformed) => {
        HTTP_REQUEST = 156
        HTTPS_PROXY_REQUEST = 155
        WRONG_VERSION_NUMBER = 267
        UNKNOWN_PROTOCOL = 252
        RECORD_LENGTH_MISMATCH = 213
        LENGTH_TOO_SHORT = 160
        BAD_PACKET = 240
        BAD_PACKET_LENGTH = 115
        INVALID_RECORD = 317
    }
    Meaning::Framing(PeerMisbehaved::RecordOverflow) => {
        PACKET_LENGTH_TOO_LONG = 198
        ENCRYPTED_LENGTH_TOO_LONG = 150
        DATA_LENGTH_TOO_LONG = 146
        COMPRESSED_LENGTH_TOO_LONG = 140
        EXCESSIVE_MESSAGE_SIZE = 152
        LENGTH_TOO_LONG = 404
    }
    Meaning::Framing(PeerMisbehaved::UnexpectedMessage) => {
        UNEXPECTED_RECORD = 245
        BAD_RECORD_TYPE = 443
        APP_DATA_IN_HANDSHAKE = 100
        RECORD_TOO_SMALL = 298
    }
    Meaning::NothingShared => {
        NO_SHARED_CIPHER = 193
    }
    Meaning::Downgraded => {
        INAPPROPRIATE_FALLBACK = 373
    }
    PeerIncompatible::NoCommonVersion => {
        UNSUPPORTED_PROTOCOL = 258
        UNKNOWN_SSL_VERSION = 254
        UNSUPPORTED_SSL_VERSION = 259
        VERSION_TOO_LOW = 396
        VERSION_TOO_HIGH = 166
        WRONG_SSL_VERSION = 266
        NO_PROTOCOLS_AVAILABLE = 191
        MISSING_SUPPORTED_VERSIONS_EXTENSION = 420
    }
    PeerIncompatible::NoCommonCipherSuite => {
        NO_CIPHERS_AVAILABLE = 181
        NO_CIPHERS_SPECIFIED = 183
    }
    PeerIncompatible::NoCommonGroup => {
        NO_SUITABLE_KEY_SHARE = 101
        MISSING_SUPPORTED_GROUPS_EXTENSION = 209
        NO_SUITABLE_GROUPS = 295
        NO_SHARED_GROUPS = 410
        UNSUPPORTED_ELLIPTIC_CURVE = 315
    }
    PeerIncompatible::NoCommonSignatureScheme => {
        NO_SUITABLE_SIGNATURE_ALGORITHM = 118
        MISSING_SIGALGS_EXTENSION = 112
        NO_SHARED_SIGNATURE_ALGORITHMS = 376
        NO_SUITABLE_DIGEST_ALGORITHM = 297
        LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED = 333
    }
    PeerIncompatible::NoCommonAlpn => {
        NO_APPLICATION_PROTOCOL = 235
    }
    PeerIncompatible::Other("it does not support secure renegotiation".into()) => {
        UNSAFE_LEGACY_RENEGOTIATION_DISABLED = 338
    }
    CertificateError::Missing => {
        PEER_DID_NOT_RETURN_A_CERTIFICATE = 199
        NO_CERTIFICATES_RETURNED = 176
    }
    CertificateError::BadEncoding => {
        ASN1_LIB = 524301
        X509_LIB = 268
        UNABLE_TO_FIND_PUBLIC_KEY_PARAMETERS = 239
    }
    CertificateError::InvalidPurpose => {
        ECC_CERT_NOT_FOR_SIGNING = 318
    }
    CertificateError::UnacceptableAlgorithm => {
        EE_KEY_TOO_SMALL = 399
        CA_KEY_TOO_SMALL = 397
        CA_MD_TOO_WEAK = 398
        BAD_ECC_CERT = 304
        UNKNOWN_CERTIFICATE_TYPE = 247
    }
    PeerMisbehaved::BadCryptography => {
        DECRYPTION_FAILED = 147
        DECRYPTION_FAILED_OR_BAD_RECORD_MAC = 281
        DIGEST_CHECK_FAILED = 149
        BAD_SIGNATURE = 123
        BLOCK_CIPHER_PAD_IS_WRONG = 129
        BINDER_DOES_NOT_VERIFY = 253
        WRONG_SIGNATURE_SIZE = 265
        WRONG_SIGNATURE_LENGTH = 264
    }
    PeerMisbehaved::UnexpectedMessage => {
        UNEXPECTED_MESSAGE = 244
        UNEXPECTED_CCS_MESSAGE = 262
        CCS_RECEIVED_EARLY = 133
        GOT_A_FIN_BEFORE_A_CCS = 154
        DATA_BETWEEN_CCS_AND_FINISHED = 145
        APPLICATION_DATA_AFTER_CLOSE_NOTIFY = 291
        NOT_ON_RECORD_BOUNDARY = 182
        MIXED_HANDSHAKE_AND_NON_HANDSHAKE_DATA = 293
        BAD_CHANGE_CIPHER_SPEC = 103
        INVALID_CCS_MESSAGE = 260
        NO_RENEGOTIATION = 339
        UNEXPECTED_END_OF_EARLY_DATA = 178
        BAD_HELLO_REQUEST = 105
        TOO_MANY_KEY_UPDATES = 132
        TOO_MANY_WARN_ALERTS = 409
        BAD_HANDSHAKE_STATE = 236
    }
    PeerMisbehaved::Malformed => {
        LENGTH_MISMATCH = 159
        BAD_EXTENSION = 110
        BAD_DIGEST_LENGTH = 111
        BAD_HANDSHAKE_LENGTH = 332
        BAD_LENGTH = 271
        BAD_KEY_UPDATE = 122
        CA_DN_LENGTH_MISMATCH = 131
        CERT_LENGTH_MISMATCH = 135
        CIPHER_CODE_WRONG_LENGTH = 137
        CLIENTHELLO_TLSEXT = 226
        SERVERHELLO_TLSEXT = 275
        PARSE_TLSEXT = 227
        EXTRA_DATA_IN_MESSAGE = 153
        EXT_LENGTH_MISMATCH = 163
        ERROR_IN_RECEIVED_CIPHER_LIST = 151
        FRAGMENTED_CLIENT_HELLO = 401
        INVALID_ALERT = 205
        UNKNOWN_ALERT_TYPE = 246
        SSL3_EXT_INVALID_SERVERNAME = 319
        SSL3_EXT_INVALID_SERVERNAME_TYPE = 320
        SSL3_SESSION_ID_TOO_LONG = 300
        SSL_SESSION_ID_HAS_BAD_LENGTH = 303
        SSL_SESSION_ID_TOO_LONG = 408
        NO_COMPRESSION_SPECIFIED = 187
        BAD_PROTOCOL_VERSION_NUMBER = 116
        RENEGOTIATION_ENCODING_ERR = 336
        RENEGOTIATE_EXT_TOO_LONG = 335
        SIGNATURE_ALGORITHMS_ERROR = 360
    }
    PeerMisbehaved::IllegalParameter => {
        BAD_CIPHER = 186
        BAD_ECPOINT = 306
        BAD_HRR_VERSION = 263
        BAD_KEY_SHARE = 108
        BAD_LEGACY_VERSION = 292
        BAD_COMPRESSION_ALGORITHM = 326
        BAD_DH_VALUE = 102
        BAD_DATA = 390
        BAD_VALUE = 384
        BAD_PSK = 219
        BAD_PSK_IDENTITY = 114
        CIPHERSUITE_DIGEST_HAS_CHANGED = 218
        INCONSISTENT_EXTMS = 104
        INVALID_COMPRESSION_ALGORITHM = 341
        INVALID_KEY_UPDATE_TYPE = 120
        INVALID_SESSION_ID = 999
        MISSING_PARAMETERS = 290
        MISSING_PSK_KEX_MODES_EXTENSION = 310
        NO_CHANGE_FOLLOWING_HRR = 214
        OLD_SESSION_CIPHER_NOT_RETURNED = 197
        RENEGOTIATION_MISMATCH = 337
        SCSV_RECEIVED_WHEN_RENEGOTIATING = 345
        UNKNOWN_CIPHER_RETURNED = 248
        UNKNOWN_KEY_EXCHANGE_TYPE = 250
        UNSOLICITED_EXTENSION = 217
        UNSUPPORTED_COMPRESSION_ALGORITHM = 257
        WRONG_CIPHER_RETURNED = 261
        WRONG_CERTIFICATE_TYPE = 383
        WRONG_CURVE = 378
        WRONG_SIGNATURE_TYPE = 370
        EXTENSION_NOT_RECEIVED = 279
        SSL3_EXT_INVALID_MAX_FRAGMENT_LENGTH = 232
        REQUIRED_CIPHER_MISSING = 215
        REQUIRED_COMPRESSION_ALGORITHM_MISSING = 342
        TLS_INVALID_ECPOINTFORMAT_LIST = 157
        ILLEGAL_POINT_COMPRESSION = 162
        SIGNATURE_FOR_NON_SIGNING_CERTIFICATE = 220
    }
}
