//! `send/<suite>/<size>`: a client's write, of one buffer or of 16 slices.
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
pub struct Send {
    suite: Suite,
    shape: Shape,
}

const SLICES: Shape = Shape {
    name: "16x64",
    slices: 16,
    octets: 64,
};

impl Family for Send {
    fn all() -> Vec<Self> {
        let mut shapes = SIZES.to_vec();
        shapes.push(SLICES);
        let all = each(&shapes).into_iter();
        all.map(|(suite, shape)| Self { suite, shape }).collect()
    }

    fn id(&self) -> String {
        format!("send/{}/{}", self.suite.1, self.shape.name)
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
        let pair = Pair::<L, L::Peer>::new(&Settings::tls13(self.suite.0))?;
        Ok(Box::new(Sends {
            pair,
            pieces: vec![vec![0x5a; self.shape.octets]; self.shape.slices],
            octets: self.shape.total(),
            batch: self.shape.batch(),
        }))
    }
}

/// Sends what the peer then takes out of the pipe.
pub(super) struct Sends<L: Library> {
    pub(super) pair: Pair<L, L::Peer>,
    /// What one write is made of.
    pub(super) pieces: Vec<Vec<u8>>,
    pub(super) octets: usize,
    pub(super) batch: usize,
}

impl<L: Library> Bench for Sends<L> {
    fn run(&mut self, operations: usize, meter: &mut Meter) -> Outcome<()> {
        let slices: Vec<_> = self
            .pieces
            .iter()
            .map(|piece| IoSlice::new(piece))
            .collect();
        let mut buf = vec![0; 16384];
        let mut left = operations;
        while left > 0 {
            let now = left.min(self.batch);
            left -= now;
            let subject = &mut self.pair.client;
            meter.measure(|| (0..now).try_for_each(|_| subject.send(&slices)))?;
            self.pair.server.receive(&mut buf, now * self.octets)?;
        }
        Ok(())
    }

    fn calls(&self) -> Calls {
        self.pair.pipe.calls(Role::Client)
    }
}
