//! A server on the loop, one thread for all of its clients.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::task::{Context, Poll as Polled, Wake};
use std::thread;
use std::time::{Duration, Instant};

use polytls::poll::{Event, Events, Load, Options, Poll, Token, Waker};
use polytls::pool::State;
use polytls::pool::server::{
    Action, Admission, HandshakePermit, HandshakeTurn, Id, Permit, Registry,
};
use polytls::tls::{AnyContext, TlsBackend};
use polytls::{Listener, Step};

use super::super::rig::{Backend, End, LayersCase};
use super::server::{Running, Setup, TICK, is_busy};

pub(super) fn start(case: &LayersCase, setup: &Setup) -> Running {
    let listener = Listener::bind_tcp("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("an address");
    let config = case.server_config().build().expect("a config");
    let mut poll = Poll::new().expect("a loop");
    let waker = poll.waker();
    let door = Admission::new(setup.limits);
    let (drain, drains) = channel();
    let server = Server {
        backend: case.server.clone(),
        context: case.server.server(&config).expect("a context"),
        options: Options::new().handshake_timeout(Some(setup.handshake_timeout)),
        listener: poll.add_listener(listener).expect("a listener"),
        poll,
        door: door.clone(),
        registry: Registry::new(setup.idle_timeout),
        waiting: Vec::new(),
        shaking: BTreeMap::new(),
        open: BTreeMap::new(),
    };
    Running {
        address: address.ip().expect("an IP address"),
        door,
        drain: Box::new(move |grace| {
            drain.send(grace).expect("a server");
            waker.wake().expect("a loop");
        }),
        thread: thread::spawn(move || server.run(&drains)),
    }
}

struct Server {
    backend: Backend,
    context: AnyContext,
    options: Options,
    poll: Poll<Backend>,
    listener: Token,
    door: Admission,
    registry: Registry<Token>,
    /// Admitted, and not yet on the loop.
    waiting: Vec<(End, Permit, HandshakeTurn)>,
    shaking: BTreeMap<Token, (Permit, HandshakePermit)>,
    open: BTreeMap<Token, (Id, bool)>,
}

impl Server {
    fn run(mut self, drains: &Receiver<Duration>) {
        let mut events = Events::new();
        while self.registry.state() != State::Stopped || !self.poll.is_empty() {
            self.poll.poll(&mut events, Some(TICK)).expect("a turn");
            for event in &events {
                self.handle(event);
            }
            for grace in drains.try_iter() {
                drop(self.poll.remove_listener(self.listener));
                self.waiting.clear();
                self.registry.drain(Instant::now() + grace);
            }
            self.begin_handshakes();
            self.do_what_is_due();
        }
        assert_eq!(self.poll.load(), Load::default());
        assert!(self.shaking.is_empty() && self.open.is_empty());
    }

    fn handle(&mut self, event: &Event) {
        match *event {
            Event::Incoming(door) => {
                while let Some((socket, from)) = self.poll.accept(door) {
                    let peer = from.ip().map(|address| address.ip());
                    // Who is refused is closed.
                    if let Ok(permit) = self.door.admit(peer, Instant::now()) {
                        let turn = permit.handshake_turn();
                        self.waiting.push((socket, permit, turn));
                    }
                }
            }
            Event::HandshakeDone(token) => {
                let (permit, _handshake) = self.shaking.remove(&token).expect("a handshake");
                let now = Instant::now();
                match self.registry.insert(token, Some(permit), now) {
                    Some(id) => drop(self.open.insert(token, (id, false))),
                    None => self.close(token),
                }
            }
            Event::Readable(token) => self.send_back(token),
            Event::Ended(token) => self.close(token),
            ref last if last.is_final() => {
                if let Some(token) = last.token() {
                    self.forget(token);
                }
            }
            _ => {}
        }
    }

    /// Handshakes whose turn has come.
    fn begin_handshakes(&mut self) {
        let waker = Arc::new(Wakes(self.poll.waker())).into();
        let mut cx = Context::from_waker(&waker);
        for (mut socket, permit, mut turn) in std::mem::take(&mut self.waiting) {
            match Pin::new(&mut turn).poll(&mut cx) {
                Polled::Pending => self.waiting.push((socket, permit, turn)),
                Polled::Ready(handshake) => {
                    socket
                        .enable_tls_server(&self.backend, &self.context)
                        .expect("TLS");
                    let token = self.poll.add(socket, &self.options);
                    let token = token.expect("a connection");
                    self.shaking.insert(token, (permit, handshake));
                }
            }
        }
    }

    fn do_what_is_due(&mut self) {
        for (_, token, action) in self.registry.due(Instant::now()) {
            match action {
                Action::Close => self.close(token),
                Action::Force => {
                    drop(self.poll.remove(token));
                    self.forget(token);
                }
                // It is closed when it is idle.
                _ => assert_eq!(action, Action::Finish),
            }
        }
    }

    fn send_back(&mut self, token: Token) {
        let Some(mut connection) = self.poll.connection(token) else {
            return;
        };
        let mut buf = [0; 64];
        while let Step::Ready(octets) = connection.recv(&mut buf) {
            let octets = &buf[..octets];
            if let Some((id, busy)) = self.open.get_mut(&token) {
                *busy = is_busy(*busy, octets);
                self.registry.set_busy(*id, *busy, Instant::now());
            }
            // There is room for little, and a failure is an event.
            let _ = connection.send(octets);
        }
    }

    fn close(&mut self, token: Token) {
        if let Some(mut connection) = self.poll.connection(token) {
            connection.close();
        }
    }

    fn forget(&mut self, token: Token) {
        self.shaking.remove(&token);
        if let Some((id, _)) = self.open.remove(&token) {
            self.registry.remove(id);
        }
    }
}

/// A future on the loop wakes the loop.
struct Wakes(Waker);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.wake().expect("a loop");
    }
}
