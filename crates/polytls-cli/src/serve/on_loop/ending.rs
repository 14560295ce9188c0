//! How connections on the loop end, and the loop itself.

use std::time::Instant;

use polytls::poll::Token;
use polytls::pool::server::Action;

use super::Loop;

impl Loop<'_> {
    /// Whether a connection that was idle too long has an orderly end before
    /// it, or is not idle at all: the client takes what is held for it.
    pub(super) fn stays(&mut self, token: Token) -> bool {
        let (Some(client), Some(mut connection)) =
            (self.clients.get_mut(&token), self.poll.connection(token))
        else {
            return false;
        };
        if connection.buffered() > 0 {
            // Its own deadline is over what is held.
            let time = client.idle_time(self.server.timeout);
            connection.set_idle_timeout(Some(time));
            return true;
        }
        let closes = !client.is_closing() && client.talk.is_idle();
        if closes {
            client.close(&mut connection);
            client.read_as_wanted(&mut connection);
        }
        closes
    }

    /// Ends a connection at once, and not cleanly.
    pub(super) fn cut_off(
        &mut self,
        token: Token,
        outcome: &'static str,
        error: Option<&'static str>,
    ) {
        if let Some(client) = self.clients.get_mut(&token) {
            client.cut_off(outcome, error);
        }
        self.forget(token);
        self.poll.remove(token);
    }

    /// The connection is over: its line is written.
    pub(super) fn forget(&mut self, token: Token) {
        let Some(mut client) = self.clients.remove(&token) else {
            return;
        };
        if let Some(connection) = self.poll.connection(token) {
            client.count(connection.socket().statistics());
        }
        if let Some((_, timer)) = client.head_timer {
            self.poll.cancel_timer(timer);
            self.heads.remove(&timer);
        }
        self.registry.remove(client.id);
        drop(client);
        self.open_or_close_door();
    }

    pub(super) fn drain(&mut self) {
        // Whoever waits in its queue is refused by the system.
        drop(self.poll.remove_listener(self.door));
        let until = Instant::now() + self.server.drain_timeout;
        self.drains_until = Some(until);
        self.registry.drain(until);
    }

    /// Ends what the drain wants to end.
    pub(super) fn end_due(&mut self) {
        if self.drains_until.is_none() {
            return;
        }
        for (_, token, action) in self.registry.due(Instant::now()) {
            let (Some(client), Some(mut connection)) =
                (self.clients.get_mut(&token), self.poll.connection(token))
            else {
                continue;
            };
            match action {
                Action::Close if client.is_closing() => {}
                // Nothing has been said that could be ended.
                Action::Close if client.is_handshaking() => {
                    self.cut_off(token, "drained", None);
                }
                Action::Close => {
                    client.close(&mut connection);
                    client.read_as_wanted(&mut connection);
                }
                Action::Finish => client.talk.finish(),
                _ => self.cut_off(token, "drained", Some("its time was over")),
            }
        }
    }
}
