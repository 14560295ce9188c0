//! The pool for tasks. The runtime's driver has a turn only while a call waits,
//! so what a peer does meanwhile is news to it.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pool::tokio::{Pool, Pooled, Stream};
use pool::{Drained, Error, Options, State, Statistics, Target, Unfit};
use tls_core::AnyBackend;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Runtime;

use super::{Connection, Front};

#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    pub(crate) pool: Pool,
    pub(crate) runtime: Arc<Runtime>,
}

/// A connection with the runtime that it needs.
#[derive(Debug)]
pub(crate) struct Out {
    pub pooled: Pooled,
    runtime: Arc<Runtime>,
}

/// A stream must not outlive its runtime.
pub(crate) struct Alone {
    _stream: Stream,
    _runtime: Arc<Runtime>,
}

pub(crate) fn runtime() -> Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_io().enable_time();
    runtime.build().expect("a runtime")
}

impl Front for Tasks {
    type Layer = AnyBackend;
    type Connection = Out;

    fn new(options: Options) -> Result<Self, Error> {
        Ok(Self {
            pool: Pool::new(options)?,
            runtime: Arc::new(runtime()),
        })
    }

    fn get(&self, target: &Target<AnyBackend>, timeout: Duration) -> Result<Out, Error> {
        let pooled = self.runtime.block_on(self.pool.get(target, timeout))?;
        let runtime = Arc::clone(&self.runtime);
        Ok(Out { pooled, runtime })
    }

    fn prewarm(
        &self,
        target: &Target<AnyBackend>,
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
    type Alone = Alone;

    fn release(self) -> Result<(), Unfit> {
        self.pooled.release()
    }

    fn take_out(self) -> Alone {
        Alone {
            _stream: self.pooled.into_stream(),
            _runtime: self.runtime,
        }
    }

    fn is_reused(&self) -> bool {
        self.pooled.is_reused()
    }

    fn has_nodelay(&self) -> bool {
        let tcp = self.pooled.io().tcp().expect("a TCP stream");
        tcp.nodelay().expect("an option")
    }

    fn shutdown_write(&mut self) {
        let shutdown = self.pooled.shutdown();
        self.runtime.block_on(shutdown).expect("an end");
    }

    fn fd(&self) -> impl AsFd {
        self.pooled.io()
    }
}
