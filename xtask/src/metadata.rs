//! The packages of the build and what they depend on, as cargo knows them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::command::{Failure, Outcome, cargo};

/// Every package of the workspace and its dependencies, all features on.
#[derive(Debug)]
pub(crate) struct Metadata {
    packages: BTreeMap<String, Package>,
    members: BTreeSet<String>,
}

/// One package.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The oldest Rust that it says it needs.
    pub(crate) rust_version: Option<String>,
    pub(crate) manifest: String,
    /// Ids of what it needs to be built and to run; not its tests'.
    dependencies: Vec<String>,
}

impl Metadata {
    /// Asks cargo.
    pub(crate) fn load() -> Outcome<Self> {
        let ask = cargo("metadata --quiet --format-version 1 --all-features");
        println!("$ {ask}");
        let answer = serde_json::from_str(&ask.read()?)
            .map_err(|error| Failure::new(format!("`{ask}` wrote something else: {error}")))?;
        Self::parse(&answer)
            .ok_or_else(|| Failure::new(format!("`{ask}` lacks something that we need")))
    }

    /// Reads the answer of `cargo metadata`.
    pub(crate) fn parse(answer: &Value) -> Option<Self> {
        let mut packages = BTreeMap::new();
        for package in answer["packages"].as_array()? {
            let text = |key: &str| package[key].as_str().map(String::from);
            packages.insert(
                text("id")?,
                Package {
                    name: text("name")?,
                    version: text("version")?,
                    rust_version: text("rust_version"),
                    manifest: text("manifest_path")?,
                    dependencies: Vec::new(),
                },
            );
        }
        for node in answer["resolve"]["nodes"].as_array()? {
            let package = packages.get_mut(node["id"].as_str()?)?;
            for dependency in node["deps"].as_array()? {
                let kinds = dependency["dep_kinds"].as_array()?;
                if kinds.iter().any(|kind| kind["kind"] != "dev") {
                    let id = dependency["pkg"].as_str()?;
                    package.dependencies.push(id.to_owned());
                }
            }
        }
        Some(Self {
            packages,
            members: ids(&answer["workspace_members"])?,
        })
    }

    /// The packages of the workspace.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.members.iter().filter_map(|id| self.packages.get(id))
    }

    /// The crates that are meant for others, and all that they stand on.
    pub(crate) fn published(&self) -> Vec<&Package> {
        let is_published = |id: &&str| {
            let package = self.packages.get(*id);
            package.is_some_and(|package| package.manifest.contains("/crates/"))
        };
        let members = self.members.iter().map(String::as_str);
        self.reachable(members.filter(is_published).collect())
    }

    /// What the member of this name stands on, itself included; nothing if
    /// there is no such member.
    pub(crate) fn under(&self, member: &str) -> Vec<&Package> {
        let start = self.members.iter().map(String::as_str);
        let named = |id: &&str| self.packages.get(*id).is_some_and(|p| p.name == member);
        self.reachable(start.filter(named).collect())
    }

    fn reachable<'a>(&'a self, mut open: Vec<&'a str>) -> Vec<&'a Package> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut found = Vec::new();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            if let Some(package) = self.packages.get(id) {
                open.extend(package.dependencies.iter().map(String::as_str));
                found.push(package);
            }
        }
        found
    }
}

fn ids(list: &Value) -> Option<BTreeSet<String>> {
    let list = list.as_array()?.iter();
    list.map(|id| id.as_str().map(String::from)).collect()
}

/// The folder into which cargo builds.
pub(crate) fn target() -> Outcome<PathBuf> {
    let ask = cargo("metadata --quiet --no-deps --format-version 1");
    let answer: Value = serde_json::from_str(&ask.read()?)
        .map_err(|error| Failure::new(format!("`{ask}` wrote something else: {error}")))?;
    answer["target_directory"]
        .as_str()
        .map(PathBuf::from)
        .ok_or_else(|| Failure::new(format!("`{ask}` names no target folder")))
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// Packages of the same name and id, and their dependencies as
    /// (from, to, kind). The first two are members, the first is published.
    pub(crate) fn sample(
        packages: &[(&str, Option<&str>)],
        dependencies: &[(&str, &str, Option<&str>)],
    ) -> Metadata {
        let ids: Vec<&str> = packages.iter().map(|(id, _)| *id).collect();
        let nodes: Vec<Value> = ids
            .iter()
            .map(|id| {
                let of_it = dependencies.iter().filter(|(from, ..)| from == id);
                let deps: Vec<Value> = of_it
                    .map(|(_, to, kind)| json!({ "pkg": to, "dep_kinds": [{ "kind": kind }] }))
                    .collect();
                json!({ "id": id, "deps": deps })
            })
            .collect();
        let packages: Vec<Value> = packages
            .iter()
            .map(|(id, rust)| {
                let folder = if *id == ids[0] { "/crates/" } else { "/" };
                json!({
                    "id": id, "name": id, "version": "1.0.0", "rust_version": rust,
                    "manifest_path": format!("{folder}{id}/Cargo.toml"),
                })
            })
            .collect();
        Metadata::parse(&json!({
            "packages": packages,
            "resolve": { "nodes": nodes },
            "workspace_members": ids[..2],
        }))
        .unwrap()
    }

    #[test]
    fn dependencies_of_tests_are_not_followed() {
        let metadata = sample(
            &[("a", None), ("b", None), ("c", None), ("d", None)],
            &[
                ("a", "b", None),
                ("b", "c", Some("build")),
                ("a", "d", Some("dev")),
            ],
        );
        let mut names: Vec<&str> = metadata.under("a").iter().map(|p| &*p.name).collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "b", "c"]);
        assert!(metadata.under("d").is_empty());
    }
}
