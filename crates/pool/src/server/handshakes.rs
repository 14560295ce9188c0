//! How many handshakes are under way, and whose turn it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::admission::{Door, DoorState};

/// The handshakes of a door.
#[derive(Default)]
pub(super) struct Handshakes {
    /// With those whose turn it is and who have yet to take it.
    under_way: usize,
    /// Those who wait, in the order in which they came.
    waiting: BTreeMap<u64, Waker>,
    /// Those whose turn it is.
    served: BTreeSet<u64>,
    last: u64,
    refused: u64,
}

impl Handshakes {
    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Nobody passes those who wait.
    fn begin(&mut self, limit: usize) -> bool {
        let has_room = self.under_way < limit && self.waiting.is_empty();
        self.under_way += usize::from(has_room);
        has_room
    }

    fn begin_or_refuse(&mut self, limit: usize) -> bool {
        let begins = self.begin(limit);
        self.refused += u64::from(!begins);
        begins
    }

    /// Whether it is this one's turn, which gets a place in the queue if it has
    /// none. A waker that is replaced is left in `waker`.
    fn poll(&mut self, place: &mut Option<u64>, limit: usize, waker: &mut Option<Waker>) -> bool {
        match *place {
            None if self.begin(limit) => true,
            None => {
                self.last += 1;
                *place = Some(self.last);
                self.waiting
                    .extend(waker.take().map(|waker| (self.last, waker)));
                false
            }
            Some(number) if self.served.remove(&number) => {
                *place = None;
                true
            }
            Some(number) => {
                if let (Some(known), Some(waker)) = (self.waiting.get_mut(&number), waker) {
                    std::mem::swap(known, waker);
                }
                false
            }
        }
    }

    /// One is over, and its place goes to who came first: whom to wake.
    fn end(&mut self) -> Option<Waker> {
        match self.waiting.pop_first() {
            Some((number, waker)) => {
                self.served.insert(number);
                Some(waker)
            }
            None => {
                self.under_way -= 1;
                None
            }
        }
    }

    /// One goes away that has waited, and its waker is left in `waker`. If it
    /// was its turn, it is the next one's: whom to wake.
    fn leave(&mut self, number: u64, waker: &mut Option<Waker>) -> Option<Waker> {
        *waker = self.waiting.remove(&number);
        match self.served.remove(&number) {
            true => self.end(),
            false => None,
        }
    }
}

/// Wakes behind the lock. Wakers call, and are dropped by, other people's code,
/// which may come back here.
fn with_door(door: &Door, act: impl FnOnce(&mut DoorState) -> Option<Waker>) {
    let mut state = door.lock();
    let waker = act(&mut state);
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// A handshake that is under way. Dropping it makes room for another.
#[must_use = "a permit that is dropped makes room for another handshake"]
pub struct HandshakePermit(Arc<Door>);

impl HandshakePermit {
    pub(super) fn begin(door: &Arc<Door>) -> Option<Self> {
        let limit = door.limits.handshakes;
        let begins = door.lock().handshakes.begin_or_refuse(limit);
        begins.then(|| Self(Arc::clone(door)))
    }
}

impl Drop for HandshakePermit {
    fn drop(&mut self) {
        with_door(&self.0, |state| state.handshakes.end());
    }
}

impl fmt::Debug for HandshakePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandshakePermit")
    }
}

/// Waits until a handshake may begin: made by
/// [`Permit::handshake_turn`](super::Permit::handshake_turn).
///
/// It takes its place in the queue when it is polled first. Dropped before it
/// has answered, it gives its place, or its turn, to the next. It needs no
/// runtime: a loop of its own can poll it with a waker that wakes the loop.
#[must_use = "a future does nothing unless it is polled"]
pub struct HandshakeTurn {
    door: Arc<Door>,
    /// In the queue.
    place: Option<u64>,
}

impl HandshakeTurn {
    pub(super) fn new(door: &Arc<Door>) -> Self {
        Self {
            door: Arc::clone(door),
            place: None,
        }
    }
}

impl Future for HandshakeTurn {
    type Output = HandshakePermit;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<HandshakePermit> {
        let Self { door, place } = self.get_mut();
        let limit = door.limits.handshakes;
        // It outlives the lock, and so does the one that it replaces.
        let mut waker = Some(cx.waker().clone());
        let is_its_turn = door.lock().handshakes.poll(place, limit, &mut waker);
        match is_its_turn {
            true => Poll::Ready(HandshakePermit(Arc::clone(door))),
            false => Poll::Pending,
        }
    }
}

