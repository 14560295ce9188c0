//! Which backend serves, among those that are compiled in.

use tls_core::{AnyBackend, Error, TlsBackend};

/// The backends that this build has. Nothing is chosen silently: without a
/// name there must be exactly one.
#[derive(Debug)]
pub struct Backend;

/// Is shown each backend with its own type: for code that is generic over it.
pub trait BackendVisitor {
    /// Called once for each backend, in the order of [`Backend::available`].
    fn visit<B: TlsBackend>(&mut self, backend: B);
}

/// Shows the visitor every backend that is compiled in.
#[cfg_attr(
    not(any(
        feature = "boring",
        feature = "native-tls",
        feature = "openssl",
        feature = "rustls"
    )),
    expect(unused_variables, reason = "there is nothing to show")
)]
pub fn visit_backends(visitor: &mut impl BackendVisitor) {
    #[cfg(feature = "rustls")]
    visitor.visit(tls_rustls::Rustls::default());
    #[cfg(feature = "openssl")]
    visitor.visit(tls_openssl::OpenSsl::default());
    #[cfg(feature = "boring")]
    visitor.visit(tls_boring::Boring::default());
    #[cfg(feature = "native-tls")]
    visitor.visit(tls_native::Native::default());
}

impl Backend {
    /// Every backend that is compiled in.
    pub fn available() -> Vec<AnyBackend> {
        struct Collect(Vec<AnyBackend>);

        impl BackendVisitor for Collect {
            fn visit<B: TlsBackend>(&mut self, backend: B) {
                self.0.push(AnyBackend::new(backend));
            }
        }

        let mut all = Collect(Vec::new());
        visit_backends(&mut all);
        all.0
    }

    /// The backend with this name, for example `rustls` or `openssl`.
    pub fn by_name(name: &str) -> Result<AnyBackend, Error> {
        let all = Self::available();
        let found = all.iter().find(|backend| backend.info().name == name);
        found.cloned().ok_or_else(|| {
            Error::config(
                "backend",
                format!("{name:?} is not in this build, which has {}", names(&all)),
            )
        })
    }

    /// The backend with this name, or without a name the only one there is.
    pub fn choose(name: Option<&str>) -> Result<AnyBackend, Error> {
        if let Some(name) = name {
            return Self::by_name(name);
        }
        let mut all = Self::available();
        match all.len() {
            1 => Ok(all.remove(0)),
            _ => Err(Error::config(
                "backend",
                format!(
                    "none is named, and this build has {}: name one",
                    names(&all)
                ),
            )),
        }
    }
}

fn names(backends: &[AnyBackend]) -> String {
    match backends {
        [] => "no backend".to_owned(),
        some => some
            .iter()
            .map(|backend| backend.info().name)
            .collect::<Vec<_>>()
            .join(" and "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(result: Result<AnyBackend, Error>) -> String {
        match result {
            Err(Error::Config(error)) => {
                assert_eq!(error.field, "backend");
                error.reason.into_owned()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_backend_is_found_by_its_name() {
        for backend in Backend::available() {
            let name = backend.info().name;
            assert_eq!(Backend::by_name(name).unwrap().info().name, name);
            assert_eq!(Backend::choose(Some(name)).unwrap().info().name, name);
        }
    }

    #[test]
    fn a_name_that_is_not_in_the_build_is_refused_and_the_others_told() {
        let reason = refusal(Backend::by_name("none-such"));
        assert!(reason.contains("none-such"), "{reason}");
        for backend in Backend::available() {
            assert!(reason.contains(backend.info().name), "{reason}");
        }
    }

    #[test]
    fn nothing_is_chosen_silently() {
        let chosen = Backend::choose(None);
        match Backend::available().as_slice() {
            [only] => assert_eq!(chosen.unwrap().info().name, only.info().name),
            [] => assert!(refusal(chosen).contains("no backend")),
            _ => assert!(refusal(chosen).contains("name one")),
        }
    }
}
