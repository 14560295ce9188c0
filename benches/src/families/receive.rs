//! `receive/<suite>/<size>`: a client's read of what one write of its peer has
//! sent.
//!
//! The peer is the library used directly.

use std::io::IoSlice;

use tls_core::{BackendInfo, Role};

use super::pair::Pair;
use super::suite::{SIZES, Shape, Suite, each};
use crate::library::{Library, Outcome, Session};
use crate::meter::Meter;
use crate::pipe::Calls;
use crate::scenario::{Bench, Family, Gauge};
use crate::settings::Settings;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Receive {
    suite: Suite,
    shape: Shape,
}

impl Family for Receive {
    fn all() -> Vec<Self> {
        let all = each(&SIZES).into_iter();
        all.map(|(suite, shape)| Self { suite, shape }).collect()
    }

    fn id(&self) -> String {
        format!("receive/{}/{}", self.suite.1, self.shape.name)
    }

    fn octets(&self) -> Option<usize> {
        Some(self.shape.total())
    }

    fn gauge(&self) -> Gauge {
        Gauge::Typical {
            batch: self.shape.batch(),
        }
    }

    fn suits(&self, info: &BackendInfo) -> bool {
        Settings::tls13(self.suite.0).suit(info, Role::Client)
    }

    fn bench<L: Library>(&self) -> Outcome<Box<dyn Bench>> {
        Ok(Box::new(Receives::<L> {
            pair: Pair::new(&Settings::tls13(self.suite.0))?,
            message: vec![0x5a; self.shape.total()],
            buf: vec![0; 16384],
            batch: self.shape.batch(),
        }))
    }
}

struct Receives<L: Library> {
    pair: Pair<L, L::Peer>,
    message: Vec<u8>,
    buf: Vec<u8>,
    batch: usize,
}

impl<L: Library> Bench for Receives<L> {
    fn run(&mut self, operations: usize, meter: &mut Meter) -> Outcome<()> {
        let Self {
            pair,
            message,
            buf,
            batch,
        } = self;
        let message = [IoSlice::new(message)];
        let mut left = operations;
        while left > 0 {
            let now = left.min(*batch);
            left -= now;
            for _ in 0..now {
                pair.server.send(&message)?;
            }
            let subject = &mut pair.client;
            let octets = message[0].len();
            meter.measure(|| (0..now).try_for_each(|_| subject.receive(buf, octets)))?;
        }
        Ok(())
    }

    fn calls(&self) -> Calls {
        self.pair.pipe.calls(Role::Client)
    }
}
