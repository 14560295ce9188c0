//! The rules of a pool: who gets which connection, who waits, and who may
//! connect.
//!
//! No I/O and no clock: each call is told the time. `C` is a connection of any
//! kind. The lock over it is never held during I/O, so what has to be closed and
//! woken is collected, and done behind the lock ([`Core::take_errands`]).

mod health;
mod idle;
mod queue;
mod statistics;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::task::{Poll, Waker};
use std::time::Instant;

pub(crate) use idle::Held;
pub use statistics::Statistics;

use crate::key::Key;
use crate::{Error, Options, WaitingFor};
use health::{Health, Permit};
use idle::Idle;
use queue::{Queue, Waiting};

/// A caller's place in the queue: who came first has the lower number, and
/// keeps it when it has to wait again.
pub(crate) type Ticket = u64;

/// Whether a pool gives connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It does.
    Running,
    /// It does not; connections that are in use are finished and closed.
    Draining,
    /// It does not, and it has none any more or has stopped waiting for them.
    Stopped,
}

/// What a drain came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// How many connections were still in use when the time was over. They are
    /// closed when they come back.
    pub still_in_use: usize,
}

pub(crate) struct Core<C> {
    max_total: usize,
    max_per_key: usize,
    max_idle_per_key: usize,
    max_waiting: usize,
    wait_in_backoff: bool,

    state: State,
    idle: Idle<C>,
    /// Connections in use and being made, by key and together.
    taken: HashMap<Key, usize>,
    taken_in_all: usize,
    connecting: usize,
    health: Health,

    last_ticket: Ticket,
    queue: Queue,
    /// Those who are served, and have yet to take it.
    served: BTreeMap<Ticket, Served<C>>,
    /// Those who wait for the end of a drain.
    drainers: Vec<Waker>,

    statistics: Statistics,
    errands: Errands<C>,
}

struct Served<C> {
    key: Key,
    since: Instant,
    result: Result<Grant<C>, Error>,
}

/// What a caller gets.
#[derive(Debug)]
pub(crate) enum Grant<C> {
    /// A connection that has to be checked.
    Reuse(Held<C>),
    /// Room to make one.
    Connect,
}

/// What a caller gets at first.
#[derive(Debug)]
pub(crate) enum Answer<C> {
    Granted(Grant<C>),
    Queued,
}

/// What one look at a caller comes to.
enum Step<C> {
    Served(Result<Grant<C>, Error>),
    /// Nobody of this key can be served before then, and no event tells.
    Paused(Instant),
    /// Nobody of this key can be served now.
    Blocked,
    /// Nobody at all can be served now.
    Full,
}

/// How long a queued caller waits.
#[derive(Debug)]
pub(crate) enum Wait<C> {
    /// No longer.
    Over(Result<Grant<C>, Error>),
    /// Until it is woken, and no longer than until then.
    Until(Instant),
}

/// What is done when the lock is open again.
pub(crate) struct Errands<C> {
    /// To end cleanly and close.
    pub(crate) retire: Vec<C>,
    pub(crate) wake: Vec<Waker>,
}

impl<C> Default for Errands<C> {
    fn default() -> Self {
        Self {
            retire: Vec::new(),
            wake: Vec::new(),
        }
    }
}

impl<C> Core<C> {
    pub(crate) fn new(options: &Options) -> Self {
        let random = options
            .seed
            .map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self {
            max_total: options.max_total,
            max_per_key: options.max_per_key,
            max_idle_per_key: options.max_idle_per_key,
            max_waiting: options.max_waiting,
            wait_in_backoff: options.wait_in_backoff,
            state: State::Running,
            idle: Idle::new(options.idle_timeout, options.max_age),
            taken: HashMap::new(),
            taken_in_all: 0,
            connecting: 0,
            health: Health::new(options.backoff, options.breaker, random),
            last_ticket: 0,
            queue: Queue::default(),
            served: BTreeMap::new(),
            drainers: Vec::new(),
            statistics: Statistics::default(),
            errands: Errands::default(),
        }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn statistics(&self) -> Statistics {
        Statistics {
            idle: self.idle.len(),
            in_use: self.taken_in_all - self.connecting,
            connecting: self.connecting,
            waiting: self.queue.len(),
            open_circuits: self.health.open_circuits(),
            ..self.statistics
        }
    }

    pub(crate) fn take_errands(&mut self) -> Errands<C> {
        std::mem::take(&mut self.errands)
    }
}

/// A caller's way to a connection: [`ask`](Self::ask), then
/// [`poll`](Self::poll) while it is queued.
impl<C> Core<C> {
    pub(crate) fn new_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        self.last_ticket
    }

