//! `header-body/<suite>/<body>`: a header of 256 octets and a body of so many,
//! which lie in two buffers. Ours writes them as two slices; raw has them in one
//! buffer already.

use tls_core::{BackendInfo, Role};

use super::pair::Pair;
use super::send::Sends;
use super::suite::{SUITES, Suite};
use crate::library::{Library, Outcome};
use crate::scenario::{Bench, Family, Gauge};
use crate::settings::Settings;

const HEADER: usize = 256;
const BODIES: [usize; 2] = [1024, 8192];

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct HeaderBody {
    suite: Suite,
    body: usize,
}

impl Family for HeaderBody {
    fn all() -> Vec<Self> {
        let all = SUITES.into_iter();
        all.flat_map(|suite| BODIES.map(|body| Self { suite, body }))
            .collect()
    }

    fn id(&self) -> String {
        format!("header-body/{}/{}", self.suite.1, self.body)
    }

    fn octets(&self) -> Option<usize> {
        Some(HEADER + self.body)
    }

    fn gauge(&self) -> Gauge {
        Gauge::Typical { batch: BATCH }
    }

    fn suits(&self, info: &BackendInfo) -> bool {
        Settings::tls13(self.suite.0).suit(info, Role::Client)
    }

    fn bench<L: Library>(&self) -> Outcome<Box<dyn Bench>> {
        let pieces: &[usize] = if L::IS_OURS {
            &[HEADER, self.body]
        } else {
            &[HEADER + self.body]
        };
        Ok(Box::new(Sends {
            pair: Pair::<L, L::Peer>::new(&Settings::tls13(self.suite.0))?,
            pieces: pieces.iter().map(|&octets| vec![0x5a; octets]).collect(),
            octets: HEADER + self.body,
            batch: BATCH,
        }))
    }
}

const BATCH: usize = 16;
