//! The server on the event loop: one thread for all its clients.

mod client;
mod echo;
mod ending;
mod http;
mod sending;
mod talk;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use polytls::poll::{Deadline, Event, Events, Options, Poll, TimerId, Token};
use polytls::pool::State;
use polytls::pool::server::{Admission, Registry};
use polytls::tls::AnyBackend;
use polytls::{Address, Listener, Socket};

use super::{Server, Service};
use crate::failure::Failure;
use crate::{access, signals};
use client::Client;
use echo::Echo;
use http::Http;
use talk::{Talk, Turn};

/// What is read of a file at once: 64 KiB.
const CHUNK: usize = 64 * 1024;

/// Serves until a signal, and then until all clients have been. `ready` is
/// called when signals are waited for.
pub(super) fn run(
    server: &Server,
    listener: Listener<AnyBackend>,
    ready: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let failed = |error| Failure::other("the event loop", error);
    let mut poll = Poll::new().map_err(failed)?;
    let (waker, stop) = (poll.waker(), Arc::new(AtomicBool::new(false)));
    let stopping = Arc::clone(&stop);
    signals::at_first(move || {
        stopping.store(true, Ordering::Release);
        if let Err(error) = waker.wake() {
            tracing::error!(%error, "the loop was not woken");
        }
    })?;
    ready()?;
    let door = poll.add_listener(listener).map_err(failed)?;
    let mut all = Loop {
        server,
        poll,
        door,
        accepting: true,
        admission: Admission::new(server.limits),
        registry: Registry::new(None),
        clients: HashMap::new(),
        eager: VecDeque::new(),
        heads: HashMap::new(),
        options: Options::new()
            .handshake_timeout(Some(server.timeout))
            .idle_timeout(Some(server.timeout))
            .write_timeout(Some(server.timeout)),
        buf: vec![0; CHUNK],
        drains_until: None,
    };
    let mut events = Events::new();
    while all.registry.state() != State::Stopped {
        let wait = all.wait();
        all.poll.poll(&mut events, wait).map_err(failed)?;
        for event in &events {
            all.handle(event);
        }
        for _ in 0..all.eager.len() {
            all.next_eager();
        }
        if stop.swap(false, Ordering::AcqRel) {
            all.drain();
        }
        all.end_due();
    }
    Ok(())
}

struct Loop<'a> {
    server: &'a Server,
    poll: Poll<AnyBackend>,
    door: Token,
    accepting: bool,
    admission: Admission,
    registry: Registry<Token>,
    clients: HashMap<Token, Client>,
    /// Who could go on at once.
    eager: VecDeque<Token>,
    /// Whose request's head must be whole when this time is over.
    heads: HashMap<TimerId, Token>,
    options: Options,
    buf: Vec<u8>,
    drains_until: Option<Instant>,
}

