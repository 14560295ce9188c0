//! The rules, with made-up connections and a made-up time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;
use std::time::Duration;

use super::*;
use crate::Endpoint;

const SECOND: Duration = Duration::from_secs(1);

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A pool of numbers.
struct Game {
    core: Core<u32>,
    now: Instant,
    /// Connections are numbered in the order in which they are made.
    made: u32,
    retired: Vec<u32>,
    waker: Arc<Count>,
}

impl Game {
    fn new(options: Options) -> Self {
        Self {
            core: Core::new(&options.seed(7)),
            now: Instant::now(),
            made: 0,
            retired: Vec::new(),
            waker: Arc::default(),
        }
    }

    fn run_errands(&mut self) {
        let Errands { retire, wake } = self.core.take_errands();
        self.retired.extend(retire);
        wake.into_iter().for_each(Waker::wake);
    }

    fn ask(&mut self, key: &Key) -> (Ticket, Result<Answer<u32>, Error>) {
        let ticket = self.core.new_ticket();
        let answer = self.core.ask(key, ticket, self.now);
        self.run_errands();
        (ticket, answer)
    }

    fn poll(&mut self, ticket: Ticket) -> Poll<Result<Grant<u32>, Error>> {
        let waker = Waker::from(Arc::clone(&self.waker));
        let polled = self.core.poll(ticket, &waker, self.now);
        self.run_errands();
        polled
    }

    /// Asks, must be granted, and connects if need be.
    #[track_caller]
    fn get(&mut self, key: &Key) -> Held<u32> {
        match self.ask(key).1 {
            Ok(Answer::Granted(grant)) => self.take(key, grant),
            other => panic!("{other:?}"),
        }
    }

    fn take(&mut self, key: &Key, grant: Grant<u32>) -> Held<u32> {
        match grant {
            Grant::Reuse(held) => held,
            Grant::Connect => {
                self.core.connected(key, true);
                self.made += 1;
                Held {
                    connection: self.made,
                    born: self.now,
                }
            }
        }
    }

