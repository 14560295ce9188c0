//! The clients, on a loop of their own in a process of their own.

mod storm;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use poll::{Event, Events, Options, Poll, TimerId, Token};
use socket::{Socket, Step};
use tls_boring::Boring;
use tls_core::{CertificateDer, ClientConfig, Roots, ServerName, TlsBackend, parse_server_name};
use tls_native::Native;
use tls_openssl::OpenSsl;
use tls_rustls::Rustls;

use super::hostile::Hostile;
use super::message::{self, message};
use super::orders::{Answer, Begin, Order, hear, say};
use super::{PATIENCE, QUIET};
use crate::library::Outcome;
use crate::limits::computed;
use crate::material::HOST;

/// The command of this program that plays the clients.
pub const COMMAND: &str = "soak-clients";

/// How many handshakes are under way at once when many connections are opened.
const WINDOW: usize = 128;

/// Does what the standard input orders, and says so on the standard output.
pub fn play(backend: &str) -> Outcome<()> {
    match backend {
        "rustls" => obey::<Rustls>(),
        "openssl" => obey::<OpenSsl>(),
        "boring" => obey::<Boring>(),
        "native-tls" => obey::<Native>(),
        other => Err(format!("there is no {other}").into()),
    }
}

fn obey<B: TlsBackend + Default>() -> Outcome<()> {
    let mut orders = io::stdin().lock();
    let begin: Begin = hear(&mut orders)?.ok_or("nothing was said")?;
    let mut clients = Clients::<B>::new(begin.root)?;
    while let Some(order) = hear(&mut orders)? {
        let answer = match clients.follow(order) {
            Ok(answer) => answer,
            Err(error) => Answer::Failed(error.to_string()),
        };
        say(&mut io::stdout().lock(), &answer)?;
    }
    Ok(())
}

struct Clients<B: TlsBackend> {
    backend: B,
    context: B::ClientContext,
    name: ServerName<'static>,
    options: Options,
    poll: Poll<B>,
    events: Events,
    good: HashMap<Token, Good>,
    hostile: HashMap<Token, Hostile>,
    /// What those who send octet by octet have yet to send.
    dripping: HashMap<Token, Vec<u8>>,
    drip: Option<TimerId>,
    turn: u8,
    exchanged: usize,
    closed: usize,
}

/// A client that means well.
struct Good {
    number: usize,
    got: Vec<u8>,
    closes: bool,
}

impl<B: TlsBackend + Default> Clients<B> {
    fn new(root: Vec<u8>) -> Outcome<Self> {
        let roots = Roots::from_der([CertificateDer::from(root)])?;
        let backend = B::default();
        Ok(Self {
            context: backend.client(&ClientConfig::builder().roots(roots).build()?)?,
            name: parse_server_name(HOST)?,
            options: Options::new()
                .connect_timeout(Some(PATIENCE))
                .handshake_timeout(Some(PATIENCE))
                .idle_timeout(Some(24 * 60 * PATIENCE))
                .close_timeout(PATIENCE),
            poll: Poll::new()?,
            events: Events::new(),
            good: HashMap::new(),
            hostile: HashMap::new(),
            dripping: HashMap::new(),
            drip: None,
            turn: 0,
            exchanged: 0,
            closed: 0,
            backend,
        })
    }

    fn follow(&mut self, order: Order) -> Outcome<Answer> {
        self.turn = self.turn.wrapping_add(1);
        (self.exchanged, self.closed) = (0, 0);
        match order {
            Order::Open { doors, each } => self.open(&doors, each)?,
            Order::Rest { seconds } => return self.rest(Duration::from_secs(seconds)),
            Order::Exchange => self.exchange()?,
            Order::Close => self.close()?,
            Order::Storm { door, plan, seed } => return self.storm(door, plan, seed),
        }
        Ok(Answer::Done)
    }

    fn open(&mut self, doors: &[SocketAddr], each: usize) -> Outcome<()> {
        let mut to_open = doors
            .iter()
            .flat_map(|&door| std::iter::repeat_n(door, each))
            .enumerate()
            .peekable();
        while to_open.peek().is_some() || self.exchanged < self.good.len() {
            while self.good.len() < self.exchanged + WINDOW
                && let Some((number, door)) = to_open.next()
            {
                self.begin(door, number, false)?;
            }
            self.advance()?;
        }
        Ok(())
    }

