//! The library's error queue, which each thread has one of.
//!
//! An error that other code left there would be taken for ours, and ours for
//! theirs: it is emptied before and after each of our calls.

use boring::error::ErrorStack;

use crate::ffi;

/// Runs `f` with an empty queue and leaves an empty one.
pub(crate) fn scoped<T>(f: impl FnOnce() -> T) -> T {
    clear();
    let result = f();
    clear();
    result
}

/// Looks first: emptying an empty queue costs more than the look.
pub(crate) fn clear() {
    if ffi::has_queued_error() {
        ffi::clear_queued_errors();
    }
}

/// How many errors are queued. They stay.
pub(crate) fn count() -> usize {
    let queued = ErrorStack::get();
    queued.put();
    queued.errors().len()
}

#[cfg(test)]
mod tests {
    use boring::x509::X509;

    use super::*;

    fn leave_an_error() {
        X509::from_der(b"no certificate").unwrap_err().put();
    }

    #[test]
    fn counting_keeps_what_is_queued() {
        clear();
        assert_eq!(count(), 0);
        leave_an_error();
        let queued = count();
        assert!(queued > 0);
        assert_eq!(count(), queued);
        clear();
        assert_eq!(count(), 0);
    }

    #[test]
    fn a_scope_starts_and_ends_empty() {
        leave_an_error();
        scoped(|| {
            assert_eq!(count(), 0);
            leave_an_error();
        });
        assert_eq!(count(), 0);
    }
}