    /// Asks for a connection. Who is queued has to poll, and to cancel if it
    /// goes away.
    pub(crate) fn ask(
        &mut self,
        key: &Key,
        ticket: Ticket,
        now: Instant,
    ) -> Result<Answer<C>, Error> {
        self.expire(now);
        if self.queue.is_empty()
            && let Step::Served(result) = self.step(key, now)
        {
            return self.hand_out(result).map(Answer::Granted);
        }
        if self.queue.len() >= self.max_waiting && self.state == State::Running {
            let limit = self.max_waiting;
            return Err(Error::TooManyWaiting { limit });
        }
        let waiting = Waiting {
            key: key.clone(),
            since: now,
            waker: None,
            alarm: None,
        };
        self.queue.insert(ticket, waiting);
        self.dispatch(now);
        match self.served.remove(&ticket) {
            Some(served) => self.hand_out(served.result).map(Answer::Granted),
            None => {
                self.statistics.waited += 1;
                Ok(Answer::Queued)
            }
        }
    }

    /// Takes what a queued caller has got, or remembers whom to wake. Its time
    /// is over at the deadline.
    pub(crate) fn wait(
        &mut self,
        ticket: Ticket,
        waker: &Waker,
        deadline: Instant,
        now: Instant,
    ) -> Wait<C> {
        match self.poll(ticket, waker, now) {
            Poll::Ready(result) => Wait::Over(result),
            Poll::Pending if now >= deadline => Wait::Over(Err(self.time_out(ticket, now))),
            Poll::Pending => {
                let again = self.poll_again_at(ticket, now);
                Wait::Until(again.map_or(deadline, |again| again.min(deadline)))
            }
        }
    }

    /// Takes what a queued caller has got, or remembers whom to wake.
    fn poll(
        &mut self,
        ticket: Ticket,
        waker: &Waker,
        now: Instant,
    ) -> Poll<Result<Grant<C>, Error>> {
        // A pause may be over, and no event tells of that.
        self.sweep(now);
        if let Some(served) = self.served.remove(&ticket) {
            self.statistics.waiting_time += now.saturating_duration_since(served.since);
            return Poll::Ready(self.hand_out(served.result));
        }
        let alarm = self.poll_again_at(ticket, now);
        if let Some(waiting) = self.queue.get_mut(ticket) {
            waiting.alarm = alarm;
            match &mut waiting.waker {
                Some(known) => known.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
        }
        Poll::Pending
    }

    /// When a queued caller has to poll again although nobody wakes it.
    fn poll_again_at(&self, ticket: Ticket, now: Instant) -> Option<Instant> {
        let waiting = self.queue.get(ticket)?;
        match self.health.permit(waiting.key.endpoint(), now) {
            Permit::Pause(until, _) | Permit::Open(until, _) => Some(until),
            Permit::Go | Permit::Probing => None,
        }
    }

    /// A queued caller's time is over.
    fn time_out(&mut self, ticket: Ticket, now: Instant) -> Error {
        self.statistics.timed_out += 1;
        let waiting = self.queue.get(ticket);
        let (pauses, last) = waiting.map_or((false, None), |waiting| {
            let endpoint = waiting.key.endpoint();
            let pauses = self.health.permit(endpoint, now) != Permit::Go;
            (pauses, self.last_error(&waiting.key))
        });
        self.cancel(ticket, now);
        Error::Timeout {
            waiting_for: match pauses {
                true => WaitingFor::Backoff,
                false => WaitingFor::Turn,
            },
            last,
        }
    }

    /// A queued caller goes away. What it has got meanwhile goes to the next.
    pub(crate) fn cancel(&mut self, ticket: Ticket, now: Instant) {
        if self.queue.remove(ticket).is_some() {
            // Whoever is first now has to know of a pause.
            self.dispatch(now);
        }
        let Some(served) = self.served.remove(&ticket) else {
            return;
        };
        match served.result {
            Ok(Grant::Reuse(held)) => {
                self.untake(&served.key);
                self.store(&served.key, held, now);
            }
            Ok(Grant::Connect) => self.connect_abandoned(&served.key, now),
            Err(_) => {}
        }
    }

    /// How the last attempt at the endpoint failed, if it has not succeeded
    /// since.
    pub(crate) fn last_error(&self, key: &Key) -> Option<Box<Error>> {
        let last = self.health.last_error(key.endpoint());
        last.cloned().map(Box::new)
    }

    fn hand_out(&mut self, result: Result<Grant<C>, Error>) -> Result<Grant<C>, Error> {
        match &result {
            Ok(Grant::Reuse(_)) => {
                self.statistics.given += 1;
                self.statistics.reused += 1;
            }
            Ok(Grant::Connect) => {}
            Err(_) => self.statistics.refused += 1,
        }
        result
    }
}

/// What becomes of a grant.
impl<C> Core<C> {
    /// The connection was made, for a caller or in advance.
    pub(crate) fn connected(&mut self, key: &Key, for_a_caller: bool) {
        self.connecting -= 1;
        self.statistics.connected += 1;
        self.statistics.given += u64::from(for_a_caller);
        self.health.succeeded(key.endpoint());
    }

