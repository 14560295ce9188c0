//! The pool for tasks.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use ::tokio::time::{sleep_until, timeout_at};
use tls_core::{AnyBackend, TlsBackend};

use super::check::{check, retire};
use super::connect::connect;
use super::guard::Pooled;
use super::stream::Stream;
use crate::core::{Answer, Core, Drained, Grant, State, Statistics, Ticket, Wait};
use crate::shared::{Connecting, InUse, Queued, Retire, Shared, later};
use crate::{Error, Options, Target, Unfit};

/// Connections that are kept alive and used again, for tasks.
///
/// A clone is the same pool. When the last clone and the last connection are
/// gone, idle connections are closed with `close_notify`. Plain connections are
/// there with any backend.
pub struct Pool<B: TlsBackend = AnyBackend> {
    shared: Arc<Shared<Stream<B>>>,
    options: Arc<Options>,
}

impl<B: TlsBackend> Pool<B> {
    /// An empty pool. [`Error::Config`] names an option that is out of its
    /// range.
    pub fn new(options: Options) -> Result<Self, Error> {
        options.check()?;
        Ok(Self {
            shared: Arc::new(Shared::new(Core::new(&options), now)),
            options: Arc::new(options),
        })
    }

    /// A connection to the target: an idle one that was checked, or a new one.
    /// All of it within `timeout`: waiting for a turn, the pause after a
    /// failure, the resolution of the name, all addresses and the handshake.
    ///
    /// Who comes first is served first: a caller comes when its future is
    /// polled first. An endpoint that is not there is tried again
    /// ([`Options::attempts`]); one that answers wrongly is not.
    pub async fn get(&self, target: &Target<B>, timeout: Duration) -> Result<Pooled<B>, Error> {
        let deadline = later(now(), timeout);
        let ticket = self.shared.with(Core::new_ticket);
        let mut failures = 0;
        loop {
            match self.turn(target, ticket, deadline).await? {
                Grant::Reuse(mut held) => {
                    let place = InUse::new(&self.shared, &target.key);
                    match check(&mut held.connection, target.is_tls()) {
                        Ok(()) => return Ok(Pooled::new(held, place, true)),
                        // A peer that has ended cleanly gets our end too.
                        Err(Unfit::Ended) => held.connection.retire(),
                        Err(_) => drop(held),
                    }
                    place.unfit();
                }
                Grant::Connect => match self.connect(target, deadline, true).await {
                    Ok(pooled) => return Ok(pooled),
                    Err(error) => {
                        failures += 1;
                        if !self.options.tries_again(failures, &error) {
                            return Err(error);
                        }
                    }
                },
            }
        }
    }

    /// Makes connections in advance until there are `wanted` to the target, in
    /// use and idle together, as far as the limits leave room. Answers how many
    /// were made. Stops at the first failure, and keeps those made before; a
    /// future that is dropped keeps none.
    pub async fn prewarm(
        &self,
        target: &Target<B>,
        wanted: usize,
        timeout: Duration,
    ) -> Result<usize, Error> {
        let deadline = later(now(), timeout);
        let mut made = Vec::new();
        let reserve = || {
            self.shared
                .with(|core| core.reserve(&target.key, wanted, now()))
        };
        let end = loop {
            match reserve() {
                Ok(true) => match self.connect(target, deadline, false).await {
                    Ok(pooled) => made.push(pooled),
                    Err(error) => break Err(error),
                },
                Ok(false) => break Ok(made.len()),
                Err(error) => break Err(error),
            }
        };
        for pooled in made {
            pooled.put_back();
        }
        end
    }

    /// Closes what has been idle too long or is too old, and answers when to
    /// call again. Every other call does it too: this is for a pool that
    /// nobody uses.
    pub fn sweep(&self) -> Option<Instant> {
        self.shared.with(|core| {
            core.sweep(now());
            core.next_expiry()
        })
    }

    /// Gives out nothing any more ([`Error::Drained`], also for those who
    /// wait), closes idle connections with `close_notify`, and waits no longer
    /// than `timeout` until those in use have come back. They are closed then,
    /// and whenever they come back later. A future that is dropped has begun
    /// the drain if it was polled, and only does not wait.
    pub async fn drain(&self, timeout: Duration) -> Drained {
        let deadline = later(now(), timeout);
        self.shared.with(|core| core.drain(now()));
        let drained = poll_fn(|cx| self.shared.with(|core| core.poll_drained(cx.waker())));
        // Late or not: what counts is who is left.
        let _ = timeout_at(deadline.into(), drained).await;
        let still_in_use = self.shared.with(|core| core.stop(now()));
        Drained { still_in_use }
    }

    /// Whether it gives connections.
    pub fn state(&self) -> State {
        self.shared.with(|core| core.state())
    }

    /// What it holds and what has happened in it.
    pub fn statistics(&self) -> Statistics {
        self.shared.with(|core| core.statistics())
    }

    /// Waits for a turn.
    async fn turn(
        &self,
        target: &Target<B>,
        ticket: Ticket,
        deadline: Instant,
    ) -> Result<Grant<Stream<B>>, Error> {
        let ask = |core: &mut Core<_>| core.ask(&target.key, ticket, now());
        if let Answer::Granted(grant) = self.shared.with(ask)? {
            return Ok(grant);
        }
        let _queued = Queued {
            shared: &self.shared,
            ticket,
        };
        let mut alarm = pin!(sleep_until(deadline.into()));
        poll_fn(|cx| {
            loop {
                let wait = |core: &mut Core<_>| core.wait(ticket, cx.waker(), deadline, now());
                match self.shared.with(wait) {
                    Wait::Over(result) => return Poll::Ready(result),
                    Wait::Until(until) => alarm.as_mut().reset(until.into()),
                }
                if alarm.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    async fn connect(
        &self,
        target: &Target<B>,
        deadline: Instant,
        for_a_caller: bool,
    ) -> Result<Pooled<B>, Error> {
        // Before the connection, and so dropped behind it.
        let place = Connecting::new(&self.shared, &target.key);
        let begun = now();
        match connect(target, &self.options, deadline).await {
            Ok(stream) => {
                let place = place.connected(for_a_caller);
                Ok(Pooled::fresh(stream, place, begun))
            }
            Err(error) => Err(place.failed(begun, error)),
        }
    }
}

/// Time as the runtime tells it.
pub(super) fn now() -> Instant {
    ::tokio::time::Instant::now().into_std()
}

impl<B: TlsBackend> Retire for Stream<B> {
    /// With `close_notify`, so that the peer sees a clean end. A peer that
    /// takes no octet now gets none.
    fn retire(mut self) {
        retire(&mut self);
    }
}

impl<B: TlsBackend> Clone for Pool<B> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            options: Arc::clone(&self.options),
        }
    }
}

impl<B: TlsBackend> fmt::Debug for Pool<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("state", &self.state())
            .field("statistics", &self.statistics())
            .finish_non_exhaustive()
    }
}
