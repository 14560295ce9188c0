//! The backends as features, and which crates each may bring.

use std::collections::BTreeSet;

use crate::command::{Failure, Outcome, cargo};

/// A backend feature of `polytls`.
pub(crate) struct Backend {
    pub(crate) feature: &'static str,
    /// Crates that are in the tree when it is on.
    brings: &'static [&'static str],
}

/// Every backend that `polytls` has.
pub(crate) const BACKENDS: &[Backend] = &[
    Backend {
        feature: "rustls",
        brings: &["tls-rustls", "rustls", "aws-lc-rs", "aws-lc-sys"],
    },
    Backend {
        feature: "openssl",
        brings: &["tls-openssl", "openssl", "openssl-sys"],
    },
    Backend {
        feature: "openssl-vendored",
        brings: &["tls-openssl", "openssl", "openssl-sys", "openssl-src"],
    },
    Backend {
        feature: "boring",
        brings: &["tls-boring", "boring", "boring-sys"],
    },
    Backend {
        feature: "native-tls",
        // Where it is OpenSSL.
        brings: &["tls-native", "native-tls", "openssl", "openssl-sys"],
    },
];

/// TLS libraries that a tree may hold only where a backend brings them.
pub(crate) const LIBRARIES: &[&str] = &[
    "aws-lc-rs",
    "aws-lc-sys",
    "boring",
    "boring-sys",
    "native-tls",
    "openssl",
    "openssl-src",
    "openssl-sys",
    "ring",
    "rustls",
    "rustls-webpki",
    "s2n-tls",
    "tls-boring",
    "tls-native",
    "tls-openssl",
    "tls-rustls",
];

/// What else a tree without TLS does not hold.
const TLS_ONLY: &[&str] = &[
    "openssl-probe",
    "rustls-native-certs",
    "rustls-pki-types",
    "tls-core",
    "webpki-root-certs",
];

/// What comes along with rustls and is no library of its own.
const OF_RUSTLS: &[&str] = &["ring", "rustls-webpki"];

/// Fails unless the tree of `package` without default features is free of TLS.
pub(crate) fn assert_no_tls(package: &str) -> Outcome {
    let tree = tree(package, "")?;
    refuse(package, &tree, |name| {
        LIBRARIES.contains(&name) || TLS_ONLY.contains(&name)
    })
}

/// Fails unless `polytls` with this backend alone has its crates and those of
/// no other backend.
pub(crate) fn assert_alone(backend: &Backend) -> Outcome {
    let tree = tree("polytls", &format!("--features {}", backend.feature))?;
    compare(backend, &tree)
}

fn compare(backend: &Backend, tree: &BTreeSet<String>) -> Outcome {
    let with = format!("polytls with {} alone", backend.feature);
    for &name in backend.brings {
        if !tree.contains(name) {
            return Err(Failure::new(format!("{with} does not depend on {name}")));
        }
    }
    let own = |name: &str| {
        let of_rustls = backend.feature == "rustls" && OF_RUSTLS.contains(&name);
        of_rustls || backend.brings.contains(&name)
    };
    refuse(&with, tree, |name| LIBRARIES.contains(&name) && !own(name))
}

fn refuse(whose: &str, tree: &BTreeSet<String>, unwanted: impl Fn(&str) -> bool) -> Outcome {
    let found: Vec<&str> = tree
        .iter()
        .map(String::as_str)
        .filter(|name| unwanted(name))
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    let found = found.join(", ");
    Err(Failure::new(format!("{whose} depends on {found}")))
}

/// The names of the crates that `package` depends on, on any platform.
fn tree(package: &str, features: &str) -> Outcome<BTreeSet<String>> {
    let list = cargo("tree --quiet --edges normal,build --target all --prefix none --format {p}")
        .and(&format!("--package {package} --no-default-features"))
        .and(features);
    println!("$ {list}");
    let tree = names(&list.read()?);
    if tree.contains(package) {
        return Ok(tree);
    }
    Err(Failure::new(format!("`{list}` does not list {package}")))
}

/// The first word of each line.
fn names(tree: &str) -> BTreeSet<String> {
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(String::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend(feature: &str) -> &'static Backend {
        BACKENDS.iter().find(|b| b.feature == feature).unwrap()
    }

    #[test]
    fn a_second_library_in_the_tree_is_refused() {
        let alone = names(
            "polytls v0.1.0 (/p)\ntls-openssl v0.1.0\nopenssl v0.10.1\nopenssl-sys v0.9.1 (*)\n",
        );
        assert!(compare(backend("openssl"), &alone).is_ok());
        for other in ["rustls", "openssl-src", "ring"] {
            let mut both = alone.clone();
            both.insert(other.into());
            let failure = compare(backend("openssl"), &both).unwrap_err();
            assert!(failure.to_string().ends_with(other), "{failure}");
        }
    }

    #[test]
    fn a_tree_without_the_backend_is_refused() {
        let none = names("polytls v0.1.0\nsocket v0.1.0\n");
        assert!(compare(backend("rustls"), &none).is_err());
    }

    #[test]
    fn every_crate_that_a_backend_brings_is_known_as_a_library() {
        for backend in BACKENDS {
            for name in backend.brings {
                assert!(LIBRARIES.contains(name), "{name}");
            }
        }
    }
}
