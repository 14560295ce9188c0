//! Waiting for two sockets at once.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use polytls::Interest;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::ends::LONG;

/// Waits until one of both is ready for what it waits for, and tells which
/// are. Who waits for nothing is not ready.
#[track_caller]
pub(super) fn wait_for_either(waits: [(BorrowedFd<'_>, Interest); 2]) -> [bool; 2] {
    ready_within(LONG, waits).expect("neither becomes ready: a deadlock")
}

/// The same with a time limit; `None` when it is over.
pub(super) fn ready_within(
    limit: Duration,
    waits: [(BorrowedFd<'_>, Interest); 2],
) -> Option<[bool; 2]> {
    let mut fds: Vec<_> = waits
        .iter()
        .filter(|(_, interest)| !interest.is_empty())
        .map(|(fd, interest)| {
            let mut events = PollFlags::empty();
            events.set(PollFlags::IN, interest.contains(Interest::READ));
            events.set(PollFlags::OUT, interest.contains(Interest::WRITE));
            PollFd::from_borrowed_fd(*fd, events)
        })
        .collect();
    let limit = Timespec::try_from(limit).expect("a short time");
    let ready = poll(&mut fds, Some(&limit)).expect("poll");
    if ready == 0 {
        return None;
    }
    let mut fds = fds.iter();
    Some(waits.map(|(_, interest)| {
        !interest.is_empty() && fds.next().is_some_and(|fd| !fd.revents().is_empty())
    }))
}
