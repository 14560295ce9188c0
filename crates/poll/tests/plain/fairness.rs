//! One busy peer does not starve the others.

use poll::{Event, Options, Poll};
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