    /// A client that means well begins to connect.
    fn begin(&mut self, door: SocketAddr, number: usize, closes: bool) -> Outcome<SocketAddr> {
        let mut socket = Socket::start_connect_tcp(door)?;
        let from = socket.local_addr()?.ip().ok_or("no address")?;
        socket.set_nodelay(true)?;
        socket.enable_tls_client(&self.backend, &self.context, &self.name)?;
        let token = self.poll.add(socket, &self.options)?;
        let got = Vec::new();
        self.good.insert(
            token,
            Good {
                number,
                got,
                closes,
            },
        );
        self.send(token, &message(number, self.turn))?;
        Ok(from)
    }

    fn send(&mut self, token: Token, octets: &[u8]) -> Outcome<()> {
        let mut connection = self.poll.connection(token).ok_or("no connection")?;
        match connection.send(octets)? {
            taken if taken == octets.len() => Ok(()),
            _ => Err("there is no room for a message".into()),
        }
    }

    fn exchange(&mut self) -> Outcome<()> {
        let all: Vec<_> = self
            .good
            .iter()
            .map(|(&token, good)| (token, good.number))
            .collect();
        for (token, number) in all {
            self.send(token, &message(number, self.turn))?;
        }
        while self.exchanged < self.good.len() {
            self.advance()?;
        }
        Ok(())
    }

    fn rest(&mut self, time: Duration) -> Outcome<Answer> {
        // What TLS still has to say.
        while self.turn(QUIET)? {}
        let (start, before) = (Instant::now(), computed());
        while let Some(left) = time.checked_sub(start.elapsed()) {
            if self.turn(left)? {
                return Err("something happened on idle connections".into());
            }
        }
        let computed = (computed() - before).as_nanos();
        Ok(Answer::Rested {
            computed: u64::try_from(computed).unwrap_or(u64::MAX),
        })
    }

    fn close(&mut self) -> Outcome<()> {
        let all: Vec<_> = self.good.keys().copied().collect();
        for &token in &all {
            self.poll.connection(token).ok_or("no connection")?.close();
        }
        self.until_none_is_left(all.len())
    }

    fn until_none_is_left(&mut self, closed: usize) -> Outcome<()> {
        while !(self.good.is_empty() && self.hostile.is_empty()) {
            self.advance()?;
        }
        // The last of them are dropped by the next turn.
        self.turn(Duration::ZERO)?;
        let load = self.poll.load();
        match (self.closed == closed, load.connections) {
            (true, 0) => Ok(()),
            _ => Err(format!("{} of {closed} closed in order; {load:?}", self.closed).into()),
        }
    }

    /// Something must happen.
    fn advance(&mut self) -> Outcome<()> {
        match self.turn(PATIENCE)? {
            true => Ok(()),
            false => Err(format!(
                "nothing happened for {PATIENCE:?}: {} good clients, of which {} had their \
                 answer, and {} hostile ones",
                self.good.len(),
                self.exchanged,
                self.hostile.len()
            )
            .into()),
        }
    }

    /// One turn; whether something happened.
    fn turn(&mut self, timeout: Duration) -> Outcome<bool> {
        let mut events = std::mem::take(&mut self.events);
        self.poll.poll(&mut events, Some(timeout))?;
        let happened = !events.is_empty();
        for event in &events {
            match (event, event.token()) {
                (Event::Timer(_), _) => self.drip()?,
                (_, Some(token)) if self.hostile.contains_key(&token) => {
                    self.hostile_event(event, token)?;
                }
                (_, Some(token)) => self.good_event(event, token)?,
                (other, None) => return Err(format!("{other:?}").into()),
            }
        }
        self.events = events;
        Ok(happened)
    }

    fn good_event(&mut self, event: &Event, token: Token) -> Outcome<()> {
        match event {
            Event::Connected(_) | Event::HandshakeDone(_) => Ok(()),
            Event::Readable(_) => self.receive(token),
            Event::Closed(_) => {
                self.good.remove(&token).ok_or("no such client")?;
                self.closed += 1;
                Ok(())
            }
            other => Err(format!("a good client: {other:?}").into()),
        }
    }

    fn receive(&mut self, token: Token) -> Outcome<()> {
        let mut connection = self.poll.connection(token).ok_or("no connection")?;
        let good = self.good.get_mut(&token).ok_or("no such client")?;
        let mut buf = [0; message::OCTETS];
        while let Step::Ready(octets) = connection.recv(&mut buf) {
            good.got.extend_from_slice(&buf[..octets]);
        }
        if good.got.len() < message::OCTETS {
            return Ok(());
        }
        if good.got != message(good.number, self.turn) {
            return Err("an answer is not what was sent".into());
        }
        good.got = Vec::new();
        self.exchanged += 1;
        if good.closes {
            connection.close();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_that_is_not_there_is_refused() {
        assert!(play("no-such").is_err());
    }
}