    /// It could not be made. Who waits behind a circuit that this opens is
    /// told.
    pub(crate) fn connect_failed(&mut self, key: &Key, begun: Instant, error: Error, now: Instant) {
        self.connecting -= 1;
        self.statistics.failed += 1;
        match error.is_absence() {
            true => self.health.failed(key.endpoint(), begun, error, now),
            false => self.health.succeeded(key.endpoint()),
        }
        self.untake(key);
        self.dispatch(now);
    }

    /// The caller went away while it was made.
    pub(crate) fn connect_abandoned(&mut self, key: &Key, now: Instant) {
        self.connecting -= 1;
        self.health.abandoned(key.endpoint());
        self.untake(key);
        self.dispatch(now);
    }

    /// A connection comes back, fit to be used again.
    pub(crate) fn give_back(&mut self, key: &Key, held: Held<C>, now: Instant) {
        self.statistics.returned += 1;
        self.untake(key);
        self.store(key, held, now);
    }

    /// A connection does not come back.
    pub(crate) fn give_up(&mut self, key: &Key, now: Instant) {
        self.statistics.discarded += 1;
        self.untake(key);
        self.dispatch(now);
    }

    /// A connection that was to be reused cannot be.
    pub(crate) fn unfit(&mut self, key: &Key, now: Instant) {
        self.statistics.unfit += 1;
        self.statistics.given -= 1;
        self.statistics.reused -= 1;
        self.untake(key);
        self.dispatch(now);
    }

    fn store(&mut self, key: &Key, held: Held<C>, now: Instant) {
        if self.state != State::Running {
            self.errands.retire.push(held.connection);
        } else if !self.idle.is_young(held.born, now) {
            self.statistics.expired += 1;
            self.errands.retire.push(held.connection);
        } else {
            self.idle.put(key, held, now);
        }
        self.dispatch(now);
        if self.idle.of(key) > self.max_idle_per_key
            && let Some(held) = self.idle.take_newest(key)
        {
            self.statistics.evicted += 1;
            self.errands.retire.push(held.connection);
        }
    }
}

/// Room for a connection that nobody has asked for yet.
impl<C> Core<C> {
    /// Takes room to connect unless this key has so many connections, the pool
    /// is full, or somebody waits. Nobody's connection is closed for it.
    pub(crate) fn reserve(
        &mut self,
        key: &Key,
        wanted: usize,
        now: Instant,
    ) -> Result<bool, Error> {
        self.expire(now);
        if self.state != State::Running {
            return Err(Error::Drained);
        }
        let of_key = self.taken_of(key) + self.idle.of(key);
        let most = wanted.min(self.max_per_key);
        let is_full = self.taken_in_all + self.idle.len() >= self.max_total;
        if of_key >= most
            || self.idle.of(key) >= self.max_idle_per_key
            || is_full
            || !self.queue.is_empty()
        {
            return Ok(false);
        }
        match self.connect_step(key, now) {
            Step::Served(result) => result.map(|_| true),
            Step::Paused(_) | Step::Blocked | Step::Full => Ok(false),
        }
    }
}

/// What time brings.
impl<C> Core<C> {
    /// Closes what is idle too long or too old, and serves whom a pause has
    /// kept waiting.
    pub(crate) fn sweep(&mut self, now: Instant) {
        self.expire(now);
        self.dispatch(now);
    }

    /// When there is something to sweep.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.idle.next_expiry()
    }

    fn expire(&mut self, now: Instant) {
        while let Some(held) = self.idle.take_expired(now) {
            self.statistics.expired += 1;
            self.errands.retire.push(held.connection);
        }
    }
}

/// The end.
impl<C> Core<C> {
    /// Gives out nothing any more, and closes what is idle.
    pub(crate) fn drain(&mut self, now: Instant) {
        if self.state == State::Running {
            self.state = State::Draining;
        }
        while let Some(held) = self.idle.take_oldest() {
            self.errands.retire.push(held.connection);
        }
        self.dispatch(now);
        self.end_drain();
    }

