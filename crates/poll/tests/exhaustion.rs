//! When the process has no descriptors left, a listener rests and goes on.
//! Alone in its process, because it lowers the process's limit.
#![cfg(any(target_os = "linux", target_os = "android"))]

use std::fs::File;
use std::time::{Duration, Instant};

use poll::{ACCEPT_PAUSE, Event, Events, Poll};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket::{CONNECT_TIMEOUT, Error, NoTls, PlainListener, PlainSocket};

/// So long that only a hang takes it.
const LONG: Duration = Duration::from_secs(20);

#[test]
fn a_listener_without_descriptors_rests_and_does_not_spin() {
    let limit = getrlimit(Resource::Nofile);
    let current = Some(100);
    setrlimit(Resource::Nofile, Rlimit { current, ..limit }).unwrap();
    let mut poll = Poll::<NoTls>::new().unwrap();
    let listener = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    let door = poll.add_listener(listener).unwrap();
    let _client = PlainSocket::connect_tcp(address, CONNECT_TIMEOUT).unwrap();
    let mut hoard = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        hoard.push(file);
    }
    let mut events = Events::new();
    let mut turn = |poll: &mut Poll<NoTls>| {
        poll.poll(&mut events, Some(LONG)).unwrap();
        events.iter().cloned().collect::<Vec<_>>()
    };
    for rest in [ACCEPT_PAUSE, ACCEPT_PAUSE * 2] {
        assert_eq!(turn(&mut poll), [Event::Incoming(door)]);
        assert!(poll.accept(door).is_none());
        assert!(poll.accept(door).is_none(), "it rests");
        let events = turn(&mut poll);
        let [Event::AcceptPaused(paused, Error::Io(error))] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(*paused, door);
        assert_eq!(error.raw_os_error(), Some(Errno::MFILE.raw_os_error()));
        assert_eq!(poll.load().deadlines, 1);
        // The next turn ends when the rest does: nothing else is told.
        let start = Instant::now();
        assert_eq!(turn(&mut poll), [Event::Incoming(door)]);
        let took = start.elapsed();
        assert!(took > rest / 2 && took < LONG / 2, "it rested for {took:?}");
    }
    drop(hoard);
    assert!(poll.accept(door).is_some(), "there is room again");
    assert_eq!(poll.load().deadlines, 0);
}
