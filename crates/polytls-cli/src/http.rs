//! Just enough HTTP/1.1 (RFC 9112) to serve the files of a folder.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use polytls::{Error, Layer, Socket};

/// The most that a request's head may take, in octets.
const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;
/// What of a file has the time of one send: 256 KiB.
const PIECE: u64 = 256 * 1024;
const IN_A_LINK: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Answers requests until the client stops or asks to close. The answer says
/// how many there were.
pub(crate) fn serve(stream: &mut Socket<impl Layer>, folder: &Path) -> Result<usize, Error> {
    let mut unread = Vec::new();
    for answered in 0.. {
        let request = match read_head(|buf| stream.recv(buf), &mut unread)? {
            Some(Ok(request)) => request,
            Some(Err(status)) => {
                Response::of(status).send(stream, false, true)?;
                return Ok(answered + 1);
            }
            None => return Ok(answered),
        };
        let response = if request.method == "GET" || request.method == "HEAD" {
            respond(folder, &request.target)
        } else {
            Response::of(Status::METHOD_NOT_ALLOWED)
        };
        response.send(stream, request.method == "HEAD", request.close)?;
        if request.close {
            return Ok(answered + 1);
        }
    }
    unreachable!("the loop has no end of its own")
}

#[derive(Clone, Copy)]
struct Status(u16, &'static str);

impl Status {
    const OK: Self = Self(200, "OK");
    const MOVED: Self = Self(301, "Moved Permanently");
    const BAD_REQUEST: Self = Self(400, "Bad Request");
    const NOT_FOUND: Self = Self(404, "Not Found");
    const METHOD_NOT_ALLOWED: Self = Self(405, "Method Not Allowed");
    const HEAD_TOO_LARGE: Self = Self(431, "Request Header Fields Too Large");
    const VERSION: Self = Self(505, "HTTP Version Not Supported");
}

struct Request {
    method: String,
    target: String,
    close: bool,
}

/// Reads one request's head; `None` when the client ended between requests.
fn read_head(
    mut receive: impl FnMut(&mut [u8]) -> Result<usize, Error>,
    unread: &mut Vec<u8>,
) -> Result<Option<Result<Request, Status>>, Error> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        match parsed.parse(unread) {
            Ok(httparse::Status::Complete(length)) => {
                let request = understand(&parsed);
                unread.drain(..length);
                return Ok(Some(request));
            }
            Ok(httparse::Status::Partial) if unread.len() < MAX_HEAD => {}
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Ok(Some(Err(Status::HEAD_TOO_LARGE)));
            }
            Err(httparse::Error::Version) => return Ok(Some(Err(Status::VERSION))),
            Err(_) => return Ok(Some(Err(Status::BAD_REQUEST))),
        }
        let mut buf = [0; 4096];
        match receive(&mut buf)? {
            0 if unread.is_empty() => return Ok(None),
            0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            received => unread.extend_from_slice(&buf[..received]),
        }
    }
}

