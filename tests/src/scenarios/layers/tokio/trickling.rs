//! Peers that send an octet a second. The clock is the runtime's own, which
//! goes on when nothing else does: no time passes.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use polytls::tls::{CertificateError, Error as TlsError, Role};
use polytls::tokio::{Error, HANDSHAKE_TIMEOUT, LazyAcceptor, Offload};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, duplex};
use tokio::time::{Instant, Sleep, sleep};

use super::rig::{AsyncCase, AsyncScenario, PIPE, Rig};
use crate::scenario::{Versions, scenario};

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario("a_refusal_that_nobody_takes_is_told_in_time", not_taken),
        scenario("an_octet_a_second_is_too_slow_for_a_handshake", |case| {
            too_slow(&Rig::new(case));
        })
        .versions(Versions::Unpinned),
        scenario(
            "an_octet_a_second_is_too_slow_for_an_offloaded_handshake",
            offloaded,
        )
        .versions(Versions::Unpinned),
        scenario("an_octet_a_second_is_too_slow_for_a_client_hello", hello)
            .versions(Versions::Unpinned),
    ]
}

/// A stream that receives an octet a second.
struct OneOctetASecond<IO> {
    inner: IO,
    next: Pin<Box<Sleep>>,
}

const SECOND: Duration = Duration::from_secs(1);

impl<IO> OneOctetASecond<IO> {
    fn new(inner: IO) -> Self {
        let next = Box::pin(sleep(SECOND));
        Self { inner, next }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for OneOctetASecond<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.next.as_mut().poll(cx));
        let mut one = [0];
        let mut octet = ReadBuf::new(&mut one);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut octet))?;
        buf.put_slice(octet.filled());
        self.next.as_mut().reset(Instant::now() + SECOND);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for OneOctetASecond<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A stream that takes one write.
struct OneWrite<IO> {
    inner: IO,
    is_taken: bool,
}

impl<IO> OneWrite<IO> {
    fn new(inner: IO) -> Self {
        Self {
            inner,
            is_taken: false,
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for OneWrite<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for OneWrite<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if std::mem::replace(&mut self.is_taken, true) {
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Plays a scenario that takes this long by the runtime's clock.
#[track_caller]
fn play_for<T>(time: Duration, scenario: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let start = Instant::now();
        let result = scenario.await;
        assert_eq!(start.elapsed().as_secs(), time.as_secs());
        result
    })
}

/// Neither side's handshake is done in 30 octets of the other.
#[track_caller]
fn too_slow(rig: &Rig) {
    let after = HANDSHAKE_TIMEOUT;
    for slow in [Role::Client, Role::Server] {
        let late = play_for(after, async {
            let (near, far) = duplex(PIPE);
            match slow {
                Role::Client => {
                    let near = OneOctetASecond::new(near);
                    let client = rig.connector.connect(&rig.name, near);
                    let peer = rig.acceptor.clone().handshake_timeout(None);
                    tokio::join!(client, peer.accept(far)).0.err()
                }
                Role::Server => {
                    let server = rig.acceptor.accept(OneOctetASecond::new(far));
                    let peer = rig.connector.clone().handshake_timeout(None);
                    tokio::join!(server, peer.connect(&rig.name, near)).0.err()
                }
            }
        });
        assert_eq!(late, Some(Error::Timeout { after }), "{slow:?}");
    }
}

fn offloaded(case: &AsyncCase) {
    let mut rig = Rig::new(case);
    let offload = Offload::new(1);
    rig.connector = rig.connector.offload(offload.clone());
    rig.acceptor = rig.acceptor.offload(offload.clone());
    too_slow(&rig);
    assert_eq!(offload.available(), 1);
}

/// Nothing is taken of the client behind its hello. What it has found is told,
/// and not that the time is over.
fn not_taken(case: &AsyncCase) {
    let roots = case.pki.other_roots.clone();
    let client = case.client_without_roots().roots(roots);
    let mut rig = Rig::of(case, client, case.server_config());
    for offloads in [false, true] {
        if offloads {
            rig.connector = rig.connector.offload(Offload::new(1));
        }
        let refused = play_for(HANDSHAKE_TIMEOUT, async {
            let (near, far) = duplex(64 * 1024);
            let peer = rig.acceptor.clone().handshake_timeout(None);
            let peer = peer.accept(far);
            let client = rig.connector.connect(&rig.name, OneWrite::new(near));
            tokio::join!(client, peer).0.err()
        });
        let unknown = TlsError::Certificate(CertificateError::UnknownIssuer);
        assert_eq!(refused, Some(Error::Tls(unknown)));
    }
}

fn hello(case: &AsyncCase) {
    let rig = Rig::new(case);
    let after = HANDSHAKE_TIMEOUT;
    let late = play_for(after, async {
        let (near, far) = duplex(PIPE);
        let peer = rig.connector.clone().handshake_timeout(None);
        let started = LazyAcceptor::new(OneOctetASecond::new(far));
        let both = tokio::join!(started, peer.connect(&rig.name, near));
        both.0.map(drop).err()
    });
    assert_eq!(late, Some(Error::Timeout { after }));
}
