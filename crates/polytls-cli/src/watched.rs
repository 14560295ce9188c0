//! Streams that tell what passes through them, and since when nothing has.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

/// What has passed.
#[derive(Debug)]
pub(crate) struct Activity {
    began: Instant,
    /// When octets passed last, in milliseconds after the beginning.
    last: AtomicU64,
    read: AtomicU64,
    written: AtomicU64,
}

impl Activity {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            last: AtomicU64::new(0),
            read: AtomicU64::new(0),
            written: AtomicU64::new(0),
        })
    }

    /// How many octets were read.
    pub(crate) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// How many octets were written.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Ends when nothing has passed for so long.
    pub(crate) async fn idle(&self, timeout: Duration) {
        loop {
            let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
            let until = self.began + last + timeout;
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }

    fn note(&self, octets: usize, counter: &AtomicU64) {
        if octets > 0 {
            counter.fetch_add(octets as u64, Ordering::Relaxed);
            let elapsed = self.began.elapsed().as_millis();
            let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
            self.last.store(elapsed, Ordering::Relaxed);
        }
    }
}

/// A stream whose activity is noted.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, activity: &Arc<Activity>) -> Self {
        Self {
            stream,
            activity: Arc::clone(activity),
        }
    }

    pub(crate) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buf);
        let octets = buf.filled().len() - before;
        this.activity.note(octets, &this.activity.read);
        polled
    }
}

impl<S: AsyncWrite + Unpin> Watched<S> {
    fn written(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(octets)) = polled {
            self.activity.note(octets, &self.activity.written);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.written(polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.written(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn octets_in_either_direction_put_the_end_off() {
        let (near, mut far) = tokio::io::duplex(64);
        let activity = Activity::new();
        let mut near = Watched::new(near, &activity);
        let idle = Duration::from_millis(200);
        timeout(Duration::from_secs(20), activity.idle(idle))
            .await
            .unwrap();
        near.write_all(b"hello").await.unwrap();
        far.write_all(b"you").await.unwrap();
        near.read_exact(&mut [0; 3]).await.unwrap();
        assert_eq!((activity.read(), activity.written()), (3, 5));
        let long = Duration::from_secs(3600);
        assert!(timeout(idle, activity.idle(long)).await.is_err());
    }
}
