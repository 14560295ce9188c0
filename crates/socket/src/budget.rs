//! How long an operation may wait.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use transport::Interest;

use crate::{Error, Operation};

/// The time that one operation has. It runs from the first wait, so an
/// operation that never waits never reads the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    during: Operation,
    /// Not started yet.
    timeout: Option<Duration>,
    until: Option<Instant>,
}

impl Budget {
    pub(crate) fn new(
        during: Operation,
        timeout: Option<Duration>,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            during,
            timeout,
            until: deadline,
        }
    }

    /// Whether nothing bounds the wait, so that the kernel may do it.
    pub(crate) fn is_endless(&self) -> bool {
        self.timeout.is_none() && self.until.is_none()
    }

    /// Lets the time run from now.
    pub(crate) fn start(&mut self) {
        let Some(timeout) = self.timeout.take() else {
            return;
        };
        // A time too far away to be told is no bound.
        if let Some(end) = Instant::now().checked_add(timeout) {
            self.until = Some(self.until.map_or(end, |until| until.min(end)));
        }
    }

    /// What is left of it, if it is bounded.
    pub(crate) fn left(&mut self) -> Option<Duration> {
        self.start();
        self.until
            .map(|until| until.saturating_duration_since(Instant::now()))
    }

    /// Fails when the time is over.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        match self.left() {
            Some(Duration::ZERO) => Err(self.over()),
            _ => Ok(()),
        }
    }

    pub(crate) fn over(&self) -> Error {
        Error::Timeout {
            during: self.during,
            done: 0,
        }
    }

    /// Waits until the descriptor is ready in one of these directions. An
    /// error of the descriptor counts as ready: the next call reports it.
    pub(crate) fn wait(&mut self, fd: BorrowedFd<'_>, interest: Interest) -> Result<(), Error> {
        let mut events = PollFlags::empty();
        events.set(PollFlags::IN, interest.contains(Interest::READ));
        events.set(PollFlags::OUT, interest.contains(Interest::WRITE));
        loop {
            let left = self.left();
            if left == Some(Duration::ZERO) {
                return Err(self.over());
            }
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            let mut fds = [PollFd::from_borrowed_fd(fd, events)];
            match poll(&mut fds, left.as_ref()) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) if fds[0].revents().contains(PollFlags::NVAL) => {
                    return Err(io::Error::from(Errno::BADF).into());
                }
                Ok(_) => return Ok(()),
                Err(errno) => return Err(io::Error::from(errno).into()),
            }
        }
    }
}
