//! What is answered to a request (RFC 9110), whichever runtime writes it.

use std::fs::File;
use std::path::Path;
use std::time::SystemTime;

use http::StatusCode;
use http_range_header::{EndPosition, StartPosition, parse_range_header};

use super::files::{self, Found};

/// A request, as far as it matters for the answer.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    /// The path, with percent-encoded octets.
    pub(super) path: String,
    /// The `Range` field, if the answer may follow it.
    pub(super) range: Option<String>,
    pub(super) has_body: bool,
}

/// A response without its framing.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) content: Content,
    /// Whether the content is not sent, although its length is told.
    pub(super) head_only: bool,
}

#[derive(Debug)]
pub(super) enum Content {
    Text(String),
    /// So many octets of a file, from the offset on.
    File {
        file: File,
        offset: u64,
        length: u64,
    },
}

impl Content {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::File { length, .. } => *length,
        }
    }
}

impl Answer {
    /// A status that says all.
    pub(super) fn of(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or_default();
        Self {
            status,
            headers: vec![("Content-Type", "text/plain; charset=utf-8".to_owned())],
            content: Content::Text(format!("{reason}\n")),
            head_only: false,
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Whether the connection cannot be used after it: a body that came with
    /// the request is not read, and would be taken for the next request.
    pub(super) fn is_last(&self) -> bool {
        self.status == StatusCode::BAD_REQUEST
    }
}

/// The `Date` field's value now.
pub(super) fn date() -> String {
    httpdate::fmt_http_date(SystemTime::now())
}

/// Decides. It reads the folder, and may wait for the disk.
pub(super) fn answer(folder: &Path, asked: &Asked) -> Answer {
    if asked.has_body {
        return Answer::of(StatusCode::BAD_REQUEST);
    }
    let head_only = match asked.method.as_str() {
        "GET" => false,
        "HEAD" => true,
        _ => return Answer::of(StatusCode::METHOD_NOT_ALLOWED).with("Allow", "GET, HEAD"),
    };
    let answer = match files::find(folder, &asked.path) {
        Found::Nothing => Answer::of(StatusCode::NOT_FOUND),
        Found::Elsewhere(place) => {
            Answer::of(StatusCode::MOVED_PERMANENTLY).with("Location", place)
        }
        Found::List(page) => Answer {
            status: StatusCode::OK,
            headers: vec![("Content-Type", "text/html; charset=utf-8".to_owned())],
            content: Content::Text(page),
            head_only: false,
        },
        Found::File { file, length, kind } => {
            // A range of a HEAD request means nothing (RFC 9110, section 14.2).
            let range = asked.range.as_deref().filter(|_| !head_only);
            of_file(file, length, kind, range)
        }
    };
    Answer {
        head_only,
        ..answer
    }
}

fn of_file(file: File, length: u64, kind: String, range: Option<&str>) -> Answer {
    let (status, offset, part) = match range.map_or(Part::Whole, |range| part(range, length)) {
        Part::Whole => (StatusCode::OK, 0, length),
        Part::Of(offset, part) => (StatusCode::PARTIAL_CONTENT, offset, part),
        Part::Nothing => {
            return Answer::of(StatusCode::RANGE_NOT_SATISFIABLE)
                .with("Content-Range", format!("bytes */{length}"));
        }
    };
    let answer = Answer {
        status,
        headers: vec![("Content-Type", kind)],
        content: Content::File {
            file,
            offset,
            length: part,
        },
        head_only: false,
    };
    let answer = answer.with("Accept-Ranges", "bytes");
    match status {
        StatusCode::PARTIAL_CONTENT => {
            let last = offset + part - 1;
            answer.with("Content-Range", format!("bytes {offset}-{last}/{length}"))
        }
        _ => answer,
    }
}

enum Part {
    Whole,
    Nothing,
    /// The offset, and a length that is not 0.
    Of(u64, u64),
}

/// One range is followed. A field that cannot be read, or names several
/// ranges, is passed over, which RFC 9110 (section 14.2) allows.
fn part(range: &str, length: u64) -> Part {
    let Ok(parsed) = parse_range_header(range) else {
        return Part::Whole;
    };
    let [range] = &parsed.ranges[..] else {
        return Part::Whole;
    };
    let start = match range.start {
        StartPosition::Index(index) => index,
        StartPosition::FromLast(octets) => length.saturating_sub(octets),
    };
    let end = match range.end {
        EndPosition::Index(last) if last < start => return Part::Whole,
        EndPosition::Index(last) => last.saturating_add(1).min(length),
        EndPosition::LastByte => length,
    };
    match end.checked_sub(start) {
        None | Some(0) => Part::Nothing,
        Some(octets) => Part::Of(start, octets),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(range: Option<&str>) -> (u16, u64, Option<String>) {
        let file = tempfile::tempfile().unwrap();
        let answer = of_file(file, 10, "text/plain".to_owned(), range);
        let content_range = answer
            .headers
            .iter()
            .find(|field| field.0 == "Content-Range");
        let content_range = content_range.map(|(_, value)| value.clone());
        (
            answer.status.as_u16(),
            answer.content.length(),
            content_range,
        )
    }

    #[test]
    fn one_range_is_followed_and_what_is_no_range_is_passed_over() {
        for (range, status, length, told_range) in [
            ("bytes=2-4", 206, 3, Some("bytes 2-4/10")),
            ("bytes=7-", 206, 3, Some("bytes 7-9/10")),
            ("bytes=-4", 206, 4, Some("bytes 6-9/10")),
            ("bytes=5-99", 206, 5, Some("bytes 5-9/10")),
            ("bytes=-99", 206, 10, Some("bytes 0-9/10")),
            ("bytes=4-2", 200, 10, None),
            ("bytes=10-", 416, 22, Some("bytes */10")),
            ("bytes=0-1,4-5", 200, 10, None),
            ("lines=0-1", 200, 10, None),
            ("bytes=", 200, 10, None),
        ] {
            let expected = (status, length, told_range.map(str::to_owned));
            assert_eq!(told(Some(range)), expected, "{range}");
        }
        assert_eq!(told(None), (200, 10, None));
    }
}
