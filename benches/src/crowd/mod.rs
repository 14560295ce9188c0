//! A server of many clients on one thread: a loop of `poll`, or a runtime of
//! tokio's with any crate for it.

mod looped;
mod on_tokio;

use std::net::SocketAddr;
use std::time::Duration;

pub use looped::OnLoop;
pub use on_tokio::OnTokio;

use crate::library::Outcome;
use crate::pipe::Calls;
use crate::settings::Settings;

/// What the server does with what it receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// It sends it back.
    Echo,
    /// It throws it away.
    Discard,
}

/// A server of many clients, which works only while it is told to.
pub trait Crowd: Sized + 'static {
    /// Listens on the loopback address.
    fn serve(settings: &Settings, service: Service) -> Outcome<Self>;

    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// Does what can be done without waiting.
    fn turn(&mut self) -> Outcome<()>;

    /// Works until it has done its service to so many octets since the
    /// beginning.
    fn until(&mut self, octets: usize) -> Outcome<()>;

    /// Waits for so long, and does what comes up meanwhile.
    fn rest(&mut self, time: Duration) -> Outcome<()>;

    /// The calls of all its connections so far that moved octets.
    fn calls(&mut self) -> Calls;
}

/// How much it receives at once at most.
const BUFFER: usize = 16 * 1024;

/// So long that only a hang takes it.
const PATIENCE: Duration = Duration::from_secs(30);
