//! Clients that mean no good.

use fastrand::Rng;
use poll::{Deadline, Event};
use serde::{Deserialize, Serialize};
use socket::Error;

/// What a hostile client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Hostile {
    /// Says nothing.
    Silent,
    /// Stops after its ClientHello.
    StopsAfterHello,
    /// Sends its ClientHello one octet at a time, and lives on.
    OctetByOctet,
    /// Sends what is no TLS.
    Garbage,
    /// Sends what is no TLS, after its ClientHello.
    GarbageAfterHello,
    /// Speaks HTTP.
    OtherProtocol,
    /// Ends the stream amid its ClientHello.
    TruncatedHello,
    /// Resets the connection amid its ClientHello.
    Reset,
}

impl Hostile {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Silent,
        Self::StopsAfterHello,
        Self::OctetByOctet,
        Self::Garbage,
        Self::GarbageAfterHello,
        Self::OtherProtocol,
        Self::TruncatedHello,
        Self::Reset,
    ];

    /// Whether the server has to wait for it until the deadline.
    pub const fn lasts(self) -> bool {
        matches!(
            self,
            Self::Silent | Self::StopsAfterHello | Self::OctetByOctet
        )
    }

    /// Whether this is how a server's connection to it must end.
    pub fn is_ended_by(self, event: &Event) -> bool {
        match self {
            Self::Silent | Self::StopsAfterHello | Self::OctetByOctet => {
                matches!(event, Event::TimedOut(_, Deadline::Handshake))
            }
            Self::Garbage | Self::GarbageAfterHello | Self::OtherProtocol => {
                matches!(event, Event::Failed(_, Error::Tls(error))
                    if *error != tls_core::Error::Truncated)
            }
            Self::TruncatedHello => {
                matches!(
                    event,
                    Event::Failed(_, Error::Tls(tls_core::Error::Truncated))
                )
            }
            Self::Reset => matches!(event, Event::Failed(_, Error::Io(_))),
        }
    }
}

/// Who is who in a storm: one in ten is hostile, each in another way, and they
/// are anywhere among the others. There is one hostile client at least, if
/// there is more than one.
pub fn plan(clients: usize, random: &mut Rng) -> Vec<Option<Hostile>> {
    let hostile = (clients / 10).max(1).min(clients / 2);
    let mut ways = Vec::new();
    while ways.len() < hostile {
        let mut next = Hostile::ALL;
        random.shuffle(&mut next);
        ways.extend(next);
    }
    ways.truncate(hostile);
    let mut plan: Vec<_> = ways.into_iter().map(Some).collect();
    plan.resize(clients, None);
    random.shuffle(&mut plan);
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_hostile_in_every_way_wherever_the_seed_puts_them() {
        let mut random = Rng::with_seed(7);
        let first = plan(1000, &mut random);
        let ways: Vec<_> = first.iter().copied().flatten().collect();
        assert_eq!((first.len(), ways.len()), (1000, 100));
        for way in Hostile::ALL {
            let times = ways.iter().filter(|&&other| other == way).count();
            assert!((12..=13).contains(&times), "{way:?}: {times}");
        }
        assert_eq!(first, plan(1000, &mut Rng::with_seed(7)));
        assert_ne!(first, plan(1000, &mut random));
    }

    #[test]
    fn a_small_storm_has_good_clients_too() {
        let count = |clients| {
            let plan = plan(clients, &mut Rng::with_seed(1));
            plan.iter().flatten().count()
        };
        assert_eq!([1, 2, 9, 20].map(count), [0, 1, 1, 2]);
    }
}
