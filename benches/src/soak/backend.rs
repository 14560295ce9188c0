//! Both crowds on one backend.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::faults::judge;
use super::hostile::{Hostile, plan};
use super::orders::{Answer, Begin, Clients, Order};
use super::server::Server;
use super::{Options, PATIENCE};
use crate::heap::in_use;
use crate::library::{Library, Outcome};
use crate::limits::open_descriptors;
use crate::material::{KeyKind, Material};
use crate::ours::{self, Compared, Ours};
use fastrand::Rng;

/// How many connections there are for one port of the server: less than a
/// client's address has ports for.
const PER_DOOR: usize = 10_000;

/// How much of a processor a loop may take while nothing happens.
const IDLE_SHARE: f64 = 0.005;

/// What of memory may be left: in all, and for each connection. What a
/// connection leaves when something of it is forgotten is far more.
const LEFT: usize = 64 * 1024;
const LEFT_EACH: usize = 64;

/// The least time for the handshakes of a storm, and how much longer they may
/// take than they take one after the other.
const STORM: Duration = Duration::from_secs(5);
const STORM_FACTOR: u32 = 4;

/// What a backend came to.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) connections: usize,
    /// Handshakes a second, both ends on this machine.
    pub(super) rate: f64,
    /// What parts of a processor the server's loop and the clients' took while
    /// nothing happened.
    pub(super) idle: f64,
    pub(super) clients_idle: f64,
    /// Octets of heap for each idle connection of the server.
    pub(super) heap: Option<f64>,
    pub(super) handshakes: usize,
    pub(super) hostile: usize,
    /// How long the good clients of the storm took.
    pub(super) storm: Duration,
}

/// A backend with its clients.
struct Soak<B: Compared> {
    context: ours::Server<B>,
    clients: Clients,
}

/// The idle crowd's part of a row.
struct Idle {
    rate: f64,
    idle: f64,
    clients_idle: f64,
    heap: Option<f64>,
}

/// Tries both crowds.
pub(super) fn soak<B: Compared>(name: &str, options: &Options) -> Outcome<Row> {
    let root = Material::of(KeyKind::Ecdsa).root.to_vec();
    let mut soak = Soak {
        context: Ours::<B>::default_server()?,
        clients: Clients::start(name, &Begin { root })?,
    };
    let mut random = Rng::with_seed(options.seed);
    // What a library and malloc keep once is there after a first round. Those
    // who last until the deadline keep nothing else.
    soak.idle(20, Duration::from_secs(1))?;
    let mut few = plan(80, &mut random);
    few.retain(|hostile| hostile.is_none_or(|hostile| !hostile.lasts()));
    soak.storm(few, PATIENCE, &mut random)?;
    let before = Held::now()?;
    let idle = soak.idle(
        options.connections,
        Duration::from_secs(options.idle.max(1)),
    )?;
    before.assert_no_more(Held::now()?, options.connections)?;
    let plan = plan(options.handshakes, &mut random);
    let hostile = plan.iter().flatten().count();
    let storm = soak.storm(plan, deadline(options.handshakes, idle.rate), &mut random)?;
    let connections = options.connections + options.handshakes;
    before.assert_no_more(Held::now()?, connections)?;
    Ok(Row {
        connections: options.connections,
        rate: idle.rate,
        idle: idle.idle,
        clients_idle: idle.clients_idle,
        heap: idle.heap,
        handshakes: options.handshakes,
        hostile,
        storm,
    })
}

/// How long so many handshakes may take on this machine.
fn deadline(handshakes: usize, rate: f64) -> Duration {
    let one_after_the_other = Duration::from_secs_f64(handshakes as f64 / rate);
    STORM.max(one_after_the_other * STORM_FACTOR)
}

