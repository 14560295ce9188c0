//! Which tasks wait for a stream.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

/// The tasks that wait for room in the stream underneath, which remembers one
/// alone: the last that asked.
///
/// A stream in two halves is read by one task and written by another, and a
/// read may have to write (a KeyUpdate's answer). It would take the writer's
/// place, and nobody would wake the writer. So whoever asks has both woken.
#[derive(Default)]
pub(crate) struct Waiting {
    /// The task whose write, flush or shutdown waits.
    pub(crate) writer: Option<Waker>,
    /// The task whose read waits for room: the peer takes no answer.
    pub(crate) reader: Option<Waker>,
}

/// Notes the task that waits.
pub(crate) fn note(place: &mut Option<Waker>, cx: &Context<'_>) {
    match place {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *place = Some(cx.waker().clone()),
    }
}

/// A waker of this task and the other; `None` if they are the same, or if
/// there is no other.
pub(crate) fn both(cx: &Context<'_>, other: Option<&Waker>) -> Option<Waker> {
    let other = other.filter(|other| !other.will_wake(cx.waker()))?;
    let both = Both(cx.waker().clone(), other.clone());
    Some(Arc::new(both).into())
}

struct Both(Waker, Waker);

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake_by_ref();
        self.1.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn two_tasks_are_woken_together_and_one_only_once() {
        let (one, other) = (Arc::new(Counted::default()), Arc::new(Counted::default()));
        let (one_waker, other_waker) = (Waker::from(one.clone()), Waker::from(other.clone()));
        let cx = Context::from_waker(&one_waker);
        assert!(both(&cx, None).is_none());
        assert!(both(&cx, Some(&one_waker)).is_none());
        both(&cx, Some(&other_waker)).unwrap().wake();
        assert_eq!(one.0.load(Ordering::Relaxed), 1);
        assert_eq!(other.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_last_task_that_waits_is_noted() {
        let wakers = [(); 2].map(|()| Waker::from(Arc::new(Counted::default())));
        let mut place = None;
        for waker in &wakers {
            note(&mut place, &Context::from_waker(waker));
            assert!(place.as_ref().unwrap().will_wake(waker));
        }
    }
}
