//! `sendfile`, where the system has it.

use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use crate::wire::Wire;
#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::wire::uninterrupted;

/// Whether the system has it, in a form that tells exactly how much went.
pub(crate) const EXISTS: bool = cfg!(any(target_os = "linux", target_os = "android"));

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Wire<'_> {
    /// Sends from the file to the descriptor inside of the kernel, and answers
    /// how many octets went; 0 is the end of the file. It waits if the
    /// descriptor's mode is to wait. Octets that the kernel encrypts are counted
    /// as they are in the file.
    pub(crate) fn send_from(
        &mut self,
        file: BorrowedFd<'_>,
        offset: u64,
        most: u64,
    ) -> Result<usize, Errno> {
        // More than this is never sent at once (sendfile(2)).
        const MOST: u64 = 0x7fff_f000;
        let most = usize::try_from(most.min(MOST)).unwrap_or(usize::MAX);
        let octets = without_sigpipe(most, || {
            uninterrupted(|| {
                let mut from = offset;
                rustix::fs::sendfile(self.fd, file, Some(&mut from), most)
            })
        })?;
        self.statistics.wire_sent.add(octets);
        Ok(octets)
    }
}

/// Keeps SIGPIPE from this thread during a call that has no flag for it and
/// is to send `most` octets. The signal is the thread's own: a peer that is gone
/// raises it at the writer.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn without_sigpipe(
    most: usize,
    call: impl FnOnce() -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    use nix::sys::signal::{SigSet, SigmaskHow, Signal, raise};

    let mut sigpipe = SigSet::empty();
    sigpipe.add(Signal::SIGPIPE);
    let Ok(before) = sigpipe.thread_swap_mask(SigmaskHow::SIG_BLOCK) else {
        return Err(Errno::NOSYS);
    };
    let result = call();
    // A call that sent some before the peer went tells how much, but raises it.
    let may_be_raised = match result {
        Ok(octets) => octets < most,
        Err(errno) => errno == Errno::PIPE,
    };
    // Raised once more it waits for sure, and is still one: then taking it away
    // does not wait.
    if may_be_raised && raise(Signal::SIGPIPE).is_ok() {
        let _ = sigpipe.wait();
    }
    // It fails for a mask that is none.
    let _ = before.thread_set_mask();
    result
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Wire<'_> {
    /// There is none.
    pub(crate) fn send_from(&mut self, _: BorrowedFd<'_>, _: u64, _: u64) -> Result<usize, Errno> {
        Err(Errno::NOSYS)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use nix::sys::signal::{SigSet, Signal, raise};

    use super::*;

    /// The signals of this thread: those that wait, and those that are blocked.
    fn signals() -> [u64; 2] {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        ["SigPnd:", "SigBlk:"].map(|name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            u64::from_str_radix(line.unwrap().trim(), 16).unwrap()
        })
    }

    #[test]
    fn the_signal_of_a_call_is_gone_after_it() {
        const PLAIN: [Result<usize, Errno>; 4] =
            [Ok(10), Ok(9), Err(Errno::AGAIN), Err(Errno::PIPE)];
        let free = signals();
        let mut sigpipe = SigSet::empty();
        sigpipe.add(Signal::SIGPIPE);
        for blocked_before in [false, true] {
            if blocked_before {
                // Blocked, it is not lost even where it is ignored.
                sigpipe.thread_block().unwrap();
            }
            let before = signals();
            assert_eq!(before == free, !blocked_before);
            for result in PLAIN {
                assert_eq!(without_sigpipe(10, || result), result);
                assert_eq!(signals(), before, "{result:?}");
            }
            for result in [Ok(9), Ok(0), Err(Errno::PIPE)] {
                let raising = || {
                    raise(Signal::SIGPIPE).unwrap();
                    assert_ne!(signals(), before);
                    result
                };
                assert_eq!(without_sigpipe(10, raising), result);
                assert_eq!(signals(), before, "{result:?}");
            }
        }
    }
}
