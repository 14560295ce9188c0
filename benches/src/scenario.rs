//! What is measured, and the list of all of it.

use std::fmt;

use tls_boring::Boring;
use tls_core::{BackendInfo, TlsBackend};
use tls_native::Native;
use tls_openssl::OpenSsl;
use tls_rustls::Rustls;

use crate::asynchronous::AsyncLibrary;
use crate::families;
use crate::library::{Library, Outcome};
use crate::meter::Meter;
use crate::ours::{Compared, Ours};
use crate::pipe::Calls;
use crate::raw;

/// Which side of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Through our traits.
    Ours,
    /// The library used directly.
    Raw,
}

/// One side of a pair, set up and ready.
pub trait Bench {
    /// Does the operation so many times; the meter sees the subject's calls.
    fn run(&mut self, operations: usize, meter: &mut Meter) -> Outcome<()>;

    /// The subject's calls on its transport so far.
    fn calls(&self) -> Calls;
}

/// Scenarios that differ in parameters alone.
pub trait Family: Copy + fmt::Debug + 'static {
    /// All of them.
    fn all() -> Vec<Self>;

    /// Its name: `family/parameter/...`.
    fn id(&self) -> String;

    /// Plaintext octets of one operation, where that means something.
    fn octets(&self) -> Option<usize>;

    /// How it is measured.
    fn gauge(&self) -> Gauge;

    /// Whether this backend can do it, by what it advertises.
    fn suits(&self, info: &BackendInfo) -> bool;

    /// Sets up one side.
    fn bench<L: Library>(&self) -> Outcome<Box<dyn Bench>>;
}

/// How a scenario is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gauge {
    /// The median of batches: what an operation takes when nothing disturbs it.
    Typical {
        /// How many operations are set up and timed together.
        batch: usize,
    },
    /// Each operation is timed by itself, and percentiles are told.
    Percentiles,
}

/// A scenario on a backend: a pair.
pub struct Scenario {
    /// The name, the same on each backend.
    pub id: String,
    /// The backend's name.
    pub backend: &'static str,
    /// See [`Family::octets`].
    pub octets: Option<usize>,
    /// See [`Family::gauge`].
    pub gauge: Gauge,
    make: Box<dyn Fn(Kind) -> Outcome<Box<dyn Bench>>>,
}

impl Scenario {
    /// Sets up one side of the pair.
    pub fn bench(&self, kind: Kind) -> Outcome<Box<dyn Bench>> {
        (self.make)(kind)
    }
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.backend)
    }
}

/// The backends, by the names that they have in `tls-core`.
///
/// `rustls-unbuffered` is no backend: ours is `rustls`, and raw the unbuffered
/// API of the same library, where data is moved.
pub const BACKENDS: [&str; 5] = [
    "rustls",
    "rustls-unbuffered",
    "openssl",
    "boring",
    "native-tls",
];

/// Every scenario on every backend that can do it.
pub fn all() -> Vec<Scenario> {
    BACKENDS.into_iter().flat_map(of).collect()
}

/// Every scenario that this backend can do. The others are not asked what they
/// can: under callgrind that takes seconds.
pub fn of(backend: &str) -> Vec<Scenario> {
    match backend {
        "rustls" => list_async::<Rustls, raw::Rustls>(&Rustls::default().info()),
        "rustls-unbuffered" => {
            let mut info = Rustls::default().info();
            info.name = "rustls-unbuffered";
            moving_data::<Ours<Rustls>, raw::RustlsUnbuffered>(&info)
        }
        "openssl" => list_async::<OpenSsl, raw::OpenSsl>(&OpenSsl::new().info()),
        "boring" => list_async::<Boring, raw::Boring>(&Boring::new().info()),
        "native-tls" => list::<Native, raw::Native>(&Native::new().info()),
        _ => Vec::new(),
    }
}

/// With those that are compared with the library's own crate for tokio.
fn list_async<B: Compared, R: AsyncLibrary>(info: &BackendInfo) -> Vec<Scenario> {
    let mut all = list::<B, R>(info);
    let suited = families::TokioExchange::all()
        .into_iter()
        .filter(|family| family.suits(info));
    all.extend(suited.map(|family| Scenario {
        id: family.id(),
        backend: info.name,
        octets: Some(family.octets()),
        gauge: family.gauge(),
        make: Box::new(move |kind| match kind {
            Kind::Ours => family.bench::<Ours<B>>(),
            Kind::Raw => family.bench::<R>(),
        }),
    }));
    let suited = families::CrowdExchange::all()
        .into_iter()
        .filter(|family| family.suits(info));
    all.extend(suited.map(|family| Scenario {
        id: family.id(),
        backend: info.name,
        octets: Some(family.octets()),
        gauge: family.gauge(),
        make: Box::new(move |kind| match kind {
            Kind::Ours => family.ours::<R, B>(),
            Kind::Raw => family.raw::<R>(),
        }),
    }));
    all
}

fn list<B: Compared, R: Library>(info: &BackendInfo) -> Vec<Scenario> {
    let mut all = Vec::new();
    add::<families::Handshake, Ours<B>, R>(&mut all, info);
    all.extend(moving_data::<Ours<B>, R>(info));
    add::<families::Connect, Ours<B>, R>(&mut all, info);
    let suited = families::PoolExchange::all()
        .into_iter()
        .filter(|family| family.suits(info));
    all.extend(suited.map(|family| Scenario {
        id: family.id(),
        backend: info.name,
        octets: family.octets(),
        gauge: family.gauge(),
        make: Box::new(move |kind| match kind {
            Kind::Ours => family.ours::<B>(),
            Kind::Raw => family.raw::<B, R>(),
        }),
    }));
    all
}

fn moving_data<O: Library, R: Library>(info: &BackendInfo) -> Vec<Scenario> {
    let mut all = Vec::new();
    add::<families::Send, O, R>(&mut all, info);
    add::<families::Receive, O, R>(&mut all, info);
    add::<families::Round, O, R>(&mut all, info);
    add::<families::HeaderBody, O, R>(&mut all, info);
    add::<families::Exchange, O, R>(&mut all, info);
    all
}

fn add<F: Family, O: Library, R: Library>(all: &mut Vec<Scenario>, info: &BackendInfo) {
    let suited = F::all().into_iter().filter(|family| family.suits(info));
    all.extend(suited.map(|family| Scenario {
        id: family.id(),
        backend: info.name,
        octets: family.octets(),
        gauge: family.gauge(),
        make: Box::new(move |kind| match kind {
            Kind::Ours => family.bench::<O>(),
            Kind::Raw => family.bench::<R>(),
        }),
    }));
}
