//! The clients of a storm, all at once, good and hostile ones.

use std::net::SocketAddr;
use std::time::Duration;

use fastrand::Rng;
use poll::{Event, Token};
use rustix::net::sockopt::set_socket_linger;
use socket::Socket;
use tls_core::TlsBackend;

use super::Clients;
use crate::library::Outcome;
use crate::soak::PATIENCE;
use crate::soak::hostile::Hostile;
use crate::soak::orders::Answer;

/// How often somebody who sends octet by octet sends one.
const DRIP: Duration = Duration::from_millis(50);

impl<B: TlsBackend + Default> Clients<B> {
    pub(super) fn storm(
        &mut self,
        door: SocketAddr,
        plan: Vec<Option<Hostile>>,
        seed: u64,
    ) -> Outcome<Answer> {
        let mut random = Rng::with_seed(seed);
        let hello = self.hello()?;
        let mut who = Vec::new();
        let good = plan.iter().filter(|hostile| hostile.is_none()).count();
        for (number, hostile) in plan.into_iter().enumerate() {
            let from = match hostile {
                None => self.begin(door, number, true)?,
                Some(Hostile::Reset) => reset::<B>(door, part(&hello, &mut random))?,
                Some(hostile) => self.attack(door, hostile, &hello, &mut random)?,
            };
            who.push((from, hostile));
        }
        self.until_none_is_left(good)?;
        if let Some(timer) = self.drip.take() {
            self.poll.cancel_timer(timer);
        }
        Ok(Answer::Stormed(who))
    }

    /// What a client says first.
    fn hello(&self) -> Outcome<Vec<u8>> {
        let (mut near, mut far) = Socket::<B>::pair()?;
        near.enable_tls_client(&self.backend, &self.context, &self.name)?;
        if near.handshake_step()?.is_ready() {
            return Err("a handshake with nobody is done".into());
        }
        let mut hello = vec![0; 16 * 1024];
        let octets = far.recv(&mut hello)?;
        hello.truncate(octets);
        Ok(hello)
    }

    /// A hostile client comes, on a plain connection.
    fn attack(
        &mut self,
        door: SocketAddr,
        hostile: Hostile,
        hello: &[u8],
        random: &mut Rng,
    ) -> Outcome<SocketAddr> {
        let mut socket = Socket::start_connect_tcp(door)?;
        let from = socket.local_addr()?.ip().ok_or("no address")?;
        socket.set_nodelay(true)?;
        let token = self.poll.add(socket, &self.options)?;
        self.hostile.insert(token, hostile);
        match hostile {
            Hostile::Silent | Hostile::Reset => {}
            Hostile::StopsAfterHello => self.send(token, hello)?,
            Hostile::OctetByOctet => {
                self.dripping
                    .insert(token, hello.iter().rev().copied().collect());
                if self.drip.is_none() {
                    self.drip = Some(self.poll.set_timer(DRIP));
                }
            }
            Hostile::Garbage => self.send(token, &garbage(random))?,
            Hostile::GarbageAfterHello => {
                self.send(token, hello)?;
                self.send(token, &garbage(random))?;
            }
            Hostile::OtherProtocol => self.send(token, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?,
            Hostile::TruncatedHello => {
                self.send(token, part(hello, random))?;
                let mut connection = self.poll.connection(token).ok_or("no connection")?;
                connection.shutdown_write();
            }
        }
        Ok(from)
    }

    pub(super) fn drip(&mut self) -> Outcome<()> {
        let all: Vec<_> = self.dripping.keys().copied().collect();
        for token in all {
            let next = self.dripping.get_mut(&token).and_then(Vec::pop);
            if let Some(octet) = next
                && let Some(mut connection) = self.poll.connection(token)
            {
                // The server may have closed it: an event tells.
                let _ = connection.send(&[octet]);
            }
        }
        self.drip = match self.dripping.is_empty() {
            true => None,
            false => Some(self.poll.set_timer(DRIP)),
        };
        Ok(())
    }

    /// The server may answer with what it likes, and has to end it.
    pub(super) fn hostile_event(&mut self, event: &Event, token: Token) -> Outcome<()> {
        let mut connection = self.poll.connection(token).ok_or("no connection")?;
        match event {
            Event::Connected(_) => {}
            Event::Readable(_) => {
                let mut buf = [0; 4096];
                while connection.recv(&mut buf).is_ready() {}
            }
            Event::Ended(_) => connection.close(),
            Event::Closed(_) | Event::HungUp(_) => {
                self.hostile.remove(&token);
                self.dripping.remove(&token);
            }
            other => return Err(format!("a hostile client: {other:?}").into()),
        }
        Ok(())
    }
}

/// Connects, sends this and resets the connection.
fn reset<B: TlsBackend>(door: SocketAddr, octets: &[u8]) -> Outcome<SocketAddr> {
    let mut socket = Socket::<B>::connect_tcp(door, PATIENCE)?;
    let from = socket.local_addr()?.ip().ok_or("no address")?;
    socket.send_all(octets)?;
    set_socket_linger(socket.wait_fd(), Some(Duration::ZERO))?;
    Ok(from)
}

/// Some of it, but not all.
fn part<'a>(hello: &'a [u8], random: &mut Rng) -> &'a [u8] {
    let (part, _) = hello.split_at(random.usize(1..hello.len().max(2)).min(hello.len()));
    part
}

/// What is no record of TLS: no type of content is less than 20, and no version
/// begins with more than 3. A library may wait for the rest of what has the
/// right version, whatever its type.
fn garbage(random: &mut Rng) -> Vec<u8> {
    let mut octets = vec![0; random.usize(64..1024)];
    random.fill(&mut octets);
    octets[0] %= 20;
    octets[1] |= 0x80;
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_never_all_and_garbage_never_a_record() {
        let mut random = Rng::with_seed(7);
        let hello = [1, 2, 3];
        for _ in 0..100 {
            assert!((1..3).contains(&part(&hello, &mut random).len()));
            let garbage = garbage(&mut random);
            assert!(garbage[0] < 20 && garbage[1] > 3);
        }
    }
}
