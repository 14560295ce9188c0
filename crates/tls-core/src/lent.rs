//! A stream for libraries that want to own one.
//!
//! OpenSSL, BoringSSL and native-tls own their stream; our sessions are lent a
//! transport for the length of a call. [`LentTransport`] is the stream they
//! own: an empty slot that [`Lender::lend`] fills for the length of one call.
//! This is the only module of the crate with `unsafe` in it.

use std::cell::UnsafeCell;
use std::fmt;
use std::io::{self, Read, Write};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use transport::Transport;

/// The library's end: reads and writes reach the transport that is lent at
/// the moment. Outside of [`Lender::lend`], and on another thread than the one
/// inside it, they fail with [`io::ErrorKind::NotConnected`].
pub struct LentTransport(Arc<Slot>);

/// The session's end: fills the slot for the length of one call.
pub struct Lender(Arc<Slot>);

/// What the two ends share.
///
/// Invariant: `lent` is accessed by a thread only while `borrower` is that
/// thread's [`marker`], or, by [`Lender::lend`], while it is [`NOBODY`]; it
/// holds a valid, exclusive pointer exactly while `borrower` is not [`NOBODY`].
struct Slot {
    /// The thread that is inside [`Lender::lend`]. Each thread stores only its
    /// own marker and looks only for its own, so no ordering is needed.
    borrower: AtomicUsize,
    lent: UnsafeCell<Option<NonNull<dyn Transport>>>,
}

const NOBODY: usize = 0;

// SAFETY: the pointer inside is used only by the thread that put it there, and
// is gone when that thread leaves `lend` (invariant of `Slot`). Nothing of the
// transport passes to another thread.
unsafe impl Send for Slot {}
// SAFETY: `borrower` is atomic, and `lent` is touched by one thread at a time
// (invariant of `Slot`).
unsafe impl Sync for Slot {}

/// A number that no other living thread has; never [`NOBODY`].
#[inline]
fn marker() -> usize {
    thread_local!(static PLACE: u8 = const { 0 });
    PLACE.with(|place| ptr::from_ref(place).addr())
}

impl LentTransport {
    /// An empty slot and the one lender that can fill it.
    pub fn new() -> (Lender, Self) {
        let slot = Arc::new(Slot {
            borrower: AtomicUsize::new(NOBODY),
            lent: UnsafeCell::new(None),
        });
        (Lender(Arc::clone(&slot)), Self(slot))
    }

    #[inline]
    fn get(&mut self) -> io::Result<&mut dyn Transport> {
        if self.0.borrower.load(Ordering::Relaxed) != marker() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        // SAFETY: this thread is inside `lend`, so the cell is this thread's
        // to read, and `lend` is past writing it (invariant of `Slot`).
        let lent = unsafe { *self.0.lent.get() };
        let Some(mut lent) = lent else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        // SAFETY: the pointer came from the `&mut dyn Transport` of the `lend`
        // that is still running below us on this thread's stack, which does
        // not touch it meanwhile. It is exclusive: there is one
        // `LentTransport` to a slot, and it is borrowed mutably for as long as
        // the reference lives.
        Ok(unsafe { lent.as_mut() })
    }
}

impl Lender {
    /// Lends `io` to the other end while `f` runs; takes it back when `f`
    /// returns or unwinds.
    #[inline(always)]
    pub fn lend<R>(&mut self, io: &mut dyn Transport, f: impl FnOnce() -> R) -> R {
        /// Empties the slot.
        struct TakeBack<'a>(&'a Slot);

        impl Drop for TakeBack<'_> {
            fn drop(&mut self) {
                // SAFETY: `f` is over, so no reference made by `get` on this
                // thread is left, and no other thread touches the cell while
                // `borrower` names this one (invariant of `Slot`).
                unsafe { *self.0.lent.get() = None };
                self.0.borrower.store(NOBODY, Ordering::Relaxed);
            }
        }

        let io: NonNull<dyn Transport + '_> = NonNull::from(io);
        // SAFETY: only the lifetime changes. The pointer leaves the slot
        // before this call returns, and so before the borrow of `io` ends.
        let io = unsafe {
            std::mem::transmute::<NonNull<dyn Transport + '_>, NonNull<dyn Transport>>(io)
        };
        // SAFETY: `self` is the only lender of this slot and is borrowed
        // mutably, so no `lend` is running: `borrower` is `NOBODY` and nobody
        // else touches the cell (invariant of `Slot`).
        unsafe { *self.0.lent.get() = Some(io) };
        self.0.borrower.store(marker(), Ordering::Relaxed);
        let _take_back = TakeBack(&self.0);
        f()
    }
}