impl Loop<'_> {
    /// How long the loop may wait for an event.
    fn wait(&self) -> Option<Duration> {
        if !self.eager.is_empty() {
            return Some(Duration::ZERO);
        }
        let until = self.drains_until?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    fn handle(&mut self, event: &Event) {
        match *event {
            Event::Incoming(_) => self.accept(),
            Event::AcceptPaused(_, ref error) => {
                tracing::warn!(%error, "connections are not accepted for a moment");
            }
            Event::HandshakeDone(token) => {
                let facts = self.poll.connection(token);
                let facts = facts.and_then(|connection| connection.socket().facts().cloned());
                if let Some(client) = self.clients.get_mut(&token) {
                    client.begin(access::Tls::of(facts.as_ref()));
                }
                self.open_or_close_door();
            }
            Event::Readable(token) | Event::Writable(token) => self.go_on(token),
            Event::Ended(token) => {
                if let Some(client) = self.clients.get_mut(&token) {
                    client.talk.ended();
                }
                self.go_on(token);
            }
            Event::TimedOut(token, Deadline::Idle) if self.stays(token) => {}
            Event::Timer(timer) => {
                if let Some(token) = self.heads.remove(&timer) {
                    self.cut_off(token, "timeout", Some("the request's head took too long"));
                }
            }
            ref last if last.is_final() => {
                if let Some(token) = last.token() {
                    if let Some(client) = self.clients.get_mut(&token) {
                        client.end(last);
                    }
                    self.forget(token);
                }
            }
            _ => {}
        }
    }

    fn accept(&mut self) {
        while self.accepting
            && let Some((socket, peer)) = self.poll.accept(self.door)
        {
            if let Err(failure) = self.admit(socket, &peer) {
                tracing::warn!(%peer, error = failure.line(), "a connection was dropped");
            }
            self.open_or_close_door();
        }
    }

    fn admit(&mut self, mut socket: Socket<AnyBackend>, peer: &Address) -> Result<(), Failure> {
        let now = Instant::now();
        let mut line = access::Connection::new(peer);
        let permit = match self.admission.admit(peer.ip().map(|peer| peer.ip()), now) {
            Ok(permit) => permit,
            Err(refusal) => {
                line.failed("refused", refusal);
                return Ok(());
            }
        };
        let handshake = permit.begin_handshake();
        let Server {
            backend, context, ..
        } = self.server;
        socket
            .enable_tls_server(backend, context)
            .map_err(|error| Failure::at("the handshake", error))?;
        let added = self.poll.add(socket, &self.options);
        let token = added.map_err(|error| Failure::other("the event loop", error))?;
        let Some(id) = self.registry.insert(token, Some(permit), now) else {
            self.poll.remove(token);
            return Ok(());
        };
        let talk = match &self.server.service {
            Service::Folder(folder) => {
                Talk::Http(Box::new(Http::new(Arc::clone(folder), line.peer())))
            }
            Service::Echo => Talk::Echo(Echo::default()),
        };
        let client = Client::new(id, line, handshake, talk);
        self.clients.insert(token, client);
        Ok(())
    }

    /// Lets clients wait in the system's queue when there is no room for more.
    fn open_or_close_door(&mut self) {
        let (found, limits) = (self.admission.statistics(), self.server.limits);
        let room = found.connections < limits.connections && found.handshakes < limits.handshakes;
        if room != self.accepting {
            self.accepting = room;
            self.poll.set_accepting(self.door, room);
        }
    }

    fn next_eager(&mut self) {
        let Some(token) = self.eager.pop_front() else {
            return;
        };
        if let Some(client) = self.clients.get_mut(&token) {
            client.eager = false;
        }
        self.go_on(token);
    }

    /// Gives a connection its turn.
    fn go_on(&mut self, token: Token) {
        let (Some(client), Some(mut connection)) =
            (self.clients.get_mut(&token), self.poll.connection(token))
        else {
            return;
        };
        if client.is_closing() {
            if !client.discard(&mut connection, &mut self.buf) {
                self.cut_off(token, "flooded", None);
            }
            return;
        }
        let broken = match client.talk.turn(&mut connection, &mut self.buf) {
            Turn::Waits => None,
            Turn::Again => {
                if !std::mem::replace(&mut client.eager, true) {
                    self.eager.push_back(token);
                }
                None
            }
            Turn::Close => {
                client.close(&mut connection);
                None
            }
            Turn::Broken(reason) => Some(reason),
        };
        client.read_as_wanted(&mut connection);
        if let Some(reason) = broken {
            self.cut_off(token, "failed", Some(reason));
            return;
        }
        self.note(token);
    }

    /// Notes whether the connection is busy, and until when its request must be
    /// whole.
    fn note(&mut self, token: Token) {
        let Some(client) = self.clients.get_mut(&token) else {
            return;
        };
        let busy = !client.talk.is_idle() && !client.is_closing();
        if busy != client.busy {
            client.busy = busy;
            self.registry.set_busy(client.id, busy, Instant::now());
        }
        let head = client.talk.head();
        if client.head_timer.map(|(of, _)| of) == head {
            return;
        }
        if let Some((_, timer)) = client.head_timer.take() {
            self.poll.cancel_timer(timer);
            self.heads.remove(&timer);
        }
        if let Some(head) = head {
            let timer = self.poll.set_timer(self.server.timeout);
            client.head_timer = Some((head, timer));
            self.heads.insert(timer, token);
        }
    }
}
