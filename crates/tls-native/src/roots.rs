//! The roots that a client trusts.

use native_tls::Certificate;
use tls_core::{Capabilities, CertificateDer, Error, Roots, Unsupported};

use crate::info::NAME;
use crate::platform;

/// These roots as the library takes them. Required ones must be sound; of the
/// tolerated ones those are taken that are.
pub(crate) fn load(roots: &Roots) -> Result<Vec<Certificate>, Error> {
    let mut loaded = Vec::with_capacity(roots.required().len() + roots.tolerated().len());
    for (index, der) in roots.required().iter().enumerate() {
        loaded.push(Certificate::from_der(der).map_err(|error| {
            Error::config(
                "roots",
                format!("certificate {index} cannot be parsed: {error}"),
            )
        })?);
    }
    let can_be_root = |der: &CertificateDer<'_>| platform::can_be_root(der);
    if let Some(index) = roots.required().iter().position(|der| !can_be_root(der)) {
        let because = format!(
            "certificate {index} of the roots is not signed by itself, and the library trusts no \
             other as a root"
        );
        return Err(Unsupported::new(NAME, Capabilities::CERTIFICATE_RULES, because).into());
    }
    let tolerated = roots.tolerated().iter().filter(|der| can_be_root(der));
    loaded.extend(tolerated.filter_map(|der| Certificate::from_der(der).ok()));
    Ok(loaded)
}
