//! What has happened in a pool.

use std::time::Duration;

/// What a pool holds now, and what has happened in it since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Connections that wait to be used again.
    pub idle: usize,
    /// Connections that are in use.
    pub in_use: usize,
    /// Connections that are being made.
    pub connecting: usize,
    /// Callers that wait.
    pub waiting: usize,
    /// Endpoints that nobody, or one caller at most, may connect to because
    /// they have failed too often.
    pub open_circuits: usize,

    /// Connections that were given out, new and reused.
    pub given: u64,
    /// Of them, those that had been used before or were made in advance.
    pub reused: u64,
    /// Connections that were made.
    pub connected: u64,
    /// Attempts to make one that failed.
    pub failed: u64,
    /// Callers that had to wait for a turn.
    pub waited: u64,
    /// How long those that were served had waited together.
    pub waiting_time: Duration,
    /// Callers whose time was over while they waited for a turn.
    pub timed_out: u64,
    /// Callers that were refused because an endpoint had failed too often.
    pub refused: u64,

    /// Connections that came back fit to be used again.
    pub returned: u64,
    /// Connections that did not come back, or came back in the middle of
    /// something.
    pub discarded: u64,
    /// Idle connections that the check before use found closed, broken or
    /// with data that nobody had asked for.
    pub unfit: u64,
    /// Connections that were idle too long or too old.
    pub expired: u64,
    /// Idle connections that were closed to make room, by a limit.
    pub evicted: u64,
}
