//! The pool for threads that wait.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use pool::{Drained, Error, Options, Pool, Pooled, State, Statistics, Target, Unfit};
use socket::{NoTls, PlainSocket, SHUTDOWN_TIMEOUT};

use super::{Connection, Front};

pub(crate) type Threads = Pool<NoTls>;

impl Front for Threads {
    type Layer = NoTls;
    type Connection = Pooled;

    fn new(options: Options) -> Result<Self, Error> {
        Self::new(options)
    }

    fn get(&self, target: &Target, timeout: Duration) -> Result<Pooled, Error> {
        self.get(target, timeout)
    }

    fn prewarm(&self, target: &Target, wanted: usize, timeout: Duration) -> Result<usize, Error> {
        self.prewarm(target, wanted, timeout)
    }

    fn sweep(&self) -> Option<Instant> {
        self.sweep()
    }

    fn drain(&self, timeout: Duration) -> Drained {
        self.drain(timeout)
    }

    fn state(&self) -> State {
        self.state()
    }

    fn statistics(&self) -> Statistics {
        self.statistics()
    }
}

impl Connection for Pooled {
    type Alone = PlainSocket;

    fn release(self) -> Result<(), Unfit> {
        self.release()
    }

    fn take_out(self) -> PlainSocket {
        self.into_socket()
    }

    fn is_reused(&self) -> bool {
        self.is_reused()
    }

    fn has_nodelay(&self) -> bool {
        self.nodelay().expect("an option")
    }

    fn shutdown_write(&mut self) {
        (**self).shutdown_write(SHUTDOWN_TIMEOUT).expect("an end");
    }

    fn fd(&self) -> impl AsFd {
        self.wait_fd()
    }
}
