//! The loop under test: a server that sends back what it gets.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use poll::{Event, Events, Load, Options, Poll, Token};
use socket::{Listener, Step};
use tls_core::TlsBackend;

use super::faults::Ends;
use super::{PATIENCE, QUIET, message};
use crate::library::Outcome;
use crate::limits::computed;
use crate::ours;

/// A server on a loop of its own, on this thread.
pub(super) struct Server<'a, B: TlsBackend> {
    context: &'a ours::Server<B>,
    poll: Poll<B>,
    events: Events,
    options: Options,
    doors: Vec<Token>,
    /// Where each connection comes from.
    clients: HashMap<Token, SocketAddr>,
    /// The messages that have come in part.
    partial: HashMap<Token, Vec<u8>>,
    pub(super) echoed: usize,
    pub(super) ends: Ends,
}

impl<'a, B: TlsBackend> Server<'a, B> {
    /// Listens at so many ports. No client has more than one of them for its
    /// own port, so many ports are room for many clients of one address.
    pub(super) fn new(
        context: &'a ours::Server<B>,
        doors: usize,
        handshake: Duration,
    ) -> Outcome<(Self, Vec<SocketAddr>)> {
        let mut server = Self {
            context,
            poll: Poll::new()?,
            events: Events::new(),
            // A deadline of each connection is noted all the while.
            options: Options::new()
                .handshake_timeout(Some(handshake))
                .idle_timeout(Some(Duration::from_secs(24 * 60 * 60)))
                .close_timeout(PATIENCE),
            doors: Vec::new(),
            clients: HashMap::new(),
            partial: HashMap::new(),
            echoed: 0,
            ends: Ends::new(),
        };
        let mut addresses = Vec::new();
        for _ in 0..doors {
            let listener = Listener::bind_tcp("127.0.0.1:0")?;
            addresses.extend(listener.local_addr()?.ip());
            server.doors.push(server.poll.add_listener(listener)?);
        }
        Ok((server, addresses))
    }

    /// Whether so many messages were sent back, or there is no hope of it:
    /// somebody has gone already.
    pub(super) fn has_echoed(&self, messages: usize) -> bool {
        self.echoed == messages || !self.ends.is_empty()
    }

    /// Goes on until this is so.
    pub(super) fn until(&mut self, done: impl Fn(&Self) -> bool) -> Outcome<()> {
        while !done(self) {
            if !self.turn(PATIENCE)? {
                let (clients, echoed, ends) = (self.clients.len(), self.echoed, self.ends.len());
                return Err(format!(
                    "nothing happened for {PATIENCE:?}: {clients} connections, {echoed} messages \
                     sent back, {ends} ends"
                )
                .into());
            }
        }
        Ok(())
    }

    /// One turn; whether something happened.
    fn turn(&mut self, timeout: Duration) -> Outcome<bool> {
        let mut events = std::mem::take(&mut self.events);
        self.poll.poll(&mut events, Some(timeout))?;
        let happened = !events.is_empty();
        for event in &events {
            match *event {
                Event::Incoming(door) => self.accept(door)?,
                Event::HandshakeDone(_) | Event::Writable(_) => {}
                Event::Readable(token) => self.echo(token)?,
                Event::Ended(token) => {
                    if let Some(mut connection) = self.poll.connection(token) {
                        connection.close();
                    }
                }
                ref end if end.is_final() => self.end(end),
                ref other => return Err(format!("{other:?} on the server").into()),
            }
        }
        self.events = events;
        Ok(happened)
    }

    fn accept(&mut self, door: Token) -> Outcome<()> {
        while let Some((mut socket, from)) = self.poll.accept(door) {
            let from = from.ip().ok_or("a client without an address")?;
            // Where it is refused the client has gone, which the loop will tell.
            let _ = socket.set_nodelay(true);
            socket.enable_tls_server(&self.context.backend, &self.context.context)?;
            let token = self.poll.add(socket, &self.options)?;
            self.clients.insert(token, from);
        }
        Ok(())
    }

    fn echo(&mut self, token: Token) -> Outcome<()> {
        let mut connection = self.poll.connection(token).ok_or("no connection")?;
        let mut buf = [0; message::OCTETS];
        while let Step::Ready(octets) = connection.recv(&mut buf) {
            let partial = self.partial.entry(token).or_default();
            partial.extend_from_slice(&buf[..octets]);
            if partial.len() < message::OCTETS {
                continue;
            }
            let whole: Vec<u8> = partial.drain(..message::OCTETS).collect();
            if partial.is_empty() {
                self.partial.remove(&token);
            }
            let taken = connection.send(&whole)?;
            if taken < whole.len() {
                return Err("a client does not take its answer".into());
            }
            self.echoed += 1;
        }
        Ok(())
    }

    fn end(&mut self, event: &Event) {
        let token = event.token();
        if let Some(client) = token.and_then(|token| self.clients.remove(&token)) {
            self.ends.insert(client, event.clone());
        }
        if let Some(token) = token {
            self.partial.remove(&token);
        }
    }

    /// Lets TLS say what it has to say, until nothing happens any more.
    pub(super) fn settle(&mut self) -> Outcome<()> {
        let start = Instant::now();
        while self.turn(QUIET)? {
            if start.elapsed() > PATIENCE {
                return Err("the server does not come to rest".into());
            }
        }
        Ok(())
    }

    /// Waits for so long, in which nothing may happen, and answers how long
    /// this thread has computed meanwhile.
    pub(super) fn rest(&mut self, time: Duration) -> Outcome<Duration> {
        let before = computed();
        match self.turn(time)? {
            false => Ok(computed() - before),
            true => Err("something happened on idle connections".into()),
        }
    }

    pub(super) fn load(&self) -> Load {
        self.poll.load()
    }

    /// Fails if anything is left but the listeners, and drops those.
    pub(super) fn leave(mut self) -> Outcome<Ends> {
        for door in std::mem::take(&mut self.doors) {
            self.poll.remove_listener(door).ok_or("no listener")?;
        }
        self.turn(Duration::ZERO)?;
        let load = self.load();
        if load != Load::default() || !self.clients.is_empty() || !self.partial.is_empty() {
            return Err(format!("something is left on the loop: {load:?}").into());
        }
        Ok(self.ends)
    }
}
