//! What a folder has for a path.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

const IN_A_LINK: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What there is.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    /// A folder whose path lacks the slash at its end.
    Elsewhere(String),
    /// A folder's names, as a page of HTML.
    List(String),
    File {
        file: File,
        length: u64,
        /// The media type.
        kind: String,
    },
}

/// Looks the path of a request up.
pub(super) fn find(folder: &Path, path: &str) -> Found {
    let Some(file) = inside(folder, path) else {
        return Found::Nothing;
    };
    if !file.is_dir() {
        return open(&file);
    }
    if !path.ends_with('/') {
        return Found::Elsewhere(format!("/{}/", path.trim_matches('/')));
    }
    match inside(&file, "/index.html") {
        Some(index) => open(&index),
        None => list(&file),
    }
}

/// The file behind a request's path, if it is inside the folder: neither `..`
/// nor a symbolic link leads out of it.
fn inside(folder: &Path, path: &str) -> Option<PathBuf> {
    let decoded = percent_decode_str(path.strip_prefix('/')?)
        .decode_utf8()
        .ok()?;
    let mut file = folder.to_owned();
    for part in decoded
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
    {
        if part == ".." || part.contains(['\0', '\\']) {
            return None;
        }
        file.push(part);
    }
    let real = file.canonicalize().ok()?;
    real.starts_with(folder.canonicalize().ok()?)
        .then_some(real)
}

fn open(path: &Path) -> Found {
    // To open a pipe waits for somebody at its other end.
    if !path.is_file() {
        return Found::Nothing;
    }
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    match opened {
        Ok((metadata, file)) if metadata.is_file() => Found::File {
            file,
            length: metadata.len(),
            kind: mime_guess::from_path(path)
                .first_or_octet_stream()
                .to_string(),
        },
        _ => Found::Nothing,
    }
}

fn list(folder: &Path) -> Found {
    let Ok(entries) = fs::read_dir(folder) else {
        return Found::Nothing;
    };
    let mut names: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let slash = if entry.path().is_dir() { "/" } else { "" };
            Some(format!("{}{slash}", entry.file_name().to_str()?))
        })
        .collect();
    names.sort();
    let mut page =
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Files</title>\n<ul>\n".to_owned();
    for name in &names {
        let (bare, slash) = name
            .strip_suffix('/')
            .map_or((name.as_str(), ""), |bare| (bare, "/"));
        let link = utf8_percent_encode(bare, IN_A_LINK);
        let shown = bare.replace('&', "&amp;").replace('<', "&lt;");
        page.push_str(&format!(
            "<li><a href=\"./{link}{slash}\">{shown}{slash}</a>\n"
        ));
    }
    page.push_str("</ul>\n");
    Found::List(page)
}