impl Drop for HandshakeTurn {
    fn drop(&mut self) {
        if let Some(number) = self.place {
            let mut waker = None;
            with_door(&self.door, |state| {
                state.handshakes.leave(number, &mut waker)
            });
        }
    }
}

impl fmt::Debug for HandshakeTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeTurn")
            .field("waits", &self.place.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;
    use std::time::Instant;

    use super::super::{Admission, Limits, Permit};
    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A turn that is polled by hand.
    struct Waiting {
        turn: HandshakeTurn,
        wakes: Arc<Count>,
    }

    impl Waiting {
        fn new(permit: &Permit) -> Self {
            Self {
                turn: permit.handshake_turn(),
                wakes: Arc::default(),
            }
        }

        fn poll(&mut self) -> Option<HandshakePermit> {
            let waker = Waker::from(Arc::clone(&self.wakes));
            let polled = Pin::new(&mut self.turn).poll(&mut Context::from_waker(&waker));
            match polled {
                Poll::Ready(permit) => Some(permit),
                Poll::Pending => None,
            }
        }

        fn woken(&self) -> usize {
            self.wakes.0.load(Ordering::Relaxed)
        }
    }

    fn door(handshakes: usize) -> (Admission, Permit) {
        let door = Admission::new(Limits {
            handshakes,
            ..Limits::default()
        });
        let permit = door.admit(None, Instant::now()).unwrap();
        (door, permit)
    }

    fn found(door: &Admission) -> (usize, usize) {
        let found = door.statistics();
        (found.handshakes, found.handshakes_waiting)
    }

    #[test]
    fn handshakes_are_limited_and_room_comes_back() {
        let (door, permit) = door(1);
        let handshake = permit.begin_handshake().unwrap();
        assert!(permit.begin_handshake().is_none());
        drop(handshake);
        assert!(permit.begin_handshake().is_some());
        assert_eq!(found(&door), (0, 0));
        assert_eq!(door.statistics().handshakes_refused, 1);
    }

    #[test]
    fn turns_come_in_order_and_nobody_passes() {
        let (door, permit) = door(1);
        let handshake = Waiting::new(&permit).poll().unwrap();
        let mut callers = [(); 3].map(|()| Waiting::new(&permit));
        for caller in &mut callers {
            assert!(caller.poll().is_none());
        }
        assert_eq!(found(&door), (1, 3));
        drop(handshake);
        assert!(permit.begin_handshake().is_none(), "it is another's turn");
        let [first, second, third] = &mut callers;
        assert_eq!([first.woken(), second.woken(), third.woken()], [1, 0, 0]);
        assert!(second.poll().is_none());
        let handshake = first.poll().unwrap();
        assert_eq!(found(&door), (1, 2));
        drop(handshake);
        drop(second.poll().unwrap());
        assert_eq!(third.woken(), 1);
        drop(third.poll().unwrap());
        assert_eq!(found(&door), (0, 0));
        assert!(permit.begin_handshake().is_some());
    }

    #[test]
    fn who_goes_away_gives_the_place_or_the_turn_to_the_next() {
        let (door, permit) = door(1);
        let handshake = permit.begin_handshake().unwrap();
        let [mut first, mut second, mut third] = [(); 3].map(|()| Waiting::new(&permit));
        for caller in [&mut first, &mut second, &mut third] {
            assert!(caller.poll().is_none());
        }
        drop(second);
        drop(handshake);
        assert_eq!((first.woken(), third.woken()), (1, 0));
        // It is its turn, and it has not taken it.
        drop(first);
        assert_eq!(third.woken(), 1);
        drop(third.poll().unwrap());
        assert_eq!(found(&door), (0, 0));
        // Who was never polled, or has answered, has no place.
        let mut answered = Waiting::new(&permit);
        let _handshake = answered.poll().unwrap();
        drop((answered, Waiting::new(&permit)));
        assert_eq!(found(&door), (1, 0));
    }

    #[test]
    fn a_turn_may_outlive_its_connection() {
        let (door, permit) = door(1);
        let handshake = permit.begin_handshake().unwrap();
        let mut waiting = Waiting::new(&permit);
        assert!(waiting.poll().is_none());
        drop(permit);
        drop(handshake);
        drop(waiting.poll().unwrap());
        assert_eq!(found(&door), (0, 0));
        assert_eq!(door.statistics().connections, 0);
    }

    #[test]
    fn without_room_for_any_handshake_none_begins() {
        let (door, permit) = door(0);
        assert!(permit.begin_handshake().is_none());
        assert!(Waiting::new(&permit).poll().is_none());
        assert_eq!(found(&door), (0, 0));
    }
}
