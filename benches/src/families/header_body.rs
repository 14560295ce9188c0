//! `header-body/<suite>`: a header of 256 octets and a body of 8 KiB, which lie
//! in two buffers. Ours writes them as two slices; raw has them in one buffer
//! already.

use tls_core::{BackendInfo, Role};

use super::pair::Pair;
use super::send::Sends;
use super::suite::{SUITES, Suite};
use crate::library::{Library, Outcome};
use crate::scenario::{Bench, Family, Gauge};
use crate::settings::Settings;

const HEADER: usize = 256;
const BODY: usize = 8 * 1024;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct HeaderBody(Suite);

impl Family for HeaderBody {
    fn all() -> Vec<Self> {
        SUITES.map(Self).to_vec()
    }

    fn id(&self) -> String {
        format!("header-body/{}", self.0.1)
    }

    fn octets(&self) -> Option<usize> {
        Some(HEADER + BODY)
    }

    fn gauge(&self) -> Gauge {
        Gauge::Typical { batch: BATCH }
    }

    fn suits(&self, info: &BackendInfo) -> bool {
        Settings::tls13(self.0.0).suit(info, Role::Client)
    }

    fn bench<L: Library>(&self) -> Outcome<Box<dyn Bench>> {
        let pieces: &[usize] = if L::IS_OURS {
            &[HEADER, BODY]
        } else {
            &[HEADER + BODY]
        };
        Ok(Box::new(Sends {
            pair: Pair::<L, L::Peer>::new(&Settings::tls13(self.0.0))?,
            pieces: pieces.iter().map(|&octets| vec![0x5a; octets]).collect(),
            octets: HEADER + BODY,
            batch: BATCH,
        }))
    }
}

const BATCH: usize = 16;
