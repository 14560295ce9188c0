//! Futures that are dropped wherever they are.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::rig::{AsyncCase, AsyncScenario, Rig, Stream, pattern, play};
use crate::scenario::scenario;

/// How many octets go each way, and how many futures are dropped at least.
const OCTETS: usize = 60_000;
const DROPS: usize = 100;

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![scenario("a_dropped_future_loses_nothing", dropped)]
}

/// Random numbers that are the same each time (xorshift).
struct Random(u32);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as usize % bound
    }
}

/// One side's data on their way.
struct Side {
    stream: Stream,
    sent: usize,
    heard: Vec<u8>,
}

/// Polls a future once, and drops it.
pub(super) fn once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut cx = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut cx) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

fn dropped(case: &AsyncCase) {
    let rig = Rig::new(case);
    let data = pattern(OCTETS);
    let mut random = Random(0x9e37_79b9);
    let mut drops = 0;
    let (client, server) = play(async {
        // So small that every record waits for room in the middle.
        let (near, far) = duplex(1000);
        rig.over(near, far).await
    });
    let mut sides = [client, server].map(|stream| Side {
        stream,
        sent: 0,
        heard: Vec::new(),
    });
    let mut steps = 0;
    while sides.iter().any(|side| side.heard.len() < OCTETS) {
        steps += 1;
        assert!(steps < 1_000_000, "the data does not arrive");
        let side = &mut sides[random.below(2)];
        let size = 1 + random.below(5000);
        let was_dropped = match random.below(3) {
            0 if side.sent < OCTETS => {
                let rest = &data[side.sent..];
                let written = once(side.stream.write(&rest[..rest.len().min(size)]));
                if let Some(taken) = written {
                    side.sent += taken.expect("a write");
                    false
                } else {
                    true
                }
            }
            1 => once(side.stream.flush())
                .map(|flushed| flushed.expect("a flush"))
                .is_none(),
            _ => {
                let mut buf = vec![0; size];
                match once(side.stream.read(&mut buf)) {
                    Some(read) => {
                        let octets = read.expect("a read");
                        assert!(octets > 0, "an end out of nothing");
                        side.heard.extend_from_slice(&buf[..octets]);
                        false
                    }
                    None => true,
                }
            }
        };
        drops += usize::from(was_dropped);
    }
    assert!(sides.iter().all(|side| side.heard == data));
    assert!(drops >= DROPS, "{drops} futures only were dropped");
}
