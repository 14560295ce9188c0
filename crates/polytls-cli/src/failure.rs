//! What went wrong, at which step, and what to do about it.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use polytls::tls::{Alert, CertificateError, Error as TlsError, PeerIncompatible, PeerMisbehaved};

use crate::style;

/// A failed command. The exit codes are documented in `polytls --help`.
#[derive(Debug)]
pub(crate) struct Failure {
    step: &'static str,
    what: String,
    advice: Option<&'static str>,
    code: u8,
}

impl Failure {
    /// Any failure of the library.
    pub(crate) fn at(step: &'static str, error: impl Into<polytls::Error>) -> Self {
        use polytls::Error;

        let error = error.into();
        let (code, advice) = match &error {
            Error::Tls(error) => (tls_code(error), tls_advice(error)),
            Error::Timeout { .. } => (
                6,
                Some("the other side is slow or does not answer: try again, or raise --timeout"),
            ),
            Error::Io(source) | Error::Connect { source, .. } | Error::Bind { source, .. } => {
                (5, io_advice(source.kind()))
            }
            _ => (1, None),
        };
        Self {
            step,
            what: error.to_string(),
            advice,
            code,
        }
    }

    /// A setting is wrong or not supported.
    pub(crate) fn config(error: TlsError) -> Self {
        Self::at("the settings", error)
    }

    /// A setting is wrong: said by the command itself.
    pub(crate) fn setting(field: &'static str, reason: impl Into<String>) -> Self {
        Self::config(TlsError::config(field, reason.into()))
    }

    /// A file or a stream of the program failed.
    pub(crate) fn io(step: &'static str, error: &io::Error) -> Self {
        Self {
            step,
            what: error.to_string(),
            advice: None,
            code: 5,
        }
    }

    /// Standard output failed.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "used as `map_err(Failure::output)`"
    )]
    pub(crate) fn output(error: io::Error) -> Self {
        Self::io("writing to standard output", &error)
    }

    /// Making certificates failed.
    pub(crate) fn certificates(error: rcgen::Error) -> Self {
        Self::other("making certificates", error)
    }

    /// Something without a kind of its own.
    pub(crate) fn other(step: &'static str, what: impl Display) -> Self {
        Self {
            step,
            what: what.to_string(),
            advice: None,
            code: 1,
        }
    }

    /// Tells the user, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        let mut err = anstream::stderr().lock();
        let Self {
            step,
            what,
            advice,
            code,
        } = self;
        // Nothing is left to do when even this cannot be written.
        let _ = writeln!(
            err,
            "{}polytls: {step} failed:{} {what}",
            style::BAD,
            style::END
        );
        if let Some(advice) = advice {
            let _ = writeln!(err, "  {advice}");
        }
        ExitCode::from(*code)
    }

    /// One line, for a server's log.
    pub(crate) fn line(&self) -> String {
        format!("{} failed: {}", self.step, self.what)
    }
}

fn tls_code(error: &TlsError) -> u8 {
    match error {
        TlsError::Config(_) => 3,
        TlsError::Unsupported(_) => 4,
        TlsError::Io(_) => 5,
        TlsError::Certificate(_) => 7,
        TlsError::AlertReceived(_) => 8,
        TlsError::PeerIncompatible(_) => 9,
        TlsError::PeerMisbehaved(_) => 10,
        TlsError::Truncated => 11,
        TlsError::Backend(_) => 12,
        _ => 1,
    }
}

fn tls_advice(error: &TlsError) -> Option<&'static str> {
    match error {
        TlsError::Unsupported(_) => {
            Some("`polytls backends` shows what each backend can do; choose one with --backend")
        }
        TlsError::Certificate(reason) => certificate_advice(reason),
        TlsError::AlertReceived(alert) => alert_advice(*alert),
        TlsError::PeerIncompatible(PeerIncompatible::NoCommonVersion) => {
            Some("widen --tls-min and --tls-max, if the other side's version is acceptable")
        }
        TlsError::PeerIncompatible(PeerIncompatible::NoCommonAlpn) => {
            Some("offer another protocol with --alpn")
        }
        TlsError::PeerIncompatible(_) => {
            Some("leave out --suites and --groups, or name more of them")
        }
        TlsError::PeerMisbehaved(PeerMisbehaved::NotTls) => Some(
            "is this a TLS port? Some protocols start in plain text on it (STARTTLS), and plain \
             HTTP is usually on another",
        ),
        TlsError::PeerMisbehaved(_) => {
            Some("the other side is faulty, or something in between changes the data")
        }
        TlsError::Truncated => {
            Some("what was received may be incomplete: do not take it for the whole")
        }
        TlsError::Io(error) => io_advice(error.kind()),
        _ => None,
    }
}

fn certificate_advice(reason: &CertificateError) -> Option<&'static str> {
    match reason {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            Some("if you know the CA that signed it, name its certificate with --ca")
        }
        CertificateError::NameMismatch => {
            Some("connect by a name that the certificate has, or say it with --server-name")
        }
        CertificateError::Expired | CertificateError::NotYetValid => {
            Some("check this machine's clock; else the certificate must be renewed")
        }
        CertificateError::InvalidPurpose => {
            Some("it needs the extended key usage serverAuth for a server, clientAuth for a client")
        }
        CertificateError::CaUsedAsEndEntity => {
            Some("the server must use a certificate of its own, not the CA's")
        }
        _ => None,
    }
}

fn alert_advice(alert: Alert) -> Option<&'static str> {
    match alert {
        Alert::PROTOCOL_VERSION => Some("widen --tls-min and --tls-max"),
        Alert::HANDSHAKE_FAILURE => Some(
            "usually no suite or group in common (leave out --suites and --groups), or a client \
             certificate is required (--cert and --key)",
        ),
        Alert::CERTIFICATE_REQUIRED => Some("a client certificate is required: --cert and --key"),
        Alert::UNKNOWN_CA => Some("the other side does not trust the CA of our certificate"),
        Alert::CERTIFICATE_EXPIRED => Some("our certificate has expired, or its clock is wrong"),
        Alert::BAD_CERTIFICATE | Alert::UNSUPPORTED_CERTIFICATE | Alert::CERTIFICATE_UNKNOWN => {
            Some("the other side refused our certificate")
        }
        Alert::UNRECOGNIZED_NAME => Some("the server does not know this name: --server-name"),
        Alert::NO_APPLICATION_PROTOCOL => Some("offer another protocol with --alpn"),
        _ => None,
    }
}

fn io_advice(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::ConnectionRefused => Some("nothing listens on that port"),
        ErrorKind::AddrInUse => Some("another program listens there: choose another --listen"),
        ErrorKind::PermissionDenied => Some("ports below 1024 usually need privileges"),
        ErrorKind::ConnectionReset => Some("the other side, or something in between, hung up"),
        _ => None,
    }
}
