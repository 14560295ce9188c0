//! Gives a context the roots that it trusts.

use boring::ssl::SslContextBuilder;
use boring::x509::X509;
use tls_core::{Error, Roots};

/// Trusts these roots and answers them, parsed. Required ones must be sound;
/// of the tolerated ones those are taken that are.
pub(crate) fn load(builder: &mut SslContextBuilder, roots: &Roots) -> Result<Vec<X509>, Error> {
    let mut loaded = Vec::with_capacity(roots.required().len() + roots.tolerated().len());
    for (index, der) in roots.required().iter().enumerate() {
        let refuse = |error| {
            Error::config(
                "roots",
                format!("certificate {index} cannot be used: {error}"),
            )
        };
        let root = X509::from_der(der).map_err(refuse)?;
        root.public_key().map_err(refuse)?;
        loaded.push(root);
    }
    let usable = |root: &X509| root.public_key().is_ok();
    let tolerated = roots.tolerated().iter().map(|der| X509::from_der(der));
    loaded.extend(tolerated.filter_map(Result::ok).filter(usable));
    if loaded.is_empty() {
        return Err(Error::config(
            "roots",
            "none of the certificates can be parsed, so nobody could be trusted",
        ));
    }
    for root in &loaded {
        builder
            .cert_store_mut()
            .add_cert(root)
            .map_err(|error| Error::config("roots", error.to_string()))?;
    }
    Ok(loaded)
}

#[cfg(test)]
mod tests {
    use tls_core::{ClientConfig, TlsBackend};

    use crate::Boring;
    use crate::testing::{Authority, assert_clean};

    use super::*;

    #[test]
    fn a_root_of_ones_own_must_be_sound() {
        let good = Authority::new().der();
        let roots = Roots::from_der([good, vec![0x30, 0].into()]).unwrap();
        let config = ClientConfig::builder().roots(roots).build().unwrap();
        let error = Boring::new().client(&config).unwrap_err();
        assert_clean();
        assert!(
            matches!(&error, Error::Config(error)
                if error.field == "roots" && error.reason.contains("certificate 1")),
            "{error:?}"
        );
    }

    #[test]
    fn the_roots_compiled_in_are_taken_and_twice_is_once() {
        let roots = Roots::bundled().and(&Roots::bundled());
        let config = ClientConfig::builder().roots(roots).build().unwrap();
        let context = Boring::new().client(&config).unwrap();
        assert_clean();
        #[expect(deprecated, reason = "nothing changes the store meanwhile")]
        let taken = context.ssl_context().cert_store().objects().len();
        assert_eq!(taken, Roots::bundled().required().len());
    }
}