    /// Ready when no connection is in use.
    pub(crate) fn poll_drained(&mut self, waker: &Waker) -> Poll<()> {
        if self.state == State::Stopped {
            return Poll::Ready(());
        }
        if !self.drainers.iter().any(|known| known.will_wake(waker)) {
            self.drainers.push(waker.clone());
        }
        Poll::Pending
    }

    /// Waits for them no longer, and answers how many are still in use.
    pub(crate) fn stop(&mut self, now: Instant) -> usize {
        self.drain(now);
        self.state = State::Stopped;
        self.errands.wake.append(&mut self.drainers);
        self.taken_in_all
    }

    fn end_drain(&mut self) {
        if self.state == State::Draining && self.taken_in_all == 0 {
            self.state = State::Stopped;
            self.errands.wake.append(&mut self.drainers);
        }
    }
}

/// The queue.
impl<C> Core<C> {
    /// Serves whom it can, first come, first served: also if another key's
    /// idle connection has to be closed for it.
    fn dispatch(&mut self, now: Instant) {
        let mut from = 0;
        while let Some((ticket, key)) = self.queue.head_from(from) {
            let key = key.clone();
            from = ticket + 1;
            match self.step(&key, now) {
                Step::Served(result) => self.serve(ticket, result),
                Step::Paused(until) => self.alert(ticket, until),
                Step::Blocked => {}
                Step::Full => break,
            }
        }
    }

    fn serve(&mut self, ticket: Ticket, result: Result<Grant<C>, Error>) {
        let Some(waiting) = self.queue.remove(ticket) else {
            return;
        };
        let Waiting {
            key, since, waker, ..
        } = waiting;
        self.errands.wake.extend(waker);
        self.served.insert(ticket, Served { key, since, result });
    }

    /// Wakes the first of its key if it does not know yet that a pause will be
    /// over then: the others rely on it.
    fn alert(&mut self, ticket: Ticket, until: Instant) {
        if let Some(waiting) = self.queue.get_mut(ticket)
            && waiting.alarm.is_none_or(|alarm| until < alarm)
        {
            waiting.alarm = Some(until);
            self.errands.wake.extend(waiting.waker.clone());
        }
    }

    fn step(&mut self, key: &Key, now: Instant) -> Step<C> {
        if self.state != State::Running {
            return Step::Served(Err(Error::Drained));
        }
        if let Some(held) = self.idle.take_newest(key) {
            self.take(key);
            return Step::Served(Ok(Grant::Reuse(held)));
        }
        self.connect_step(key, now)
    }

    /// Makes room for a new connection, if one may be made.
    fn connect_step(&mut self, key: &Key, now: Instant) -> Step<C> {
        match self.health.permit(key.endpoint(), now) {
            Permit::Go => {}
            Permit::Open(until, last) => {
                return Step::Served(Err(Error::CircuitOpen {
                    retry_in: until.saturating_duration_since(now),
                    last: Box::new(last.clone()),
                }));
            }
            Permit::Pause(until, last) if !self.wait_in_backoff => {
                return Step::Served(Err(Error::BackingOff {
                    retry_in: until.saturating_duration_since(now),
                    last: Box::new(last.clone()),
                }));
            }
            Permit::Pause(until, _) => return Step::Paused(until),
            Permit::Probing => return Step::Blocked,
        }
        if self.taken_of(key) >= self.max_per_key {
            return Step::Blocked;
        }
        if self.taken_in_all + self.idle.len() >= self.max_total {
            let Some(held) = self.idle.take_oldest() else {
                return Step::Full;
            };
            self.statistics.evicted += 1;
            self.errands.retire.push(held.connection);
        }
        self.connect(key);
        Step::Served(Ok(Grant::Connect))
    }

    fn connect(&mut self, key: &Key) {
        self.take(key);
        self.connecting += 1;
        self.health.begun(key.endpoint());
    }

    fn taken_of(&self, key: &Key) -> usize {
        self.taken.get(key).copied().unwrap_or_default()
    }

    fn take(&mut self, key: &Key) {
        match self.taken.get_mut(key) {
            Some(taken) => *taken += 1,
            None => {
                self.taken.insert(key.clone(), 1);
            }
        }
        self.taken_in_all += 1;
    }

    fn untake(&mut self, key: &Key) {
        if let Some(taken) = self.taken.get_mut(key) {
            *taken -= 1;
            if *taken == 0 {
                self.taken.remove(key);
            }
            self.taken_in_all -= 1;
        }
        self.end_drain();
    }
}
