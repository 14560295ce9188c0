//! A stream that has been read from, put back to its beginning.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::replay::Replay;

/// Reads what was read before once more, and then the stream.
pub(super) struct Rewound<IO> {
    replay: Replay,
    io: IO,
}

impl<IO> Rewound<IO> {
    pub(super) fn new(io: IO, read: Vec<u8>) -> Self {
        let replay = Replay::new(read);
        Self { replay, io }
    }

    pub(super) fn into_inner(self) -> IO {
        self.io
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Rewound<IO> {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.replay.is_empty() || buf.remaining() == 0 {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let octets = self.replay.take(buf.initialize_unfilled());
        buf.advance(octets);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Rewound<IO> {
    #[inline]
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    #[inline]
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn what_was_read_comes_first_however_small_the_reads() {
        for size in [1, 2, 3, 100] {
            let mut rewound = Rewound::new(&b"then the rest"[..], b"first ".to_vec());
            let mut heard = Vec::new();
            loop {
                let mut buf = vec![0; size];
                match rewound.read(&mut buf).await.unwrap() {
                    0 => break,
                    octets => heard.extend_from_slice(&buf[..octets]),
                }
            }
            assert_eq!(heard, b"first then the rest");
        }
    }

    #[tokio::test]
    async fn writes_go_through() {
        let mut rewound = Rewound::new(Vec::new(), b"read".to_vec());
        rewound.write_all(b"written").await.unwrap();
        rewound.flush().await.unwrap();
        assert_eq!(rewound.into_inner(), b"written");
    }
}
