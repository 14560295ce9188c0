//! `round/<suite>/<size>`: a record from a client to a server, written and
//! read. Both sides are of the kind that is measured.

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
pub struct Round {
    suite: Suite,
    shape: Shape,
}

impl Family for Round {
    fn all() -> Vec<Self> {
        let all = each(&SIZES).into_iter();
        all.map(|(suite, shape)| Self { suite, shape }).collect()
    }

    fn id(&self) -> String {
        format!("round/{}/{}", self.suite.1, self.shape.name)
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
        let settings = Settings::tls13(self.suite.0);
        settings.suit(info, Role::Client) && settings.suit(info, Role::Server)
    }

    fn bench<L: Library>(&self) -> Outcome<Box<dyn Bench>> {
        Ok(Box::new(Rounds::<L> {
            pair: Pair::new(&Settings::tls13(self.suite.0))?,
            message: vec![0x5a; self.shape.total()],
            buf: vec![0; 16384],
            batch: self.shape.batch(),
        }))
    }
}

struct Rounds<L: Library> {
    pair: Pair<L, L>,
    message: Vec<u8>,
    buf: Vec<u8>,
    batch: usize,
}

impl<L: Library> Bench for Rounds<L> {
    fn run(&mut self, operations: usize, meter: &mut Meter) -> Outcome<()> {
        let Self {
            pair: Pair { client, server, .. },
            message,
            buf,
            batch,
        } = self;
        let message = [IoSlice::new(message)];
        let octets = message[0].len();
        let mut left = operations;
        while left > 0 {
            let now = left.min(*batch);
            left -= now;
            meter.measure(|| {
                (0..now).try_for_each(|_| {
                    client.send(&message)?;
                    server.receive(buf, octets)
                })
            })?;
        }
        Ok(())
    }

    fn calls(&self) -> Calls {
        let pipe = &self.pair.pipe;
        let (client, server) = (pipe.calls(Role::Client), pipe.calls(Role::Server));
        Calls {
            reads: client.reads + server.reads,
            writes: client.writes + server.writes,
        }
    }
}
