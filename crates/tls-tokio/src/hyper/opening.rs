//! The first octets behind a handshake, which tell the version of HTTP.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// How a client begins HTTP/2 (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

impl Version {
    /// What ALPN has agreed on; `None` where that is neither.
    pub(super) fn agreed(alpn: Option<&[u8]>) -> Option<Self> {
        match alpn? {
            b"h2" => Some(Self::Http2),
            b"http/1.1" | b"http/1.0" => Some(Self::Http1),
            _ => None,
        }
    }

    /// What it is that begins so; `None` where more must come before that is
    /// plain. What ALPN has agreed on stays, whatever comes: hyper then refuses
    /// what is not of that version.
    fn of(begun: &[u8], agreed: Option<Self>) -> Option<Self> {
        if agreed == Some(Self::Http1) || !PREFACE.starts_with(begun) {
            return Some(agreed.unwrap_or(Self::Http1));
        }
        (begun.len() == PREFACE.len()).then_some(Self::Http2)
    }
}

/// What a client begins with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) version: Version,
    /// What was read to find out. It is part of the first request.
    pub(super) octets: Vec<u8>,
}

impl Opening {
    /// Reads until the version is plain; `None` where the client ends before
    /// that.
    pub(super) async fn read<IO: AsyncRead + Unpin>(
        stream: &mut IO,
        agreed: Option<Version>,
    ) -> io::Result<Option<Self>> {
        let mut octets = [0; PREFACE.len()];
        let mut begun = ReadBuf::new(&mut octets);
        poll_fn(|cx| Self::poll(stream, agreed, &mut begun, cx)).await
    }

    fn poll<IO: AsyncRead + Unpin>(
        stream: &mut IO,
        agreed: Option<Version>,
        begun: &mut ReadBuf<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Self>>> {
        loop {
            let before = begun.filled().len();
            ready!(Pin::new(&mut *stream).poll_read(cx, begun))?;
            if begun.filled().len() == before {
                return Poll::Ready(Ok(None));
            }
            if let Some(version) = Version::of(begun.filled(), agreed) {
                let octets = begun.filled().to_vec();
                return Poll::Ready(Ok(Some(Self { version, octets })));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn read(mut octets: &[u8], agreed: Option<Version>) -> Option<Opening> {
        Opening::read(&mut octets, agreed).await.unwrap()
    }

    /// An octet at a time, and the rest must still be there.
    async fn trickled(octets: &[u8]) -> (Option<Opening>, Vec<u8>) {
        let (mut near, mut far) = tokio::io::duplex(1);
        let send = async move {
            let sent = tokio::io::copy(&mut &*octets, &mut near).await;
            assert_eq!(sent.unwrap(), octets.len() as u64);
        };
        let receive = async move {
            let opening = Opening::read(&mut far, None).await.unwrap();
            let mut rest = Vec::new();
            far.read_to_end(&mut rest).await.unwrap();
            (opening, rest)
        };
        tokio::join!(send, receive).1
    }

    #[tokio::test]
    async fn without_alpn_the_preface_decides() {
        for (octets, version, length) in [
            (&b"GET / HTTP/1.1\r\n"[..], Version::Http1, 1),
            (b"PUT / HTTP/1.1\r\n", Version::Http1, 2),
            (b"PRI * HTTP/1.1\r\n", Version::Http1, 12),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore", Version::Http2, 24),
        ] {
            let whole = read(octets, None).await.unwrap();
            assert_eq!(whole.version, version);
            assert!(octets.starts_with(&whole.octets));
            let (opening, rest) = trickled(octets).await;
            let opening = opening.unwrap();
            assert_eq!(opening.version, version);
            assert_eq!(opening.octets.len(), length);
            assert_eq!([opening.octets, rest].concat(), octets);
        }
    }

    #[tokio::test]
    async fn what_alpn_agreed_on_stays() {
        let get = read(b"GET / HTTP/1.1\r\n", Some(Version::Http2)).await;
        assert_eq!(get.unwrap().version, Version::Http2);
        let preface = read(PREFACE, Some(Version::Http1)).await;
        assert_eq!(preface.unwrap().version, Version::Http1);
    }

    #[tokio::test]
    async fn a_client_that_ends_before_it_is_plain_has_not_begun() {
        assert_eq!(read(b"", None).await, None);
        assert_eq!(read(b"PRI * HTTP/2.0\r\n\r\nSM", None).await, None);
        let half = read(b"PRI", Some(Version::Http2)).await;
        assert_eq!(half, None);
        let one = read(b"P", Some(Version::Http1)).await;
        assert_eq!(one.unwrap().octets, b"P");
    }

    #[test]
    fn alpn_names_a_version_or_neither() {
        assert_eq!(Version::agreed(Some(b"h2")), Some(Version::Http2));
        assert_eq!(Version::agreed(Some(b"http/1.1")), Some(Version::Http1));
        assert_eq!(Version::agreed(Some(b"http/1.0")), Some(Version::Http1));
        assert_eq!(Version::agreed(Some(b"h3")), None);
        assert_eq!(Version::agreed(None), None);
    }
}
