//! `loop/idle`: what a server of many connections computes while nothing
//! happens on any of them: nanoseconds of the thread's processor time for each
//! second, of all connections together.
//!
//! The clients are the library used directly, in the same process, and do
//! nothing either.

use std::time::Duration;

use tls_boring::Boring;
use tls_core::{BackendInfo, TlsBackend};
use tls_openssl::OpenSsl;
use tls_rustls::Rustls;

use crate::asynchronous::AsyncLibrary;
use crate::crowd::{Crowd, OnLoop, OnTokio, Service};
use crate::families::{CROWD_SETTINGS, connect_crowd, suits_crowd};
use crate::library::{Library, Outcome};
use crate::limits::{computed, make_room};
use crate::ours::Compared;
use crate::raw;
use crate::report::Report;
use crate::scenario::Kind;

/// A backend: a pair.
pub struct Idle {
    /// The backend.
    pub backend: &'static str,
    measure: Box<dyn Fn(Kind, usize, Duration) -> Outcome<f64>>,
}

impl Idle {
    /// The name.
    pub const ID: &'static str = "loop/idle";

    /// With so many connections, for so long.
    pub fn measure(&self, connections: usize, time: Duration) -> Outcome<Report> {
        make_room(2 * connections)?;
        let measure = |kind| (self.measure)(kind, connections, time);
        let pair = (measure(Kind::Ours)?, measure(Kind::Raw)?);
        let id = Self::ID.to_owned();
        Ok(Report::exact(id, self.backend, "idle", "ns", pair))
    }
}

/// Every backend that has a crate for tokio to be compared with.
pub fn all() -> Vec<Idle> {
    let mut all = Vec::new();
    add::<Rustls, raw::Rustls>(&mut all, &Rustls::default().info());
    add::<OpenSsl, raw::OpenSsl>(&mut all, &OpenSsl::new().info());
    add::<Boring, raw::Boring>(&mut all, &Boring::new().info());
    all
}

fn add<B: Compared, R: AsyncLibrary>(all: &mut Vec<Idle>, info: &BackendInfo) {
    if suits_crowd(info) {
        all.push(Idle {
            backend: info.name,
            measure: Box::new(|kind, connections, time| match kind {
                Kind::Ours => rest::<R, OnLoop<B>>(connections, time),
                Kind::Raw => rest::<R, OnTokio<R>>(connections, time),
            }),
        });
    }
}

fn rest<P: Library, C: Crowd>(connections: usize, time: Duration) -> Outcome<f64> {
    let mut crowd = C::serve(&CROWD_SETTINGS, Service::Echo)?;
    let _clients = connect_crowd::<P>(&mut crowd, connections)?;
    // What there is still to do.
    crowd.rest(SETTLED)?;
    let before = computed();
    crowd.rest(time)?;
    let computed = (computed() - before).as_nanos() as f64;
    Ok(computed / time.as_secs_f64())
}

/// How long a handshake takes at most that its client is done with.
const SETTLED: Duration = Duration::from_millis(200);
