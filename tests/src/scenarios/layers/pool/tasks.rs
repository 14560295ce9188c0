//! The pool for tasks. The runtime's driver has a turn only while a call waits,
//! so what a peer does meanwhile is news to it.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use polytls::pool::tokio::{Pool, Pooled};
use polytls::pool::{Drained, Error, Options, State, Statistics, Target, Unfit};
use polytls::tls::{SessionFacts, TlsSession};
use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::runtime::Runtime;

use super::front::{Connection, Front};
use super::rig::{Backend, LONG, until_readable};

#[derive(Clone)]
pub(super) struct Tasks {
    pub(super) pool: Pool<Backend>,
    pub(super) runtime: Arc<Runtime>,
}

/// A connection with the runtime that it needs.
#[derive(Debug)]
pub(super) struct Out {
    pooled: Pooled<Backend>,
    runtime: Arc<Runtime>,
}

pub(super) fn runtime() -> Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().expect("a runtime")
}

impl Front for Tasks {
    type Connection = Out;

    fn new(options: Options) -> Result<Self, Error> {
        Ok(Self {
            pool: Pool::new(options)?,
            runtime: Arc::new(runtime()),
        })
    }

    fn get(&self, target: &Target<Backend>, timeout: Duration) -> Result<Out, Error> {
        let pooled = self.runtime.block_on(self.pool.get(target, timeout))?;
        let runtime = Arc::clone(&self.runtime);
        Ok(Out { pooled, runtime })
    }

    fn prewarm(
        &self,
        target: &Target<Backend>,
        wanted: usize,
        timeout: Duration,
    ) -> Result<usize, Error> {
        let prewarm = self.pool.prewarm(target, wanted, timeout);
        self.runtime.block_on(prewarm)
    }

    fn sweep(&self) -> Option<Instant> {
        self.pool.sweep()
    }

    fn drain(&self, timeout: Duration) -> Drained {
        self.runtime.block_on(self.pool.drain(timeout))
    }

    fn state(&self) -> State {
        self.pool.state()
    }

    fn statistics(&self) -> Statistics {
        self.pool.statistics()
    }
}

impl Connection for Out {
    fn release(self) -> Result<(), Unfit> {
        self.pooled.release()
    }

    fn is_reused(&self) -> bool {
        self.pooled.is_reused()
    }

    fn is_tls(&self) -> bool {
        self.pooled.is_tls()
    }

    fn facts(&self) -> Option<&SessionFacts> {
        self.pooled.facts()
    }

    fn local_addr(&self) -> SocketAddr {
        let tcp = self.pooled.io().tcp().expect("a TCP stream");
        tcp.local_addr().expect("an address")
    }

    fn send_all(&mut self, octets: &[u8]) {
        let Self { pooled, runtime } = self;
        runtime.block_on(async {
            pooled.write_all(octets).await.expect("a write");
            pooled.flush().await.expect("a flush");
        });
    }

    fn recv_exact(&mut self, buf: &mut [u8]) {
        let read = self.pooled.read_exact(buf);
        let read = async { tokio::time::timeout(LONG, read).await };
        let read = self.runtime.block_on(read);
        read.expect("in time").expect("an answer");
    }

    fn end(&mut self) {
        let shutdown = self.pooled.shutdown();
        self.runtime.block_on(shutdown).expect("an end");
    }

    fn send_too_much(&mut self) {
        let Self { pooled, runtime } = self;
        set_socket_send_buffer_size(pooled.io().as_fd(), 4096).expect("an option");
        let piece = [7; 64 * 1024];
        let mut send = || {
            let once = poll_fn(|cx| Poll::Ready(Pin::new(&mut *pooled).poll_write(cx, &piece)));
            runtime.block_on(once)
        };
        while let Poll::Ready(written) = send() {
            written.expect("a write");
        }
    }

    fn until_it_can_be_read(&self) {
        let has_pending = self.pooled.tls().map(|tls| tls.session().pending());
        if has_pending != Some(true) {
            until_readable(self.pooled.io().as_fd());
        }
    }
}
