//! The files that the rules look at.

use std::fs;
use std::path::Path;

use crate::command::{Failure, Outcome, root};

/// One text file of the repository.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the root, parts divided by `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// A violation at a line of this file, counted from 1.
    pub(crate) fn violation(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// Every text file of the repository; no build output.
pub(crate) fn files() -> Outcome<Vec<File>> {
    let mut files = Vec::new();
    collect(root(), "", &mut files)
        .map_err(|error| Failure::new(format!("cannot read the source: {error}")))?;
    if files.iter().any(File::is_rust) {
        return Ok(files);
    }
    Err(Failure::new("found no source"))
}

/// Walks instead of asking git: an unpacked archive has no git folder.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<File>) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && name != ".git" && !is_build_output(&entry.path()) {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file()
            && let Ok(text) = String::from_utf8(fs::read(entry.path())?)
        {
            files.push(File { path, text });
        }
    }
    Ok(())
}

/// Cargo marks its target folders.
fn is_build_output(folder: &Path) -> bool {
    folder.join("CACHEDIR.TAG").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_found_without_its_build_output() {
        let files = files().unwrap();
        let has = |path: &str| files.iter().any(|file| file.path == path);
        assert!(has("Cargo.toml") && has("xtask/src/lint/source.rs"));
        assert!(!files.iter().any(|file| file.path.starts_with("target/")));
        assert!(!files.iter().any(|file| file.path.starts_with(".git/")));
    }
}