    #[track_caller]
    fn must_queue(&mut self, key: &Key) -> Ticket {
        match self.ask(key) {
            (ticket, Ok(Answer::Queued)) => {
                assert!(self.poll(ticket).is_pending());
                ticket
            }
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn must_be_served(&mut self, key: &Key, ticket: Ticket) -> Held<u32> {
        match self.poll(ticket) {
            Poll::Ready(Ok(grant)) => self.take(key, grant),
            other => panic!("{other:?}"),
        }
    }

    fn give_back(&mut self, key: &Key, held: Held<u32>) {
        self.core.give_back(key, held, self.now);
        self.run_errands();
    }

    fn give_up(&mut self, key: &Key) {
        self.core.give_up(key, self.now);
        self.run_errands();
    }

    /// Asks for room to connect, and fails.
    #[track_caller]
    fn fail(&mut self, key: &Key) {
        let begun = self.now;
        match self.ask(key).1 {
            Ok(Answer::Granted(Grant::Connect)) => {}
            other => panic!("{other:?}"),
        }
        self.core.connect_failed(key, begun, absent(), self.now);
        self.run_errands();
    }

    fn woken(&self) -> usize {
        self.waker.0.load(Ordering::Relaxed)
    }
}

fn key(name: &str) -> Key {
    Key::plain(Endpoint::host(name, 443))
}

fn absent() -> Error {
    Error::Connect(socket::Refusal::NoAddress.into())
}

fn quiet() -> Options {
    Options::new().idle_timeout(None).max_age(None)
}

#[test]
fn the_connection_that_came_back_last_is_used_first() {
    let (mut game, a) = (Game::new(quiet()), key("a"));
    let (one, two) = (game.get(&a), game.get(&a));
    game.give_back(&a, two);
    game.give_back(&a, one);
    assert_eq!(game.get(&a).connection, 1);
    assert_eq!(game.get(&a).connection, 2);
    assert_eq!(game.get(&a).connection, 3);
    assert_eq!(game.core.statistics().reused, 2);
}

#[test]
fn another_key_gets_another_connection() {
    let (mut game, a, b) = (Game::new(quiet()), key("a"), key("b"));
    let one = game.get(&a);
    game.give_back(&a, one);
    assert_eq!(game.get(&b).connection, 2);
    assert_eq!(game.get(&key("a")).connection, 1);
}

#[test]
fn who_came_first_is_served_first() {
    let mut game = Game::new(quiet().max_per_key(1));
    let a = key("a");
    let held = game.get(&a);
    let first = game.must_queue(&a);
    let second = game.must_queue(&a);
    game.give_back(&a, held);
    assert_eq!(game.woken(), 1);
    assert!(game.poll(second).is_pending());
    let held = game.must_be_served(&a, first);
    assert_eq!(held.connection, 1);
    // Room to connect goes to the next, as a connection does.
    game.give_up(&a);
    assert_eq!(game.must_be_served(&a, second).connection, 2);
}

#[test]
fn who_has_to_wait_again_keeps_the_place() {
    let mut game = Game::new(quiet().max_per_key(1));
    let a = key("a");
    let early = game.core.new_ticket();
    let held = game.get(&a);
    let late = game.must_queue(&a);
    assert!(matches!(
        game.core.ask(&a, early, game.now),
        Ok(Answer::Queued)
    ));
    game.give_back(&a, held);
    assert!(game.poll(late).is_pending());
    game.must_be_served(&a, early);
}

#[test]
fn the_total_is_shared_fairly_between_keys() {
    let mut game = Game::new(quiet().max_total(1));
    let (a, b) = (key("a"), key("b"));
    let held = game.get(&a);
    let other = game.must_queue(&b);
    let same = game.must_queue(&a);
    // It would suit the one who came later.
    game.give_back(&a, held);
    assert_eq!(game.retired, [1]);
    game.must_be_served(&b, other);
    assert!(game.poll(same).is_pending());
    game.give_up(&b);
    game.must_be_served(&a, same);
}

#[test]
fn the_connection_that_was_idle_longest_makes_room() {
    let mut game = Game::new(quiet().max_total(2));
    let (a, b, c) = (key("a"), key("b"), key("c"));
    let (one, two) = (game.get(&a), game.get(&b));
    game.give_back(&b, two);
    game.give_back(&a, one);
    assert_eq!(game.get(&c).connection, 3);
    assert_eq!(game.retired, [2]);
    assert_eq!(game.core.statistics().evicted, 1);
}

#[test]
fn a_key_at_its_limit_holds_up_no_other() {
    let mut game = Game::new(quiet().max_per_key(1));
    let (a, b) = (key("a"), key("b"));
    let _held = game.get(&a);
    game.must_queue(&a);
    assert_eq!(game.get(&b).connection, 2);
}

#[test]
fn what_a_caller_got_when_its_time_was_over_goes_to_the_next() {
    let mut game = Game::new(quiet().max_per_key(1));
    let a = key("a");
    let held = game.get(&a);
    let (first, second) = (game.must_queue(&a), game.must_queue(&a));
    game.give_back(&a, held);
    let error = game.core.time_out(first, game.now);
    let waiting_for = WaitingFor::Turn;
    assert_eq!(
        error,
        Error::Timeout {
            waiting_for,
            last: None
        }
    );
    let held = game.must_be_served(&a, second);
    assert_eq!(held.connection, 1);
    game.give_up(&a);
    // The same with room to connect.
    let begun = game.ask(&a);
    assert!(matches!(begun.1, Ok(Answer::Granted(Grant::Connect))));
    let (first, second) = (game.must_queue(&a), game.must_queue(&a));
    game.core.connect_abandoned(&a, game.now);
    game.core.cancel(first, game.now);
    game.must_be_served(&a, second);
    assert_eq!(game.core.statistics().in_use, 1);
    assert_eq!(game.core.statistics().connecting, 0);
}

#[test]
fn no_more_wait_than_may() {
    let mut game = Game::new(quiet().max_per_key(1).max_waiting(1));
    let a = key("a");
    let _held = game.get(&a);
    game.must_queue(&a);
    let refused = game.ask(&a).1;
    assert_eq!(refused.unwrap_err(), Error::TooManyWaiting { limit: 1 });
    let mut nobody_waits = Game::new(quiet().max_per_key(1).max_waiting(0));
    let _held = nobody_waits.get(&a);
    let refused = nobody_waits.ask(&a).1;
    assert_eq!(refused.unwrap_err(), Error::TooManyWaiting { limit: 0 });
}

#[test]
fn idle_connections_end_in_time() {
    let mut game = Game::new(quiet().idle_timeout(Some(SECOND)));
    let a = key("a");
    let (one, two) = (game.get(&a), game.get(&a));
    game.give_back(&a, one);
    game.now += SECOND / 2;
    game.give_back(&a, two);
    assert_eq!(game.core.next_expiry(), Some(game.now + SECOND / 2));
    game.now += SECOND / 2;
    game.core.sweep(game.now);
    game.run_errands();
    assert_eq!(game.retired, [1]);
    assert_eq!(game.get(&a).connection, 2);
    assert_eq!(game.core.statistics().expired, 1);
}

#[test]
fn an_old_connection_is_not_used_again() {
    let mut game = Game::new(quiet().max_age(Some(SECOND)));
    let a = key("a");
    let one = game.get(&a);
    game.now += SECOND;
    game.give_back(&a, one);
    assert_eq!(game.retired, [1]);
    // It gets old while it is idle, too.
    let two = game.get(&a);
    game.give_back(&a, two);
    game.now += SECOND;
    assert_eq!(game.get(&a).connection, 3);
    assert_eq!(game.retired, [1, 2]);
}

#[test]
fn no_more_are_idle_than_may() {
    let mut game = Game::new(quiet().max_idle_per_key(1));
    let a = key("a");
    let (one, two) = (game.get(&a), game.get(&a));
    game.give_back(&a, one);
    game.give_back(&a, two);
    assert_eq!(game.retired, [2]);
    let mut none = Game::new(quiet().max_idle_per_key(0));
    let one = none.get(&a);
    none.give_back(&a, one);
    assert_eq!(none.retired, [1]);
}

#[test]
fn after_a_failure_callers_wait_for_the_pause_or_are_told() {
    let a = key("a");
    let mut game = Game::new(quiet());
    game.fail(&a);
    let ticket = game.must_queue(&a);
    let again = game.core.poll_again_at(ticket, game.now).expect("a time");
    assert!(again > game.now && again <= game.now + SECOND / 10);
    game.now = again;
    game.must_be_served(&a, ticket);

    let mut game = Game::new(quiet().wait_in_backoff(false));
    game.fail(&a);
    match game.ask(&a).1.unwrap_err() {
        Error::BackingOff { retry_in, last } => {
            assert!(retry_in <= SECOND / 10);
            assert_eq!(*last, absent());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_runs_out_of_time_in_the_pause_is_told_why() {
    let (mut game, a) = (Game::new(quiet()), key("a"));
    game.fail(&a);
    let ticket = game.must_queue(&a);
    assert_eq!(
        game.core.time_out(ticket, game.now),
        Error::Timeout {
            waiting_for: WaitingFor::Backoff,
            last: Some(Box::new(absent())),
        }
    );
}

/// Who waits behind an attempt learns that it has failed, and when the pause is
/// over; so does the next, when that one goes away.
#[test]
fn the_first_in_the_queue_knows_of_a_pause() {
    let (mut game, a) = (Game::new(quiet().max_per_key(1)), key("a"));
    let begun = game.now;
    assert!(matches!(
        game.ask(&a).1,
        Ok(Answer::Granted(Grant::Connect))
    ));
    let mut callers = [(); 3].map(|()| Caller::new(a.clone(), game.ask(&a).0));
    for caller in &mut callers {
        assert!(caller.wait(&mut game).is_none());
    }
    game.core.connect_failed(&a, begun, absent(), game.now);
    game.run_errands();
    let [mut first, mut second, mut third] = callers;
    assert!(first.wait(&mut game).is_none());
    let end = first.again.expect("a time");
    assert!(end <= game.now + SECOND, "it would sleep to its deadline");
    assert_eq!(second.wakes.0.load(Ordering::Relaxed), 0);
    game.core.cancel(first.ticket, game.now);
    game.run_errands();
    assert!(second.wait(&mut game).is_none());
    assert_eq!(second.again, Some(end));
    game.now = end;
    assert!(matches!(second.wait(&mut game), Some(Ok(Grant::Connect))));
    assert!(third.wait(&mut game).is_none());
}

#[test]
fn an_open_circuit_refuses_those_who_wait_and_those_who_come() {
    let mut game = Game::new(quiet().breaker(1, SECOND).max_per_key(2));
    let a = key("a");
    let held = game.get(&a);
    let begun = game.now;
    assert!(matches!(
        game.ask(&a).1,
        Ok(Answer::Granted(Grant::Connect))
    ));
    let ticket = game.must_queue(&a);
    game.core.connect_failed(&a, begun, absent(), game.now);
    game.run_errands();
    let open = Error::CircuitOpen {
        retry_in: SECOND,
        last: Box::new(absent()),
    };
    match game.poll(ticket) {
        Poll::Ready(Err(error)) => assert_eq!(error, open),
        other => panic!("{other:?}"),
    }
    assert_eq!(game.ask(&a).1.unwrap_err(), open);
    // What is there already is still given out.
    game.give_back(&a, held);
    let held = game.get(&a);
    assert_eq!(held.connection, 1);
    // Half-open: one tries, the others wait for how it goes.
    game.now += SECOND;
    assert!(matches!(
        game.ask(&a).1,
        Ok(Answer::Granted(Grant::Connect))
    ));
    assert_eq!(game.core.statistics().open_circuits, 1);
    game.give_up(&a);
    let ticket = game.must_queue(&a);
    game.core.connected(&a, true);
    assert!(matches!(game.poll(ticket), Poll::Ready(Ok(Grant::Connect))));
    assert_eq!(game.core.statistics().open_circuits, 0);
}

#[test]
fn an_endpoint_that_answers_wrongly_is_not_absent() {
    let mut game = Game::new(quiet().breaker(1, SECOND));
    let a = key("a");
    let begun = game.now;
    assert!(matches!(
        game.ask(&a).1,
        Ok(Answer::Granted(Grant::Connect))
    ));
    let wrong = Error::Handshake(socket::Error::Closed);
    game.core.connect_failed(&a, begun, wrong, game.now);
    game.get(&a);
}

#[test]
fn room_in_advance_is_nobody_elses() {
    let mut game = Game::new(quiet().max_per_key(2).max_total(3));
    let (a, b) = (key("a"), key("b"));
    assert_eq!(game.core.reserve(&a, 5, game.now), Ok(true));
    assert_eq!(game.core.reserve(&a, 1, game.now), Ok(false));
    assert_eq!(game.core.reserve(&a, 5, game.now), Ok(true));
    assert_eq!(game.core.reserve(&a, 5, game.now), Ok(false), "per key");
    assert_eq!(game.core.reserve(&b, 5, game.now), Ok(true));
    assert_eq!(game.core.reserve(&b, 5, game.now), Ok(false), "in all");
    for key in [&a, &a, &b] {
        game.core.connected(key, false);
    }
    assert_eq!(game.core.statistics().given, 0);
    assert_eq!(game.core.statistics().in_use, 3);
}

#[test]
fn a_drain_refuses_everybody_and_ends_when_all_came_back() {
    let mut game = Game::new(quiet().max_per_key(1));
    let (a, b) = (key("a"), key("b"));
    let (one, two) = (game.get(&a), game.get(&b));
    game.give_back(&b, two);
    let ticket = game.must_queue(&a);
    game.core.drain(game.now);
    game.run_errands();
    assert_eq!(game.retired, [2]);
    assert!(matches!(
        game.poll(ticket),
        Poll::Ready(Err(Error::Drained))
    ));
    assert_eq!(game.ask(&a).1.unwrap_err(), Error::Drained);
    assert_eq!(game.core.reserve(&a, 1, game.now), Err(Error::Drained));
    assert_eq!(game.core.state(), State::Draining);
    let waker = Waker::from(Arc::clone(&game.waker));
    assert!(game.core.poll_drained(&waker).is_pending());
    let before = game.woken();
    game.give_back(&a, one);
    assert_eq!(game.retired, [2, 1]);
    assert_eq!(game.woken(), before + 1);
    assert_eq!(game.core.state(), State::Stopped);
    assert!(game.core.poll_drained(&waker).is_ready());
}

#[test]
fn a_stop_counts_what_is_still_in_use() {
    let (mut game, a) = (Game::new(quiet()), key("a"));
    let held = game.get(&a);
    assert_eq!(game.core.stop(game.now), 1);
    game.give_back(&a, held);
    assert_eq!(game.retired, [1]);
    assert_eq!(game.core.statistics().in_use, 0);
}

/// A caller that looks at what it has got only when it is woken, or when it was
/// told to look again.
struct Caller {
    key: Key,
    ticket: Ticket,
    wakes: Arc<Count>,
    seen: usize,
    again: Option<Instant>,
}

impl Caller {
    fn new(key: Key, ticket: Ticket) -> Self {
        Self {
            key,
            ticket,
            wakes: Arc::default(),
            seen: 0,
            again: None,
        }
    }

    fn wait(&mut self, game: &mut Game) -> Option<Result<Grant<u32>, Error>> {
        let woken = self.wakes.0.load(Ordering::Relaxed);
        if woken == self.seen && self.again.is_some_and(|again| game.now < again) {
            return None;
        }
        self.seen = woken;
        let waker = Waker::from(Arc::clone(&self.wakes));
        let forever = game.now + SECOND * 10_000;
        let waited = game.core.wait(self.ticket, &waker, forever, game.now);
        game.run_errands();
        match waited {
            Wait::Over(result) => Some(result),
            Wait::Until(again) => {
                self.again = Some(again);
                None
            }
        }
    }
}

/// Random callers over a few keys. The limits hold at every moment, and in the
/// end everybody was served or told, and everything is accounted for.
#[test]
fn whatever_happens_the_limits_hold_and_nobody_is_forgotten() {
    for seed in 0..60 {
        play(seed);
    }
}

fn play(seed: u64) {
    const TOTAL: usize = 5;
    const PER_KEY: usize = 2;
    let mut random = fastrand::Rng::with_seed(seed);
    let mut game = Game::new(
        Options::new()
            .max_total(TOTAL)
            .max_per_key(PER_KEY)
            .max_idle_per_key(random.usize(0..=PER_KEY))
            .idle_timeout(Some(SECOND))
            .max_age(Some(SECOND * 3))
            .breaker(3, SECOND),
    );
    let keys: Vec<_> = ["a", "b", "c", "d"].map(key).into();
    let mut out: Vec<(Key, Held<u32>)> = Vec::new();
    let mut connecting: Vec<(Key, Instant)> = Vec::new();
    let mut queued: Vec<Caller> = Vec::new();
    let settle = |game: &mut Game,
                  out: &mut Vec<(Key, Held<u32>)>,
                  connecting: &mut Vec<(Key, Instant)>,
                  key: Key,
                  grant| match grant {
        Grant::Reuse(held) => out.push((key, held)),
        Grant::Connect => connecting.push((key, game.now)),
    };
    let mut steps = 0;
    loop {
        steps += 1;
        assert!(
            steps < 10_000,
            "seed {seed}: {} wait for ever",
            queued.len()
        );
        let is_over = steps > 300;
        if is_over && queued.is_empty() && out.is_empty() && connecting.is_empty() {
            break;
        }
        game.now += SECOND / 20 * random.u32(0..4);
        match random.u8(0..10) {
            0..4 if !is_over => {
                let key = keys[random.usize(..keys.len())].clone();
                match game.ask(&key) {
                    (_, Ok(Answer::Granted(grant))) => {
                        settle(&mut game, &mut out, &mut connecting, key, grant);
                    }
                    (ticket, Ok(Answer::Queued)) => queued.push(Caller::new(key, ticket)),
                    (_, Err(Error::CircuitOpen { .. })) => {}
                    other => panic!("{other:?}"),
                }
            }
            4 | 5 if !out.is_empty() => {
                let (key, held) = out.swap_remove(random.usize(..out.len()));
                match random.u8(0..4) {
                    0 => game.give_up(&key),
                    _ => game.give_back(&key, held),
                }
            }
            6 | 7 if !connecting.is_empty() => {
                let (key, begun) = connecting.swap_remove(random.usize(..connecting.len()));
                match random.u8(0..6) {
                    0 => game.core.connect_abandoned(&key, game.now),
                    1 | 2 => game.core.connect_failed(&key, begun, absent(), game.now),
                    _ => {
                        let held = game.take(&key, Grant::Connect);
                        out.push((key, held));
                    }
                }
            }
            8 if !queued.is_empty() && !is_over => {
                let gone = queued.swap_remove(random.usize(..queued.len()));
                game.core.cancel(gone.ticket, game.now);
            }
            _ => {}
        }
        game.run_errands();
        let mut still_queued = Vec::new();
        for mut caller in std::mem::take(&mut queued) {
            match caller.wait(&mut game) {
                Some(Ok(grant)) => {
                    settle(&mut game, &mut out, &mut connecting, caller.key, grant);
                }
                Some(Err(Error::CircuitOpen { .. })) => {}
                Some(Err(error)) => panic!("{error}"),
                None => still_queued.push(caller),
            }
        }
        queued = still_queued;
        let statistics = game.core.statistics();
        assert_eq!(statistics.in_use, out.len());
        assert_eq!(statistics.connecting, connecting.len());
        assert_eq!(statistics.waiting, queued.len());
        assert!(out.len() + connecting.len() + statistics.idle <= TOTAL);
        for key in &keys {
            let taken = out.iter().filter(|(other, _)| other == key).count()
                + connecting.iter().filter(|(other, _)| other == key).count();
            assert_eq!(game.core.taken_of(key), taken);
            assert!(taken + game.core.idle.of(key) <= PER_KEY);
        }
    }
    assert_eq!(game.core.stop(game.now), 0);
    game.run_errands();
    assert!(game.core.served.is_empty() && game.core.taken.is_empty());
    // Each connection that was made was retired or given up, once.
    let mut retired = game.retired.clone();
    retired.sort_unstable();
    retired.dedup();
    assert_eq!(retired.len(), game.retired.len());
    let statistics = game.core.statistics();
    let gone = retired.len() as u64 + statistics.discarded;
    assert_eq!(gone, u64::from(game.made), "seed {seed}");
}
