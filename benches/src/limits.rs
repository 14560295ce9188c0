//! What the system allows a process and has given it.

use std::fs;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::library::Outcome;

/// Descriptors beside those of connections: the loop's, the listeners', the
/// libraries', the standard ones.
const OTHERS: usize = 64;

/// Raises the limit of open files for so many ends of connections, and fails
/// when they are more than this process may have.
pub(crate) fn make_room(connections: usize) -> Outcome<()> {
    let needed = u64::try_from(connections.saturating_add(OTHERS))?;
    let limit = getrlimit(Resource::Nofile);
    if let Some(allowed) = limit.maximum.filter(|&allowed| allowed < needed) {
        return Err(format!(
            "{connections} connections take {needed} open files in one process, and the system \
             allows {allowed} (`ulimit -Hn`): raise that, or ask for fewer"
        )
        .into());
    }
    if limit.current.is_some_and(|current| current < needed) {
        let current = Some(needed);
        setrlimit(Resource::Nofile, Rlimit { current, ..limit })?;
    }
    Ok(())
}

/// How many descriptors are open; the one that tells is among them.
pub(crate) fn open_descriptors() -> Outcome<usize> {
    Ok(fs::read_dir("/dev/fd")?.count())
}

/// How long this thread has computed. That does not depend on what else the
/// machine does.
pub(crate) fn computed() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Instant;

    use super::*;

    #[test]
    fn more_connections_than_the_system_allows_are_refused_with_advice() {
        make_room(1).unwrap();
        let refused = make_room(usize::MAX).map_err(|error| error.to_string());
        match getrlimit(Resource::Nofile).maximum {
            Some(allowed) => {
                let told = refused.unwrap_err();
                assert!(told.contains(&format!("allows {allowed}")), "{told}");
            }
            None => refused.unwrap(),
        }
    }

    #[test]
    fn a_thread_that_sleeps_does_not_compute() {
        let (clock, before) = (Instant::now(), computed());
        std::thread::sleep(Duration::from_millis(20));
        let slept = computed() - before;
        assert!(slept < clock.elapsed() / 2, "{slept:?}");
        while computed() - before < Duration::from_millis(5) {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn a_file_that_is_opened_is_counted() {
        // Other tests open and close files meanwhile, but not so many.
        let before = open_descriptors().unwrap();
        let files: Vec<_> = (0..100).map(|_| File::open("/dev/null").unwrap()).collect();
        assert!(open_descriptors().unwrap() > before + 50, "{files:?}");
    }
}
