//! What both fronts of the pool can do, so that each scenario is played on
//! both. Every call waits, also where a task would.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use polytls::pool::{Drained, Error, Options, State, Statistics, Target, Unfit};
use polytls::tls::SessionFacts;

use super::rig::Backend;

/// A pool.
pub(super) trait Front: Clone + Send + Sync + Sized + 'static {
    type Connection: Connection;

    fn new(options: Options) -> Result<Self, Error>;
    fn get(&self, target: &Target<Backend>, timeout: Duration) -> Result<Self::Connection, Error>;
    fn prewarm(
        &self,
        target: &Target<Backend>,
        wanted: usize,
        timeout: Duration,
    ) -> Result<usize, Error>;
    fn sweep(&self) -> Option<Instant>;
    fn drain(&self, timeout: Duration) -> Drained;
    fn state(&self) -> State;
    fn statistics(&self) -> Statistics;
}

/// A connection that is out of its pool.
pub(super) trait Connection: Debug + Send + Sized + 'static {
    fn release(self) -> Result<(), Unfit>;
    fn is_reused(&self) -> bool;
    fn is_tls(&self) -> bool;
    fn facts(&self) -> Option<&SessionFacts>;
    fn local_addr(&self) -> SocketAddr;
    fn send_all(&mut self, octets: &[u8]);
    fn recv_exact(&mut self, buf: &mut [u8]);
    /// Ends this side's direction.
    fn end(&mut self);
    /// Sends until the peer, which does not read, makes it wait.
    fn send_too_much(&mut self);
    /// Until something has arrived, or has been read ahead.
    fn until_it_can_be_read(&self);
}
