//! The library's error queue, which each thread has one of.
//!
//! An error that other code left there would be taken for ours, and ours for
//! theirs: it is emptied before and after each of our calls.

use openssl::error::ErrorStack;

/// Runs `f` with an empty queue and leaves an empty one.
pub(crate) fn scoped<T>(f: impl FnOnce() -> T) -> T {
    clear_errors();
    let result = f();
    clear_errors();
    result
}

/// Empties the queue of this thread.
pub(crate) fn clear_errors() {
    drop(ErrorStack::get());
}

/// How many errors are queued. They stay.
pub(crate) fn leftover_errors() -> usize {
    let queued = ErrorStack::get();
    queued.put();
    queued.errors().len()
}

#[cfg(test)]
mod tests {
    use openssl::x509::X509;

    use super::*;

    fn leave_an_error() {
        X509::from_der(b"no certificate").unwrap_err().put();
    }

    #[test]
    fn counting_keeps_what_is_queued() {
        clear_errors();
        assert_eq!(leftover_errors(), 0);
        leave_an_error();
        let queued = leftover_errors();
        assert!(queued > 0);
        assert_eq!(leftover_errors(), queued);
        clear_errors();
        assert_eq!(leftover_errors(), 0);
    }

    #[test]
    fn a_scope_starts_and_ends_empty() {
        leave_an_error();
        scoped(|| {
            assert_eq!(leftover_errors(), 0);
            leave_an_error();
        });
        assert_eq!(leftover_errors(), 0);
    }
}
