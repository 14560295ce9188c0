//! `connect/tls13`: a connection set up over loopback TCP and closed again, both
//! ends of the kind that is measured.

use tls_core::{BackendInfo, CipherSuite, Role};

use super::tcp::Maker;
use crate::library::{Library, Outcome};
use crate::meter::Meter;
use crate::pipe::Calls;
use crate::scenario::{Bench, Family, Gauge};
use crate::settings::Settings;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Connect;

const SETTINGS: Settings = Settings::tls13(CipherSuite::TLS_AES_128_GCM_SHA256);

impl Family for Connect {
    fn all() -> Vec<Self> {
        vec![Self]
    }

    fn id(&self) -> String {
        "connect/tls13".to_owned()
    }

    fn octets(&self) -> Option<usize> {
        None
    }

    fn gauge(&self) -> Gauge {
        Gauge::Typical { batch: 1 }
    }

    fn suits(&self, info: &BackendInfo) -> bool {
        SETTINGS.suit(info, Role::Client) && SETTINGS.suit(info, Role::Server)
    }

    fn bench<L: Library>(&self) -> Outcome<Box<dyn Bench>> {
        Ok(Box::new(Connects::<L> {
            maker: Maker::with(&SETTINGS)?,
            calls: Calls::default(),
        }))
    }
}

struct Connects<L: Library> {
    maker: Maker<L>,
    calls: Calls,
}

impl<L: Library> Bench for Connects<L> {
    fn run(&mut self, operations: usize, meter: &mut Meter) -> Outcome<()> {
        for _ in 0..operations {
            let calls = meter.measure(|| {
                let pair = self.maker.make()?;
                Ok::<_, Box<dyn std::error::Error>>(pair.calls())
            })?;
            self.calls.reads += calls.reads;
            self.calls.writes += calls.writes;
        }
        Ok(())
    }

    fn calls(&self) -> Calls {
        self.calls
    }
}
