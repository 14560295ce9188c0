//! Whether each connection has ended as it must.

use std::collections::HashMap;
use std::net::SocketAddr;

use poll::Event;

use super::hostile::Hostile;
use crate::library::Outcome;

/// How many faults are told at most.
const TOLD: usize = 5;

/// How each client's connection has ended on the server.
pub(super) type Ends = HashMap<SocketAddr, Event>;

/// Fails unless there is a right end for each client, and for nobody else.
pub(super) fn judge(ends: &Ends, who: &[(SocketAddr, Option<Hostile>)]) -> Outcome<()> {
    let mut faults = Vec::new();
    for (client, hostile) in who {
        match (ends.get(client), hostile) {
            (Some(Event::Closed(_)), None) => {}
            (Some(event), Some(hostile)) if hostile.is_ended_by(event) => {}
            (end, hostile) => {
                let kind = hostile.map_or("a good client".to_owned(), |way| format!("{way:?}"));
                faults.push(format!("{kind} ended in {end:?}"));
            }
        }
    }
    if ends.len() != who.len() {
        let (ends, who) = (ends.len(), who.len());
        faults.push(format!("{who} clients and {ends} ends"));
    }
    if faults.is_empty() {
        return Ok(());
    }
    let count = faults.len();
    faults.truncate(TOLD);
    Err(format!("{count} wrong ends, such as: {}", faults.join("; ")).into())
}

#[cfg(test)]
mod tests {
    use poll::{Deadline, Poll};
    use socket::{Error, IoError, NoTls, Socket};

    use super::*;

    /// Any token will do.
    fn token() -> poll::Token {
        let (near, _far) = Socket::<NoTls>::pair().unwrap();
        let mut poll = Poll::new().unwrap();
        poll.add(near, &poll::Options::new()).unwrap()
    }

    fn reset() -> Error {
        Error::Io(IoError::from(std::io::Error::from(
            std::io::ErrorKind::ConnectionReset,
        )))
    }

    /// How each way ends, in the order of [`Hostile::ALL`].
    fn right(way: Hostile) -> Event {
        let token = token();
        match way {
            Hostile::Silent | Hostile::StopsAfterHello | Hostile::OctetByOctet => {
                Event::TimedOut(token, Deadline::Handshake)
            }
            Hostile::Garbage | Hostile::GarbageAfterHello | Hostile::OtherProtocol => {
                let error = tls_core::PeerMisbehaved::Other("record".into());
                Event::Failed(token, Error::Tls(tls_core::Error::PeerMisbehaved(error)))
            }
            Hostile::TruncatedHello => Event::Failed(token, Error::Tls(tls_core::Error::Truncated)),
            Hostile::Reset => Event::Failed(token, reset()),
        }
    }

    fn client(number: usize) -> SocketAddr {
        let port = u16::try_from(1000 + number).unwrap();
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn told(ends: &Ends, who: &[(SocketAddr, Option<Hostile>)]) -> String {
        judge(ends, who).unwrap_err().to_string()
    }

    #[test]
    fn the_right_end_of_each_passes_and_that_of_another_does_not() {
        let who: Vec<_> = Hostile::ALL
            .into_iter()
            .enumerate()
            .map(|(number, way)| (client(number), Some(way)))
            .collect();
        let ends: Ends = who
            .iter()
            .map(|&(client, way)| (client, right(way.unwrap())))
            .collect();
        judge(&ends, &who).unwrap();
        for (client, way) in &who {
            for event in [Event::Closed(token()), Event::HungUp(token())] {
                let mut ends = ends.clone();
                ends.insert(*client, event);
                let told = told(&ends, &who);
                assert!(told.contains(&format!("{:?}", way.unwrap())), "{told}");
            }
        }
    }

    #[test]
    fn a_good_client_that_is_lost_is_a_fault() {
        let who = [(client(0), None), (client(1), None)];
        let closed = (client(0), Event::Closed(token()));
        let mut ends = Ends::from([closed]);
        assert!(told(&ends, &who).contains("a good client ended in None"));
        ends.insert(client(1), Event::TimedOut(token(), Deadline::Handshake));
        assert!(told(&ends, &who).contains("TimedOut"));
        ends.insert(client(1), Event::Closed(token()));
        judge(&ends, &who).unwrap();
        ends.insert(client(2), Event::Closed(token()));
        assert!(told(&ends, &who).contains("2 clients and 3 ends"));
    }
}
