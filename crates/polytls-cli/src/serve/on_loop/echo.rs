//! What comes goes back.

use polytls::Step;
use polytls::poll::Connection;
use polytls::tls::AnyBackend;

use super::talk::Turn;

#[derive(Debug, Default)]
pub(super) struct Echo {
    /// What found no room. While there is some, nothing is received.
    rest: Vec<u8>,
    ended: bool,
}

impl Echo {
    pub(super) fn turn(
        &mut self,
        connection: &mut Connection<'_, AnyBackend>,
        buf: &mut [u8],
    ) -> Turn {
        if !self.rest.is_empty() {
            // A connection that has failed is told of by an event.
            let taken = connection.send(&self.rest).unwrap_or_default();
            self.rest.drain(..taken);
        }
        while self.rest.is_empty() {
            let Step::Ready(octets) = connection.recv(buf) else {
                return match self.ended {
                    true => Turn::Close,
                    false => Turn::Waits,
                };
            };
            let received = buf.get(..octets).unwrap_or_default();
            let taken = connection.send(received).unwrap_or_default();
            self.rest
                .extend_from_slice(received.get(taken..).unwrap_or_default());
        }
        Turn::Waits
    }

    /// Nothing more comes, or is waited for.
    pub(super) fn ended(&mut self) {
        self.ended = true;
    }

    pub(super) fn is_idle(&self) -> bool {
        self.rest.is_empty()
    }
}
