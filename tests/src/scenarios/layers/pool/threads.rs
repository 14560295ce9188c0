//! The pool for threads that wait.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use polytls::pool::{Drained, Error, Options, Pool, Pooled, State, Statistics, Target, Unfit};
use polytls::tls::SessionFacts;
use polytls::{SHUTDOWN_TIMEOUT, Step};

use super::front::{Connection, Front};
use super::rig::{Backend, until_readable};

pub(super) type Threads = Pool<Backend>;

impl Front for Threads {
    type Connection = Pooled<Backend>;

    fn new(options: Options) -> Result<Self, Error> {
        Self::new(options)
    }

    fn get(&self, target: &Target<Backend>, timeout: Duration) -> Result<Pooled<Backend>, Error> {
        self.get(target, timeout)
    }

    fn prewarm(
        &self,
        target: &Target<Backend>,
        wanted: usize,
        timeout: Duration,
    ) -> Result<usize, Error> {
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

impl Connection for Pooled<Backend> {
    fn release(self) -> Result<(), Unfit> {
        self.release()
    }

    fn is_reused(&self) -> bool {
        self.is_reused()
    }

    fn is_tls(&self) -> bool {
        (**self).is_tls()
    }

    fn facts(&self) -> Option<&SessionFacts> {
        (**self).facts()
    }

    fn local_addr(&self) -> SocketAddr {
        let address = (**self).local_addr().expect("an address");
        address.ip().expect("an IP address")
    }

    fn send_all(&mut self, octets: &[u8]) {
        (**self).send_all(octets).expect("a send");
    }

    fn recv_exact(&mut self, buf: &mut [u8]) {
        (**self).recv_exact(buf).expect("an answer");
    }

    fn end(&mut self) {
        self.shutdown_write(SHUTDOWN_TIMEOUT).expect("an end");
    }

    fn send_too_much(&mut self) {
        self.set_send_buffer(4096).expect("an option");
        let piece = [7; 64 * 1024];
        while let Step::Ready(_) = self.try_send(&piece).expect("a send") {}
    }

    fn until_it_can_be_read(&self) {
        if !self.has_pending() {
            until_readable(self.wait_fd());
        }
    }
}
