//! Requests of HTTP/1.1 (RFC 9112) as their octets come in.

use http::{StatusCode, Uri};

use super::answer::Asked;

/// The most that a request's head may take, in octets.
pub(super) const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

/// What was received and belongs to no request yet.
#[derive(Debug, Default)]
pub(super) struct Heads {
    unread: Vec<u8>,
}

/// What came.
#[derive(Debug)]
pub(super) enum Head {
    Request(Request),
    /// No request that can be understood: answer this, and hang up.
    Bad(StatusCode),
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) asked: Asked,
    /// Whether the connection ends behind the answer.
    pub(super) close: bool,
}

impl Heads {
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.unread.extend_from_slice(octets);
    }

    /// Whether nothing of a request has come.
    pub(super) fn is_empty(&self) -> bool {
        self.unread.is_empty()
    }

    /// The next request; `None` while its head is not whole.
    pub(super) fn next(&mut self) -> Option<Head> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let bad = match parsed.parse(&self.unread) {
            Ok(httparse::Status::Complete(length)) => {
                let head = understand(&parsed).map_or_else(Head::Bad, Head::Request);
                self.unread.drain(..length);
                return Some(head);
            }
            Ok(httparse::Status::Partial) if self.unread.len() < MAX_HEAD => return None,
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Err(httparse::Error::Version) => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Err(_) => StatusCode::BAD_REQUEST,
        };
        Some(Head::Bad(bad))
    }
}

fn understand(parsed: &httparse::Request<'_, '_>) -> Result<Request, StatusCode> {
    let (Some(method), Some(target), Some(version)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Err(StatusCode::BAD_REQUEST);
    };
    let target: Uri = target.parse().map_err(|_| StatusCode::BAD_REQUEST)?;
    let mut close = version == 0;
    let mut has_body = false;
    let mut range = None;
    let mut if_range = false;
    for header in parsed.headers.iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        let says = |word: &str| {
            let mut items = header.value.split(|&octet| octet == b',');
            items.any(|item| item.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
        };
        if is("connection") {
            close |= says("close");
        }
        has_body |= is("transfer-encoding") || is("content-length") && header.value != b"0";
        if is("range") {
            range = std::str::from_utf8(header.value).ok().map(str::to_owned);
        }
        if_range |= is("if-range");
    }
    Ok(Request {
        asked: Asked {
            method: method.to_owned(),
            path: target.path().to_owned(),
            // Nothing that we send can be matched by it.
            range: range.filter(|_| !if_range),
            has_body,
        },
        close,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(heads: &mut Heads) -> Request {
        match heads.next() {
            Some(Head::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_head_that_comes_in_pieces_is_read_whole() {
        let asks = b"GET /a HTTP/1.1\r\n\r\nHEAD /b?q HTTP/1.0\r\nHost: x\r\n\r\n";
        let mut heads = Heads::default();
        let mut found = Vec::new();
        for piece in asks.chunks(7) {
            heads.push(piece);
            while let Some(head) = heads.next() {
                let Head::Request(request) = head else {
                    panic!("{head:?}");
                };
                found.push((request.asked.method, request.asked.path, request.close));
            }
        }
        let expected = [("GET", "/a", false), ("HEAD", "/b", true)];
        let expected = expected.map(|(method, path, close)| (method.into(), path.into(), close));
        assert_eq!(found, expected);
        assert!(heads.is_empty());
    }

    #[test]
    fn what_cannot_be_understood_has_a_status() {
        let many = "A: b\r\n".repeat(MAX_HEADERS + 1);
        for (head, status) in [
            ("nonsense\r\n\r\n".to_owned(), 400),
            ("GET / HTTP/9.9\r\n\r\n".to_owned(), 505),
            (format!("GET / HTTP/1.1\r\n{many}\r\n"), 431),
            (
                format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(MAX_HEAD)),
                431,
            ),
        ] {
            let mut heads = Heads::default();
            // As it is received.
            let found = head.as_bytes().chunks(4096).find_map(|piece| {
                heads.push(piece);
                heads.next()
            });
            match found {
                Some(Head::Bad(bad)) => assert_eq!(bad.as_u16(), status),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_body_and_a_range_are_noticed() {
        let ask = |fields: &str| {
            let mut heads = Heads::default();
            heads.push(format!("GET / HTTP/1.1\r\n{fields}\r\n").as_bytes());
            request(&mut heads).asked
        };
        assert!(ask("Content-Length: 5\r\n").has_body);
        assert!(ask("Transfer-Encoding: chunked\r\n").has_body);
        assert!(!ask("Content-Length: 0\r\n").has_body);
        assert_eq!(
            ask("Range: bytes=1-\r\n").range.as_deref(),
            Some("bytes=1-")
        );
        assert_eq!(ask("Range: bytes=1-\r\nIf-Range: \"x\"\r\n").range, None);
    }
}
