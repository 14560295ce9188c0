//! A listener on the loop.

use std::time::{Duration, Instant};

use socket::{Address, Error as SocketError, Layer, Listener, Socket, Step};

use crate::{Event, Token};

/// How many clients a listener hands out in one turn.
pub const ACCEPTS_PER_TURN: usize = 64;

/// How long a listener rests when it cannot accept: 100 ms at first.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a listener rests at most: 1 s.
pub const MAX_ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// A listener with what the loop knows of it.
pub(crate) struct Door<B: Layer> {
    pub(crate) listener: Listener<B>,
    /// Whether a client may be waiting.
    ready: bool,
    /// Whether the application wants clients.
    pub(crate) wanted: bool,
    /// Until when it rests, and how long it rests the next time.
    rests_until: Option<Instant>,
    pause: Duration,
    untold: Option<SocketError>,
    accepted: usize,
    turn: u64,
    pub(crate) armed: Option<Instant>,
    pub(crate) queued: bool,
}

impl<B: Layer> Door<B> {
    pub(crate) fn new(listener: Listener<B>) -> Self {
        Self {
            listener,
            ready: false,
            wanted: true,
            rests_until: None,
            pause: ACCEPT_PAUSE,
            untold: None,
            accepted: 0,
            turn: 0,
            armed: None,
            queued: false,
        }
    }

    /// A client has come.
    pub(crate) fn edge(&mut self) {
        self.ready = true;
    }

    /// Whether it has something to tell although no edge will come.
    pub(crate) fn is_hot(&self) -> bool {
        self.untold.is_some() || self.is_incoming()
    }

    fn is_incoming(&self) -> bool {
        self.ready && self.wanted && self.rests_until.is_none()
    }

    pub(crate) fn report(&mut self, token: Token, events: &mut Vec<Event>) {
        if let Some(error) = self.untold.take() {
            events.push(Event::AcceptPaused(token, error));
        }
        if self.is_incoming() {
            events.push(Event::Incoming(token));
        }
    }

    /// The next client, within the turn's number. A failure lets the listener
    /// rest: it would not pass by itself, and the loop must not spin.
    pub(crate) fn accept(&mut self, turn: u64, now: Instant) -> Option<(Socket<B>, Address)> {
        if self.turn != turn {
            self.turn = turn;
            self.accepted = 0;
        }
        if self.rests_until.is_some() || self.accepted == ACCEPTS_PER_TURN {
            return None;
        }
        match self.listener.try_accept() {
            Ok(Step::Ready(client)) => {
                self.accepted += 1;
                self.pause = ACCEPT_PAUSE;
                Some(client)
            }
            Ok(Step::Blocked(_)) => {
                self.ready = false;
                None
            }
            Err(error) => {
                self.untold = Some(error);
                self.rests_until = now.checked_add(self.pause);
                self.pause = (self.pause * 2).min(MAX_ACCEPT_PAUSE);
                None
            }
        }
    }

    /// When the rest is over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.rests_until
    }

    /// The rest is over. Clients that came meanwhile made no new edge.
    pub(crate) fn wake(&mut self) {
        self.rests_until = None;
        self.ready = true;
    }
}

#[cfg(test)]
mod tests {
    use socket::{PlainListener, PlainSocket};

    use super::*;

    #[test]
    fn no_more_clients_are_handed_out_in_a_turn_than_its_number() {
        let listener = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().ip().unwrap();
        let _clients: Vec<_> = (0..=ACCEPTS_PER_TURN)
            .map(|_| PlainSocket::connect_tcp(address, socket::CONNECT_TIMEOUT).unwrap())
            .collect();
        let mut door = Door::new(listener);
        door.edge();
        let now = Instant::now();
        let mut accept = |turn| {
            let accepted = std::iter::from_fn(|| door.accept(turn, now)).count();
            (accepted, door.is_hot())
        };
        assert_eq!(accept(1), (ACCEPTS_PER_TURN, true));
        assert_eq!(accept(1), (0, true));
        assert_eq!(accept(2), (1, false));
    }
}