fn understand(parsed: &httparse::Request<'_, '_>) -> Result<Request, Status> {
    let (Some(method), Some(target), Some(version)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Err(Status::BAD_REQUEST);
    };
    let mut close = version == 0;
    for header in parsed.headers.iter() {
        let says = |word: &str| {
            header
                .value
                .split(|&octet| octet == b',')
                .any(|item| item.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
        };
        if header.name.eq_ignore_ascii_case("connection") {
            close |= says("close");
        }
        // A body would be taken for the next request: answer, then hang up.
        let body = header.name.eq_ignore_ascii_case("transfer-encoding")
            || header.name.eq_ignore_ascii_case("content-length") && header.value != b"0";
        if body {
            return Err(Status::BAD_REQUEST);
        }
    }
    Ok(Request {
        method: method.to_owned(),
        target: target.to_owned(),
        close,
    })
}

struct Response {
    status: Status,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

enum Body {
    Text(String),
    File(File, u64),
}

impl Response {
    fn of(status: Status) -> Self {
        let mut headers = vec![("Content-Type", "text/plain; charset=utf-8".to_owned())];
        if status.0 == Status::METHOD_NOT_ALLOWED.0 {
            headers.push(("Allow", "GET, HEAD".to_owned()));
        }
        Self {
            status,
            headers,
            body: Body::Text(format!("{}\n", status.1)),
        }
    }

    fn send(
        self,
        stream: &mut Socket<impl Layer>,
        head_only: bool,
        close: bool,
    ) -> Result<(), Error> {
        let length = match &self.body {
            Body::Text(text) => text.len() as u64,
            Body::File(_, length) => *length,
        };
        let Status(code, reason) = self.status;
        let mut head = format!("HTTP/1.1 {code} {reason}\r\nContent-Length: {length}\r\n");
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(if close {
            "Connection: close\r\n\r\n"
        } else {
            "\r\n"
        });
        stream.send_all(head.as_bytes())?;
        match self.body {
            _ if head_only => Ok(()),
            Body::Text(text) => stream.send_all(text.as_bytes()),
            Body::File(file, length) => send_whole(stream, &file, length),
        }
    }
}

/// Sends exactly `length` octets, as the head has promised. The file may be
/// too long for one time limit.
fn send_whole(stream: &mut Socket<impl Layer>, file: &File, length: u64) -> Result<(), Error> {
    let mut offset = 0;
    while offset < length {
        let piece = PIECE.min(length - offset);
        stream.send_file(file, &mut offset, piece)?;
    }
    Ok(())
}

fn respond(folder: &Path, target: &str) -> Response {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let Some(file) = inside(folder, path) else {
        return Response::of(Status::NOT_FOUND);
    };
    if !file.is_dir() {
        return send_file(&file);
    }
    if !path.ends_with('/') {
        let mut moved = Response::of(Status::MOVED);
        moved
            .headers
            .push(("Location", format!("/{}/", path.trim_matches('/'))));
        return moved;
    }
    match inside(&file, "/index.html") {
        Some(index) => send_file(&index),
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

fn send_file(path: &Path) -> Response {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    match opened {
        Ok((metadata, file)) if metadata.is_file() => Response {
            status: Status::OK,
            headers: vec![(
                "Content-Type",
                mime_guess::from_path(path)
                    .first_or_octet_stream()
                    .to_string(),
            )],
            body: Body::File(file, metadata.len()),
        },
        _ => Response::of(Status::NOT_FOUND),
    }
}

fn list(folder: &Path) -> Response {
    let Ok(entries) = fs::read_dir(folder) else {
        return Response::of(Status::NOT_FOUND);
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
    let mut response = Response::of(Status::OK);
    response.headers = vec![("Content-Type", "text/html; charset=utf-8".to_owned())];
    response.body = Body::Text(page);
    response
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use polytls::{PlainSocket, SHUTDOWN_TIMEOUT};

    use super::*;

    fn folder() -> tempfile::TempDir {
        let outer = tempfile::tempdir().unwrap();
        fs::write(outer.path().join("secret"), "secret").unwrap();
        let folder = outer.path().join("www");
        fs::create_dir_all(folder.join("a <b>")).unwrap();
        fs::write(folder.join("a <b>/page.txt"), "page").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("../secret", folder.join("link")).unwrap();
        outer
    }

    fn ask(requests: &str) -> String {
        let outer = folder();
        let (mut client, mut server) = PlainSocket::pair().unwrap();
        // Both directions have room for all of it.
        client.send_all(requests.as_bytes()).unwrap();
        client.shutdown_write(SHUTDOWN_TIMEOUT).unwrap();
        serve(&mut server, &outer.path().join("www")).unwrap();
        drop(server);
        let mut answers = String::new();
        let ended = client.read_to_string(&mut answers);
        // Requests that were not read make a reset of the end.
        assert!(ended.is_ok() || !answers.is_empty(), "{ended:?}");
        answers
    }

    fn get(path: &str) -> String {
        ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
    }

    #[test]
    fn a_head_that_comes_in_pieces_is_read_whole() {
        let mut unread = Vec::new();
        let mut asks = &b"GET /a HTTP/1.1\r\n\r\nHEAD /b HTTP/1.0\r\nHost: x\r\n\r\n"[..];
        let mut dribbles = |buf: &mut [u8]| {
            let some = buf.len().min(7);
            Ok(asks.read(&mut buf[..some])?)
        };
        for (method, target, close) in [("GET", "/a", false), ("HEAD", "/b", true)] {
            let head = read_head(&mut dribbles, &mut unread).unwrap().unwrap();
            let Ok(request) = head else {
                panic!("{target} was not understood");
            };
            assert_eq!((&*request.method, &*request.target), (method, target));
            assert_eq!(request.close, close);
        }
        assert!(read_head(&mut dribbles, &mut unread).unwrap().is_none());
    }

    #[test]
    fn a_file_is_sent_with_its_length_and_type() {
        let answer = get("/a%20%3Cb%3E/page.txt?query");
        assert!(
            answer.starts_with(
                "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Type: text/plain\r\n"
            ),
            "{answer}"
        );
        assert!(answer.ends_with("\r\n\r\npage"), "{answer}");
    }

    #[test]
    fn nothing_outside_the_folder_is_sent() {
        for path in [
            "/../secret",
            "/%2e%2e/secret",
            "/a%20%3Cb%3E/../../secret",
            "/link",
            "/..%5csecret",
            "/%00",
            "//etc/passwd",
        ] {
            let answer = get(path);
            assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
        }
    }

    #[test]
    fn a_folder_is_listed_with_escaped_names() {
        let answer = get("/");
        assert!(
            answer.contains("<a href=\"./a%20%3Cb%3E/\">a &lt;b>/</a>"),
            "{answer}"
        );
        assert!(get("/a%20%3Cb%3E").contains("Location: /a%20%3Cb%3E/\r\n"));
    }

    #[test]
    fn connections_are_kept_and_closed_as_asked() {
        let answer = ask(
            "HEAD /a%20%3Cb%3E/page.txt HTTP/1.1\r\n\r\nGET /none HTTP/1.1\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        );
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 2, "{answer}");
        assert!(!answer.contains("page\n"));
        assert!(answer.contains("Connection: close"));
        assert_eq!(
            ask("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n")
                .matches("HTTP/1.1 ")
                .count(),
            1
        );
    }

    #[test]
    fn bad_requests_get_an_answer_and_the_end() {
        for (request, status) in [
            ("POST / HTTP/1.1\r\n\r\n", "405"),
            ("GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /", "400"),
            (
                "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                "400",
            ),
            ("nonsense\r\n\r\n", "400"),
            ("GET / HTTP/9.9\r\n\r\n", "505"),
            (
                &format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(MAX_HEAD)),
                "431",
            ),
        ] {
            let answer = ask(request);
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{request}: {answer}"
            );
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        }
    }
}
