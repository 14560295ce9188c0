//! Rules about what the crates stand on.

use std::fs;

use crate::command::{Failure, Outcome};
use crate::features::LIBRARIES;
use crate::metadata::Metadata;

/// Crates that know no TLS library. A crate that does not depend on a library
/// cannot have its types in a signature.
const NEUTRAL: &[&str] = &[
    "client-hello",
    "poll",
    "pool",
    "socket",
    "tls-core",
    "tls-tokio",
    "transport",
];

/// Every TLS library or backend under a crate that must know none.
pub(crate) fn leaks(metadata: &Metadata) -> Vec<String> {
    let mut found = Vec::new();
    for member in NEUTRAL {
        for package in metadata.under(member) {
            if LIBRARIES.contains(&package.name.as_str()) {
                let name = &package.name;
                found.push(format!(
                    "{member} depends on {name}: it may know no TLS library"
                ));
            }
        }
    }
    found
}

/// Every package under the published crates that needs a newer Rust than we
/// promise.
pub(crate) fn newer_rust(metadata: &Metadata) -> Outcome<Vec<String>> {
    let promised = metadata
        .members()
        .filter_map(|member| member.rust_version.as_deref())
        .min_by_key(|version| numbers(version))
        .ok_or_else(|| Failure::new("no crate of the workspace has a rust-version"))?;
    let newer = metadata.published().into_iter().filter_map(|package| {
        let needs = package.rust_version.as_deref()?;
        (numbers(needs) > numbers(promised)).then(|| {
            let (name, version) = (&package.name, &package.version);
            format!("{name} {version} needs Rust {needs}; we promise {promised}")
        })
    });
    Ok(newer.collect())
}

/// Every crate of the workspace that does not take the workspace's lints.
pub(crate) fn without_lints(metadata: &Metadata) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    for member in metadata.members() {
        let manifest = fs::read_to_string(&member.manifest)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", member.manifest)))?;
        if !takes_lints(&manifest) {
            found.push(format!("{} lacks `[lints] workspace = true`", member.name));
        }
    }
    Ok(found)
}

fn takes_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim);
    lines.any(|line| line == "[lints]")
        && lines
            .take_while(|line| !line.starts_with('['))
            .any(|line| line.replace(' ', "") == "workspace=true")
}

/// A version as numbers; a part that is left out is 0.
fn numbers(version: &str) -> [u64; 3] {
    let mut numbers = [0; 3];
    for (number, part) in numbers.iter_mut().zip(version.split('.')) {
        *number = part.parse().unwrap_or(0);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::tests::sample;

    #[test]
    fn a_library_far_under_a_neutral_crate_is_found() {
        let packages = [
            ("socket", None),
            ("tls-core", None),
            ("helper", None),
            ("rustls", None),
        ];
        let clean = sample(&packages, &[("socket", "tls-core", None)]);
        assert!(leaks(&clean).is_empty());
        let leaking = sample(
            &packages,
            &[("socket", "helper", None), ("helper", "rustls", None)],
        );
        let found = leaks(&leaking);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("socket depends on rustls"));
    }

    #[test]
    fn a_library_that_only_tests_use_is_no_leak() {
        let metadata = sample(
            &[("tls-core", None), ("socket", None), ("rustls", None)],
            &[("tls-core", "rustls", Some("dev"))],
        );
        assert!(leaks(&metadata).is_empty());
    }

    #[test]
    fn a_dependency_that_needs_a_newer_rust_is_found() {
        let packages = [
            ("a", Some("1.88")),
            ("b", Some("1.88")),
            ("old", Some("1.9")),
            ("same", Some("1.88.0")),
            ("new", Some("1.88.1")),
        ];
        let all = [
            ("a", "old", None),
            ("a", "same", None),
            ("a", "new", Some("build")),
        ];
        let found = newer_rust(&sample(&packages, &all)).unwrap();
        assert_eq!(found, ["new 1.0.0 needs Rust 1.88.1; we promise 1.88"]);
        assert!(
            newer_rust(&sample(&packages, &all[..2]))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_manifest_without_the_lints_of_the_workspace_is_found() {
        assert!(takes_lints("[package]\n\n[lints]\nworkspace = true\n"));
        assert!(!takes_lints("[package]\nworkspace = true\n"));
        assert!(!takes_lints(
            "[lints]\n[package.metadata]\nworkspace = true\n"
        ));
    }
}
