//! The pool for threads that wait.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use socket::{Layer, NoTls, Socket};

use crate::check::{Unfit, check};
use crate::connect::connect;
use crate::core::{Answer, Core, Drained, Grant, State, Statistics, Ticket, Wait};
use crate::guard::Pooled;
use crate::shared::{Connecting, InUse, Retire, Shared, later};
use crate::target::Target;
use crate::{Error, Options};

/// Connections that are kept alive and used again, for threads that wait.
///
/// A clone is the same pool. When the last clone and the last connection are
/// gone, idle connections are closed with `close_notify`.
pub struct Pool<B: Layer = NoTls> {
    shared: Arc<Shared<Socket<B>>>,
    options: Arc<Options>,
}

impl<B: Layer> Pool<B> {
    /// An empty pool. [`Error::Config`] names an option that is out of its
    /// range.
    pub fn new(options: Options) -> Result<Self, Error> {
        options.check()?;
        Ok(Self {
            shared: Arc::new(Shared::new(Core::new(&options), Instant::now)),
            options: Arc::new(options),
        })
    }

    /// A connection to the target: an idle one that was checked, or a new one.
    /// All of it within `timeout`: waiting for a turn, the pause after a
    /// failure, the resolution of the name, all addresses and the handshake.
    ///
    /// Who comes first is served first. An endpoint that is not there is tried
    /// again ([`Options::attempts`]); one that answers wrongly is not.
    pub fn get(&self, target: &Target<B>, timeout: Duration) -> Result<Pooled<B>, Error> {
        let start = Instant::now();
        let deadline = later(start, timeout);
        let ticket = self.shared.with(Core::new_ticket);
        let mut failures = 0;
        loop {
            match self.turn(target, ticket, deadline)? {
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
                Grant::Connect => match self.connect(target, deadline, true) {
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
    /// were made. Stops at the first failure, and keeps those made before.
    pub fn prewarm(
        &self,
        target: &Target<B>,
        wanted: usize,
        timeout: Duration,
    ) -> Result<usize, Error> {
        let deadline = later(Instant::now(), timeout);
        let mut made = Vec::new();
        let reserve = || {
            let now = Instant::now();
            self.shared
                .with(|core| core.reserve(&target.key, wanted, now))
        };
        let end = loop {
            match reserve() {
                Ok(true) => match self.connect(target, deadline, false) {
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
            core.sweep(Instant::now());
            core.next_expiry()
        })
    }

    /// Gives out nothing any more ([`Error::Drained`], also for those who
    /// wait), closes idle connections with `close_notify`, and waits no longer
    /// than `timeout` until those in use have come back. They are closed then,
    /// and whenever they come back later.
    pub fn drain(&self, timeout: Duration) -> Drained {
        let deadline = later(Instant::now(), timeout);
        let parker = Arc::new(Parker::default());
        let waker = Waker::from(Arc::clone(&parker));
        self.shared.with(|core| core.drain(Instant::now()));
        loop {
            let state = self.shared.with(|core| core.poll_drained(&waker));
            if state.is_ready() || Instant::now() >= deadline {
                let still_in_use = self.shared.with(|core| core.stop(Instant::now()));
                return Drained { still_in_use };
            }
            parker.park(deadline);
        }
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
    fn turn(
        &self,
        target: &Target<B>,
        ticket: Ticket,
        deadline: Instant,
    ) -> Result<Grant<Socket<B>>, Error> {
        let ask = |core: &mut Core<_>| core.ask(&target.key, ticket, Instant::now());
        if let Answer::Granted(grant) = self.shared.with(ask)? {
            return Ok(grant);
        }
        let parker = Arc::new(Parker::default());
        let waker = Waker::from(Arc::clone(&parker));
        loop {
            let wait = |core: &mut Core<_>| core.wait(ticket, &waker, deadline, Instant::now());
            match self.shared.with(wait) {
                Wait::Over(result) => return result,
                Wait::Until(until) => parker.park(until),
            }
        }
    }

    fn connect(
        &self,
        target: &Target<B>,
        deadline: Instant,
        for_a_caller: bool,
    ) -> Result<Pooled<B>, Error> {
        let place = Connecting::new(&self.shared, &target.key);
        let begun = Instant::now();
        match connect(target, &self.options, deadline) {
            Ok(socket) => {
                let place = place.connected(for_a_caller);
                Ok(Pooled::fresh(socket, place, begun))
            }
            Err(error) => Err(place.failed(begun, error)),
        }
    }
}

impl<B: Layer> Retire for Socket<B> {
    /// With `close_notify`, so that the peer sees a clean end. A peer that
    /// takes no octet now gets none.
    fn retire(mut self) {
        let _ = self.try_shutdown_write();
    }
}

impl<B: Layer> Clone for Pool<B> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            options: Arc::clone(&self.options),
        }
    }
}

impl<B: Layer> fmt::Debug for Pool<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("state", &self.state())
            .field("statistics", &self.statistics())
            .finish_non_exhaustive()
    }
}

/// Lets one thread sleep until it is woken.
#[derive(Default)]
struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    fn park(&self, until: Instant) {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        while !*woken {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(woken, left);
            woken = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *woken = false;
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }
}
