//! Many connections at once.

use poll::{Event, Events, Options, Poll};
use socket::{NoTls, PlainSocket, Step};

use crate::common::LONG;

/// As many as the usual limit of descriptors allows.
const MANY: usize = 400;

#[test]
fn each_of_many_gets_its_echo_and_nothing_is_left() {
    let mut poll = Poll::<NoTls>::new().unwrap();
    let options = Options::new().idle_timeout(Some(LONG));
    let mut peers: Vec<_> = (0..MANY)
        .map(|_| {
            let (near, far) = PlainSocket::pair().unwrap();
            poll.add(near, &options).unwrap();
            far
        })
        .collect();
    for (index, peer) in peers.iter_mut().enumerate() {
        peer.send_all(&index.to_be_bytes()).unwrap();
        peer.shutdown_write(LONG).unwrap();
    }
    let mut events = Events::with_capacity(50);
    let mut closed = 0;
    while closed < MANY {
        poll.poll(&mut events, Some(LONG)).unwrap();
        assert!(!events.is_empty());
        for event in &events {
            let Some(mut connection) = event.token().and_then(|token| poll.connection(token))
            else {
                panic!("{event:?}");
            };
            match event {
                Event::Readable(_) => {
                    let mut buf = [0; 64];
                    while let Step::Ready(octets) = connection.recv(&mut buf) {
                        assert_eq!(connection.send(&buf[..octets]), Ok(octets));
                    }
                }
                Event::Ended(_) => connection.close(),
                Event::Closed(_) => closed += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    for (index, peer) in peers.iter_mut().enumerate() {
        let mut got = [0; size_of::<usize>()];
        peer.recv_exact(&mut got).unwrap();
        assert_eq!(usize::from_be_bytes(got), index);
        assert_eq!(peer.recv(&mut got), Ok(0));
    }
    crate::common::assert_nothing_is_left(&mut poll);
}