impl Read for LentTransport {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.get()?.read(buf)
    }
}

impl Write for LentTransport {
    #[inline]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.get()?.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.get()?.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.get()?.flush()
    }
}

impl fmt::Debug for LentTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LentTransport")
    }
}

impl fmt::Debug for Lender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lender")
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use std::io::{Cursor, ErrorKind, Read, Write};

    use super::LentTransport;

    fn is_empty(lent: &mut LentTransport) -> bool {
        lent.read(&mut [0])
            .is_err_and(|error| error.kind() == ErrorKind::NotConnected)
    }

    #[test]
    fn reads_and_writes_reach_what_is_lent() {
        let (mut lender, mut lent) = LentTransport::new();
        let mut io = Cursor::new(b"abc".to_vec());
        let mut buf = [0; 3];
        lender.lend(&mut io, || {
            lent.read_exact(&mut buf).unwrap();
            lent.write_all(b"de").unwrap();
            lent.flush().unwrap();
        });
        assert_eq!(&buf, b"abc");
        assert_eq!(io.into_inner(), b"abcde");
    }

    #[test]
    fn nothing_is_lent_before_after_or_once_the_call_unwinds() {
        let (mut lender, mut lent) = LentTransport::new();
        assert!(is_empty(&mut lent));
        lender.lend(&mut Cursor::new(vec![7]), || assert!(!is_empty(&mut lent)));
        assert!(is_empty(&mut lent));
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            lender.lend(&mut Cursor::new(vec![7]), || panic!("inside"));
        }));
        assert!(unwound.is_err());
        assert!(is_empty(&mut lent));
        assert!(lent.write(b"x").is_err());
        assert!(lent.flush().is_err());
    }

    #[test]
    fn a_borrowed_transport_may_die_after_the_call() {
        let (mut lender, mut lent) = LentTransport::new();
        for round in 0..3 {
            let mut bytes = vec![round; 4];
            let mut short = Cursor::new(bytes.as_mut_slice());
            lender.lend(&mut short, || lent.write_all(&[9]).unwrap());
            assert_eq!(bytes, [9, round, round, round]);
        }
        assert!(is_empty(&mut lent));
    }

    #[test]
    fn the_library_end_may_be_moved_out_and_finds_nothing_later() {
        let (mut lender, lent) = LentTransport::new();
        let mut escaped = lender.lend(&mut Cursor::new(vec![1, 2]), move || {
            let mut lent = lent;
            assert!(!is_empty(&mut lent));
            lent
        });
        assert!(is_empty(&mut escaped));
        lender.lend(&mut Cursor::new(vec![3]), || {
            assert!(!is_empty(&mut escaped));
        });
    }

    #[test]
    fn another_thread_finds_nothing_while_the_call_runs() {
        let (mut lender, lent) = LentTransport::new();
        lender.lend(&mut Cursor::new(vec![1]), || {
            let mut lent = lent;
            let empty = std::thread::spawn(move || is_empty(&mut lent))
                .join()
                .unwrap();
            assert!(empty);
        });
    }

    #[test]
    fn both_ends_move_to_another_thread_between_calls() {
        let (mut lender, mut lent) = LentTransport::new();
        lender.lend(&mut Cursor::new(vec![1]), || assert!(!is_empty(&mut lent)));
        std::thread::spawn(move || {
            lender.lend(&mut Cursor::new(vec![1]), || assert!(!is_empty(&mut lent)));
            assert!(is_empty(&mut lent));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn one_lend_inside_another_keeps_them_apart() {
        let (mut outer, mut outer_end) = LentTransport::new();
        let (mut inner, mut inner_end) = LentTransport::new();
        let mut buf = [0; 2];
        outer.lend(&mut Cursor::new(vec![1]), || {
            inner.lend(&mut Cursor::new(vec![2]), || {
                outer_end.read_exact(&mut buf[..1]).unwrap();
                inner_end.read_exact(&mut buf[1..]).unwrap();
            });
            assert!(is_empty(&mut inner_end));
            assert!(!is_empty(&mut outer_end) || buf == [1, 2]);
        });
        assert_eq!(buf, [1, 2]);
    }
}
