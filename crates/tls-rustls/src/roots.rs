//! The config's roots, as rustls wants them.

use rustls::RootCertStore;
use tls_core::{Error, Roots};

/// The application's own roots strictly, the operating system's as far as
/// they can be parsed.
pub(crate) fn store(roots: &Roots) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    for (index, certificate) in roots.required().iter().enumerate() {
        store.add(certificate.clone()).map_err(|error| {
            Error::config("roots", format!("certificate {index} is unusable: {error}"))
        })?;
    }
    store.add_parsable_certificates(roots.tolerated().iter().cloned());
    if store.is_empty() {
        return Err(Error::config(
            "roots",
            "no certificate of the operating system can be parsed, so nobody could be trusted",
        ));
    }
    Ok(store)
}
