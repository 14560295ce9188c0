//! Whom this side trusts.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::Error;
use crate::identity::{is_one_sequence, read_bounded};
use crate::limits::MAX_ROOTS_OCTETS;

/// Trusted root certificates. Never empty.
///
/// The same roots serve every backend, because they are loaded here and not by
/// the library: "the system's roots" are the same certificates everywhere.
///
/// A certificate given by the application must be sound, or the config is
/// refused. Of the operating system's store, single certificates that cannot
/// be read or parsed are passed over: one odd file there must not stop every
/// program. A certificate that was passed over is not trusted.
#[derive(Clone, Hash)]
pub struct Roots {
    own: Arc<[CertificateDer<'static>]>,
    system: Arc<[CertificateDer<'static>]>,
}

impl Roots {
    /// What the operating system trusts: on Unix the usual certificate files
    /// and folders, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name; the
    /// platform's store elsewhere. Read at each call.
    #[cfg(feature = "system-roots")]
    pub fn system() -> Result<Self, Error> {
        let loaded = rustls_native_certs::load_native_certs();
        if loaded.certs.is_empty() {
            let reasons: Vec<_> = loaded.errors.iter().map(ToString::to_string).collect();
            let reason = if reasons.is_empty() {
                "the operating system has no trusted certificates".to_owned()
            } else {
                format!(
                    "the operating system's trusted certificates: {}",
                    reasons.join("; ")
                )
            };
            return Err(invalid(reason));
        }
        Ok(Self {
            own: Arc::default(),
            system: loaded.certs.into(),
        })
    }

    /// Mozilla's root programme, as compiled in: it ages with the build.
    #[cfg(feature = "bundled-roots")]
    pub fn bundled() -> Self {
        Self {
            own: webpki_root_certs::TLS_SERVER_ROOT_CERTS.into(),
            system: Arc::default(),
        }
    }

    /// The application's own roots, in DER.
    pub fn from_der(
        certificates: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Result<Self, Error> {
        let own: Arc<[_]> = certificates.into_iter().collect();
        if own.is_empty() {
            return Err(invalid(
                "there is no certificate, so nobody could be trusted",
            ));
        }
        if let Some(index) = own.iter().position(|der| !is_one_sequence(der)) {
            return Err(invalid(format!("certificate {index} is not valid DER")));
        }
        Ok(Self {
            own,
            system: Arc::default(),
        })
    }

    /// The application's own roots, in PEM. Sections that are no certificates
    /// are passed over.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        if pem.len() > MAX_ROOTS_OCTETS {
            return Err(invalid(format!(
                "the PEM text has more than {MAX_ROOTS_OCTETS} octets"
            )));
        }
        let certificates = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| invalid(format!("this is no PEM: {error}")))?;
        Self::from_der(certificates)
    }

    /// The application's own roots, from a PEM file.
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let pem = read_bounded(path, MAX_ROOTS_OCTETS).map_err(invalid)?;
        Self::from_pem(&pem).map_err(|error| match error {
            Error::Config(error) => invalid(format!("{}: {}", path.display(), error.reason)),
            other => other,
        })
    }

    /// Trusts both these roots and those.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let joined = |a: &[CertificateDer<'static>], b: &[CertificateDer<'static>]| {
            a.iter().chain(b).cloned().collect()
        };
        Self {
            own: joined(&self.own, &other.own),
            system: joined(&self.system, &other.system),
        }
    }

    /// The roots that a backend must take, or refuse the config.
    pub fn required(&self) -> &[CertificateDer<'static>] {
        &self.own
    }

    /// The roots that a backend takes if it can parse them.
    pub fn tolerated(&self) -> &[CertificateDer<'static>] {
        &self.system
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roots")
            .field("own", &self.own.len())
            .field("system", &self.system.len())
            .finish()
    }
}

fn invalid(reason: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::config("roots", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(result: Result<Roots, Error>) -> String {
        match result {
            Err(Error::Config(error)) => {
                assert_eq!(error.field, "roots");
                error.reason.into_owned()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_roots_are_refused() {
        assert!(reason(Roots::from_der([])).contains("nobody"));
        assert!(reason(Roots::from_pem(b"nothing here")).contains("nobody"));
        assert!(reason(Roots::from_pem_file("/no/such/file")).contains("/no/such/file"));
    }

    #[test]
    fn garbage_is_refused_and_named_by_its_place() {
        let good = CertificateDer::from(vec![0x30, 0]);
        let bad = CertificateDer::from(vec![0x30, 9]);
        assert!(reason(Roots::from_der([good, bad])).contains("certificate 1"));
    }

    #[cfg(feature = "bundled-roots")]
    #[test]
    fn roots_add_up() {
        let own = Roots::from_der([CertificateDer::from(vec![0x30, 0])]).unwrap();
        let both = own.and(&Roots::bundled());
        assert_eq!(both.required().len(), 1 + Roots::bundled().required().len());
        assert!(both.tolerated().is_empty());
    }
}
