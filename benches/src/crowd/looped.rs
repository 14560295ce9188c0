//! The server on our loop.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use poll::{Event, Events, Options, Poll, Token};
use socket::{Listener, Step};

use super::{BUFFER, Crowd, PATIENCE, Service};
use crate::library::{Library, Outcome};
use crate::ours::{Compared, Ours, Server};
use crate::pipe::Calls;
use crate::settings::Settings;

/// See [`Crowd`].
pub struct OnLoop<B: Compared> {
    context: Server<B>,
    service: Service,
    poll: Poll<B>,
    events: Events,
    address: SocketAddr,
    connections: Vec<Token>,
    buf: Vec<u8>,
    served: usize,
}

impl<B: Compared> Crowd for OnLoop<B> {
    fn serve(settings: &Settings, service: Service) -> Outcome<Self> {
        let listener = Listener::bind_tcp("127.0.0.1:0")?;
        let address = listener.local_addr()?.ip().ok_or("no address")?;
        let mut poll = Poll::new()?;
        poll.add_listener(listener)?;
        Ok(Self {
            context: Ours::<B>::server(settings)?,
            service,
            poll,
            events: Events::new(),
            address,
            connections: Vec::new(),
            buf: vec![0; BUFFER],
            served: 0,
        })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn turn(&mut self) -> Outcome<()> {
        self.turn_within(Duration::ZERO).map(drop)
    }

    fn until(&mut self, octets: usize) -> Outcome<()> {
        while self.served < octets {
            if !self.turn_within(PATIENCE)? {
                return Err("nothing happens on the loop".into());
            }
        }
        Ok(())
    }

    fn rest(&mut self, time: Duration) -> Outcome<()> {
        let start = Instant::now();
        while let Some(left) = time.checked_sub(start.elapsed()) {
            self.turn_within(left)?;
        }
        Ok(())
    }

    fn calls(&mut self) -> Calls {
        let mut calls = Calls::default();
        for &token in &self.connections {
            if let Some(connection) = self.poll.connection(token) {
                let statistics = connection.socket().statistics();
                calls.reads += statistics.wire_received.calls;
                calls.writes += statistics.wire_sent.calls;
            }
        }
        calls
    }
}

impl<B: Compared> OnLoop<B> {
    /// One turn of the loop; whether something happened.
    fn turn_within(&mut self, timeout: Duration) -> Outcome<bool> {
        let Self {
            poll,
            events,
            buf,
            context,
            ..
        } = self;
        poll.poll(events, Some(timeout))?;
        for event in &*events {
            match *event {
                Event::Readable(token) => {
                    let Some(mut connection) = poll.connection(token) else {
                        continue;
                    };
                    while let Step::Ready(octets) = connection.recv(buf) {
                        if self.service == Service::Echo
                            && connection.send(&buf[..octets])? < octets
                        {
                            return Err("a client does not take its answer".into());
                        }
                        self.served += octets;
                    }
                }
                Event::Incoming(door) => {
                    while let Some((mut socket, _)) = poll.accept(door) {
                        socket.set_nodelay(true)?;
                        socket.enable_tls_server(&context.backend, &context.context)?;
                        self.connections.push(poll.add(socket, &Options::new())?);
                    }
                }
                Event::HandshakeDone(_) | Event::Writable(_) => {}
                ref other => return Err(format!("{other:?} on the loop").into()),
            }
        }
        Ok(!events.is_empty())
    }
}