impl<B: Compared> Soak<B> {
    /// So many connections that say something, are quiet, say something again
    /// and are closed in order.
    fn idle(&mut self, connections: usize, quiet: Duration) -> Outcome<Idle> {
        let heap = in_use();
        let doors = connections.div_ceil(PER_DOOR);
        let each = connections.div_ceil(doors);
        let connections = each * doors;
        let Self { context, clients } = self;
        let (mut server, doors) = Server::new(context, doors, PATIENCE)?;
        let start = Instant::now();
        clients.order(&Order::Open { doors, each })?;
        clients.work_while(|| server.until(|server| server.has_echoed(connections)))?;
        let rate = connections as f64 / start.elapsed().as_secs_f64();
        server.settle()?;
        let grown = in_use().zip(heap);
        let heap = grown.map(|(now, then)| now.saturating_sub(then) as f64 / connections as f64);

        let seconds = quiet.as_secs();
        clients.order(&Order::Rest { seconds })?;
        let computed = server.rest(quiet)?;
        let Answer::Rested { computed: theirs } = clients.answer()? else {
            return Err("the clients did not rest".into());
        };
        let share = |computed: Duration| computed.as_secs_f64() / quiet.as_secs_f64();
        let idle = share(computed);
        let clients_idle = share(Duration::from_nanos(theirs));
        for (whose, share) in [("the server's", idle), ("the clients'", clients_idle)] {
            if share > IDLE_SHARE {
                let percent = share * 100.0;
                return Err(format!("{whose} idle loop took {percent:.2} % of a core").into());
            }
        }

        clients.order(&Order::Exchange)?;
        clients.work_while(|| server.until(|server| server.has_echoed(2 * connections)))?;
        clients.order(&Order::Close)?;
        clients.work_while(|| server.until(|server| server.ends.len() == connections))?;
        let ends = server.leave()?;
        let who: Vec<_> = ends.keys().map(|&client| (client, None)).collect();
        judge(&ends, &who)?;
        Ok(Idle {
            rate,
            idle,
            clients_idle,
            heap,
        })
    }

    /// Has the clients connect all at once, and answers how long the good ones
    /// took.
    fn storm(
        &mut self,
        plan: Vec<Option<Hostile>>,
        deadline: Duration,
        random: &mut Rng,
    ) -> Outcome<Duration> {
        let (mut server, doors) = Server::new(&self.context, 1, deadline)?;
        let door: SocketAddr = *doors.first().ok_or("no listener")?;
        let clients = plan.len();
        let good = plan.iter().filter(|hostile| hostile.is_none()).count();
        let seed = random.u64(..);
        let start = Instant::now();
        self.clients.order(&Order::Storm { door, plan, seed })?;
        server.until(|server| server.echoed == good || server.ends.len() == clients)?;
        let took = start.elapsed();
        server.until(|server| server.ends.len() == clients)?;
        // The last connections are closed before the clients are waited for.
        let ends = server.leave()?;
        let Answer::Stormed(who) = self.clients.answer()? else {
            return Err("the clients were in no storm".into());
        };
        judge(&ends, &who)?;
        Ok(took)
    }
}

impl Clients {
    /// Does what they need to fulfil their order, and waits until they have.
    fn work_while(&mut self, serve: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
        serve()?;
        match self.answer()? {
            Answer::Done => Ok(()),
            other => Err(format!("the clients answered {other:?}").into()),
        }
    }
}

/// What the process has.
#[derive(Clone, Copy)]
struct Held {
    descriptors: usize,
    heap: Option<usize>,
}

impl Held {
    fn now() -> Outcome<Self> {
        Ok(Self {
            descriptors: open_descriptors()?,
            heap: in_use(),
        })
    }

    /// Fails if `later`, after so many connections, there is more.
    fn assert_no_more(self, later: Self, connections: usize) -> Outcome<()> {
        if later.descriptors != self.descriptors {
            let (now, before) = (later.descriptors, self.descriptors);
            return Err(format!("{now} descriptors are open, and {before} were before").into());
        }
        if let (Some(now), Some(before)) = (later.heap, self.heap) {
            let left = now.saturating_sub(before);
            if left > LEFT + LEFT_EACH * connections {
                return Err(format!("{left} octets of heap are left").into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_has_time_for_all_its_handshakes() {
        assert_eq!(deadline(200, 1000.0), STORM);
        assert_eq!(deadline(1000, 100.0), Duration::from_secs(40));
        assert!(deadline(usize::MAX, f64::INFINITY) >= STORM);
    }

    #[test]
    fn what_is_left_is_a_fault() {
        let held = |descriptors, heap| Held { descriptors, heap };
        let before = held(9, Some(1_000_000));
        let fault = |later| match before.assert_no_more(later, 100) {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        };
        for fine in [Some(900_000), Some(1_000_000 + LEFT), None] {
            assert_eq!(fault(held(9, fine)), "");
        }
        for descriptors in [8, 10] {
            assert!(fault(held(descriptors, None)).contains("descriptors are open"));
        }
        // As if each had left a buffer.
        let left = fault(held(9, Some(1_000_000 + 100 * 1024)));
        assert!(left.contains("102400 octets of heap"), "{left}");
    }
}
