//! One busy peer does not starve the others, and peers do not starve time.

use std::time::Duration;

use poll::{Deadline, Event, Events, Options, Poll};
use socket::{NoTls, PlainSocket, Step};

use crate::common::{LONG, next};

const BUDGET: usize = 10_000;

#[test]
fn a_flood_is_handed_out_in_pieces_between_which_others_come() {
    let mut poll = Poll::<NoTls>::new().unwrap();
    let options = Options::new().read_budget(BUDGET);
    let (near, mut flood) = PlainSocket::pair().unwrap();
    let flooded = poll.add(near, &options).unwrap();
    let (near, mut small) = PlainSocket::pair().unwrap();
    let quiet = poll.add(near, &options).unwrap();
    flood.set_write_timeout(Some(LONG));
    let mut buf = [0; 4096];
    std::thread::scope(|scope| {
        scope.spawn(move || while flood.send(&[7; 65536]).is_ok() {});
        for round in 0..20 {
            small.send_all(b"x").unwrap();
            let mut turns = 0;
            let mut heard = false;
            while !heard {
                turns += 1;
                for event in next(&mut poll) {
                    let Event::Readable(token) = event else {
                        panic!("{event:?}");
                    };
                    let mut connection = poll.connection(token).unwrap();
                    let mut got = 0;
                    while let Step::Ready(octets) = connection.recv(&mut buf) {
                        got += octets;
                    }
                    assert!(got <= BUDGET, "{got} octets in one turn");
                    heard |= token == quiet;
                }
            }
            assert!(turns <= 2, "{turns} turns in round {round}");
        }
        assert!(poll.remove(flooded).is_some());
    });
}

/// How many turns everything has that is due, with room for one event.
const TURNS: usize = 10;

#[test]
fn what_is_due_is_told_although_the_events_never_have_room() {
    let mut poll = Poll::<NoTls>::new().unwrap();
    let mut peers = Vec::new();
    for _ in 0..2 {
        let (near, mut far) = PlainSocket::pair().unwrap();
        poll.add(near, &Options::new()).unwrap();
        far.send_all(b"never received").unwrap();
        peers.push(far);
    }
    let (near, _silent) = PlainSocket::pair().unwrap();
    let idle = Options::new().idle_timeout(Some(Duration::ZERO));
    let idle = poll.add(near, &idle).unwrap();
    let timer = poll.set_timer(Duration::ZERO);
    let mut events = Events::with_capacity(1);
    let mut told = Vec::new();
    for _ in 0..TURNS {
        poll.poll(&mut events, Some(LONG)).unwrap();
        told.extend(events.iter().cloned());
    }
    for due in [Event::TimedOut(idle, Deadline::Idle), Event::Timer(timer)] {
        assert_eq!(told.iter().filter(|event| **event == due).count(), 1);
    }
    assert_eq!((poll.len(), poll.load().timers), (2, 0));
}

#[test]
fn neither_timers_nor_wakers_starve_a_connection() {
    let mut poll = Poll::<NoTls>::new().unwrap();
    let waker = poll.waker();
    let (near, mut far) = PlainSocket::pair().unwrap();
    poll.add(near, &Options::new()).unwrap();
    far.send_all(b"never received").unwrap();
    let mut events = Events::with_capacity(1);
    let mut told = Vec::new();
    for _ in 0..TURNS {
        poll.set_timer(Duration::ZERO);
        waker.wake().unwrap();
        poll.poll(&mut events, Some(LONG)).unwrap();
        told.extend(events.iter().cloned());
    }
    let told = |is: fn(&Event) -> bool| told.iter().filter(|event| is(event)).count();
    assert!(told(|event| matches!(event, Event::Timer(_))) > 1);
    assert!(told(|event| matches!(event, Event::Readable(_))) > 1);
    assert_eq!(told(|event| *event == Event::Woken), TURNS);
}
