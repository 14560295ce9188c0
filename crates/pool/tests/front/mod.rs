//! What both fronts of the pool can do, so that each rule is tested on both.
//! Every call waits, also where a task would.

// Each test takes what it needs.
#![allow(dead_code)]

#[cfg(feature = "tokio")]
pub(crate) mod tasks;
pub(crate) mod threads;

use std::fmt::Debug;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use pool::{Drained, Endpoint, Error, Options, State, Statistics, Target, Unfit};
use socket::Layer;

/// A pool of plain connections.
pub(crate) trait Front: Clone + Debug + Send + Sync + 'static {
    type Layer: Layer;
    type Connection: Connection;

    fn new(options: Options) -> Result<Self, Error>;

    fn get(
        &self,
        target: &Target<Self::Layer>,
        timeout: Duration,
    ) -> Result<Self::Connection, Error>;

    fn prewarm(
        &self,
        target: &Target<Self::Layer>,
        wanted: usize,
        timeout: Duration,
    ) -> Result<usize, Error>;

    fn sweep(&self) -> Option<Instant>;
    fn drain(&self, timeout: Duration) -> Drained;
    fn state(&self) -> State;
    fn statistics(&self) -> Statistics;

    fn target(endpoint: impl Into<Endpoint>) -> Target<Self::Layer> {
        Target::plain(endpoint)
    }
}

/// A connection that is out of its pool.
pub(crate) trait Connection: Debug + Send + Sized + 'static {
    /// What it is when it is taken out for good.
    type Alone: Send;

    fn release(self) -> Result<(), Unfit>;
    fn take_out(self) -> Self::Alone;
    fn is_reused(&self) -> bool;
    fn has_nodelay(&self) -> bool;
    fn shutdown_write(&mut self);
    /// Its descriptor.
    fn fd(&self) -> impl AsFd;
}
