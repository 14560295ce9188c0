//! The loop.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use slotmap::{Key, KeyData, SlotMap};
use socket::{Address, Interest, Layer, Listener, NoTls, Socket};

use crate::accept::Door;
use crate::deadlines::{Deadlines, Due};
use crate::event::EntryKey;
use crate::link::Link;
use crate::{Connection, Error, Event, Events, Options, TimerId, Token, Waker};

/// How many edges are taken from the system at once. More wait there.
const EDGES: usize = 1024;

/// No entry's key is all ones: half of it is a place, and there are not so many.
const WAKER: mio::Token = mio::Token(usize::MAX);

/// A readiness loop. It owns what is added to it; see the
/// [crate](crate#events) for what it tells, and how it waits.
///
/// # Dropping
/// All connections are dropped as sockets are: without `close_notify`.
pub struct Poll<B: Layer = NoTls> {
    mio: mio::Poll,
    edges: mio::Events,
    entries: SlotMap<EntryKey, Entry<B>>,
    core: Core,
    waker: Waker,
    connections: usize,
}

/// What is registered.
enum Entry<B: Layer> {
    Link(Box<Link<B>>),
    Door(Door<B>),
}

/// What a connection needs of its loop.
pub(crate) struct Core {
    /// Whom to look at, in this order.
    queue: VecDeque<EntryKey>,
    /// Of whom something was told in this turn.
    told: Vec<EntryKey>,
    pub(crate) deadlines: Deadlines,
    /// Whether the next turn begins with the deadlines: there was no room for
    /// them.
    deadlines_first: bool,
    /// The turn's number, and when it began to be handled.
    pub(crate) turn: u64,
    pub(crate) now: Instant,
}

impl Core {
    pub(crate) fn enqueue(&mut self, key: EntryKey, queued: &mut bool) {
        if !*queued {
            *queued = true;
            self.queue.push_back(key);
        }
    }
}

/// A connection that was taken back.
#[derive(Debug)]
#[non_exhaustive]
pub struct Removed<B: Layer> {
    /// The socket, which waits as before it was added. Its TLS session may hold
    /// records that have not left: the next send or flush sends them.
    pub socket: Socket<B>,
    /// What was sent to the loop and not handed to the socket.
    pub unsent: Vec<u8>,
}

/// What a loop has to carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// How many connections there are.
    pub connections: usize,
    /// How many listeners there are.
    pub listeners: usize,
    /// How many timers of the application are set.
    pub timers: usize,
    /// For how many connections and listeners a moment is noted.
    pub deadlines: usize,
    /// How many octets are held for peers.
    pub buffered: usize,
}

impl<B: Layer> Poll<B> {
    /// An empty loop. [`Error::Io`] if the system has no descriptors left.
    pub fn new() -> Result<Self, Error> {
        let mio = mio::Poll::new()?;
        let waker = mio::Waker::new(mio.registry(), WAKER)?;
        Ok(Self {
            mio,
            edges: mio::Events::with_capacity(EDGES),
            entries: SlotMap::with_key(),
            core: Core {
                queue: VecDeque::new(),
                told: Vec::new(),
                deadlines: Deadlines::default(),
                deadlines_first: false,
                turn: 0,
                now: Instant::now(),
            },
            waker: Waker::new(waker),
            connections: 0,
        })
    }

    /// Waits until something happens or the time is over, and tells what in
    /// `events`, whatever was in them before. Without `timeout` it waits for
    /// ever; with zero it does not wait. A signal does not end the wait; a
    /// [`Waker`] does.
    ///
    /// First it drops the connections whose [final](Event::is_final) event was
    /// told in the turn before.
    pub fn poll(&mut self, events: &mut Events, timeout: Option<Duration>) -> Result<(), Error> {
        events.list.clear();
        self.begin_turn();
        let mut now = Instant::now();
        let until = timeout.and_then(|timeout| now.checked_add(timeout));
        let mut woken = false;
        loop {
            let next = [until, self.core.deadlines.next()];
            let next = match self.core.queue.is_empty() {
                true => next.into_iter().flatten().min(),
                false => Some(now),
            };
            let wait = next.map(|next| next.saturating_duration_since(now));
            match self.mio.poll(&mut self.edges, wait) {
                Ok(()) => woken |= self.take_edges(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
            now = Instant::now();
            self.core.now = now;
            self.look(events);
            if woken {
                events.list.push(Event::Woken);
            }
            let over = until.is_some_and(|until| until <= now);
            if over || !events.is_empty() {
                return Ok(());
            }
        }
    }

    /// Looks again at everything of which something was told.
    fn begin_turn(&mut self) {
        self.core.turn += 1;
        let mut told = std::mem::take(&mut self.core.told);
        for key in told.drain(..) {
            match self.entries.get_mut(key) {
                Some(Entry::Link(link)) if link.doomed => drop(self.take(key)),
                Some(Entry::Link(link)) if link.is_hot() => {
                    self.core.enqueue(key, &mut link.queued);
                }
                Some(Entry::Door(door)) if door.is_hot() => {
                    self.core.enqueue(key, &mut door.queued);
                }
                _ => {}
            }
        }
        // Its memory is used again.
        self.core.told = told;
    }

    /// Notes who has become ready, and answers whether a waker was used.
    fn take_edges(&mut self) -> bool {
        let mut woken = false;
        for edge in &self.edges {
            if edge.token() == WAKER {
                self.waker.take();
                woken = true;
                continue;
            }
            let key = key(edge.token());
            match self.entries.get_mut(key) {
                Some(Entry::Link(link)) => {
                    link.edge(directions(edge), edge.is_read_closed() || edge.is_error());
                    self.core.enqueue(key, &mut link.queued);
                }
                Some(Entry::Door(door)) => {
                    door.edge();
                    self.core.enqueue(key, &mut door.queued);
                }
                // It has gone since.
                None => {}
            }
        }
        woken
    }

    /// Tells what there is room for. What came before a deadline averts it, so
    /// deadlines come last; but not always, or a crowd would leave no room for
    /// them, and not always first, or timers would leave none for the crowd.
    fn look(&mut self, events: &mut Events) {
        let first = self.core.deadlines_first;
        if first {
            self.fire(events);
            self.work(events);
        } else {
            self.work(events);
            self.fire(events);
        }
        self.core.deadlines_first = !first && self.core.deadlines.are_due(self.core.now);
    }

    /// Looks once at each that is in the queue, as long as there is room for
    /// events.
    fn work(&mut self, events: &mut Events) {
        let Core { now, .. } = self.core;
        for _ in 0..self.core.queue.len() {
            if events.is_full() {
                return;
            }
            let Some(key) = self.core.queue.pop_front() else {
                return;
            };
            let before = events.len();
            let (armed, at, again) = match self.entries.get_mut(key) {
                None => continue,
                Some(Entry::Link(link)) => {
                    link.queued = false;
                    link.advance(now);
                    link.report(Token(key), &mut events.list);
                    let told = events.len() > before;
                    if !told && link.is_hot() {
                        self.core.enqueue(key, &mut link.queued);
                    }
                    let at = link.deadline().map(|(at, _)| at);
                    (&mut link.armed, at, told)
                }
                Some(Entry::Door(door)) => {
                    door.queued = false;
                    door.report(Token(key), &mut events.list);
                    let at = door.deadline();
                    (&mut door.armed, at, events.len() > before)
                }
            };
            self.core.deadlines.arm(key, armed, at);
            if again {
                self.core.told.push(key);
            }
        }
    }

    /// Tells which moments have come.
    fn fire(&mut self, events: &mut Events) {
        let Core { now, .. } = self.core;
        while !events.is_full()
            && let Some(due) = self.core.deadlines.pop(now)
        {
            let key = match due {
                Due::Timer(key) => {
                    events.list.push(Event::Timer(TimerId(key)));
                    continue;
                }
                Due::Entry(key) => key,
            };
            match self.entries.get_mut(key) {
                None => {}
                Some(Entry::Door(door)) => {
                    door.armed = None;
                    door.wake();
                    self.core.enqueue(key, &mut door.queued);
                }
                Some(Entry::Link(link)) => {
                    link.armed = None;
                    match link.deadline() {
                        Some((at, which)) if at <= now => {
                            link.time_out(which);
                            events.list.push(Event::TimedOut(Token(key), which));
                            self.core.told.push(key);
                        }
                        // There was activity since it was noted.
                        later => {
                            let at = later.map(|(at, _)| at);
                            self.core.deadlines.arm(key, &mut link.armed, at);
                        }
                    }
                }
            }
        }
    }
}

/// What is on the loop.
impl<B: Layer> Poll<B> {
    /// Adds a socket that is connected, or that is
    /// [being connected](Socket::start_connect_tcp), plain or with TLS turned
    /// on. The loop connects it and does the handshake if that is still to be
    /// done. The socket's own timeouts are not used.
    ///
    /// [`Error::Config`] if the options make no sense, [`Error::Io`] if the
    /// system refuses; the socket is dropped then.
    pub fn add(&mut self, socket: Socket<B>, options: &Options) -> Result<Token, Error> {
        options.check()?;
        let link = Link::new(socket, *options, Instant::now());
        let key = self.entries.insert(Entry::Link(Box::new(link)));
        self.connections += 1;
        self.register(key)?;
        if let Some(Entry::Link(link)) = self.entries.get_mut(key) {
            self.core.enqueue(key, &mut link.queued);
            let at = link.deadline().map(|(at, _)| at);
            self.core.deadlines.arm(key, &mut link.armed, at);
        }
        Ok(Token(key))
    }

    /// Takes a connection off the loop and gives it back, with what it held.
    /// `None` if there is none of this name. A handshake that was under way can
    /// be finished on the socket; an end, a close or a renewal of keys that has
    /// not left is to be asked for again there.
    pub fn remove(&mut self, Token(key): Token) -> Option<Removed<B>> {
        match self.entries.get(key)? {
            Entry::Link(_) => {}
            Entry::Door(_) => return None,
        }
        match self.take(key)? {
            Entry::Link(link) => {
                let Link {
                    output, mut socket, ..
                } = *link;
                socket.rely_on_edges(false);
                Some(Removed {
                    unsent: output.into_vec(),
                    socket,
                })
            }
            Entry::Door(_) => None,
        }
    }

    /// A connection of the loop; `None` if there is none of this name.
    pub fn connection(&mut self, token: Token) -> Option<Connection<'_, B>> {
        match self.entries.get_mut(token.0)? {
            Entry::Link(link) => Some(Connection {
                link,
                core: &mut self.core,
                token,
            }),
            Entry::Door(_) => None,
        }
    }

    /// Adds a listener. [`Error::Io`] if the system refuses; the listener is
    /// dropped then.
    pub fn add_listener(&mut self, listener: Listener<B>) -> Result<Token, Error> {
        let key = self.entries.insert(Entry::Door(Door::new(listener)));
        self.register(key)?;
        Ok(Token(key))
    }

    /// Takes a listener off the loop and gives it back; `None` if there is none
    /// of this name.
    pub fn remove_listener(&mut self, Token(key): Token) -> Option<Listener<B>> {
        match self.entries.get(key)? {
            Entry::Door(_) => {}
            Entry::Link(_) => return None,
        }
        match self.take(key)? {
            Entry::Door(door) => Some(door.listener),
            Entry::Link(_) => None,
        }
    }

    /// A listener of the loop; `None` if there is none of this name.
    pub fn listener(&self, Token(key): Token) -> Option<&Listener<B>> {
        match self.entries.get(key)? {
            Entry::Door(door) => Some(&door.listener),
            Entry::Link(_) => None,
        }
    }

    /// The next client of a listener, with its address. `None` when nobody is
    /// waiting, the turn's number ([`ACCEPTS_PER_TURN`](crate::ACCEPTS_PER_TURN))
    /// is used up, the listener rests, or there is none of this name. The socket
    /// is not on the loop: [`add`](Self::add) it, perhaps with TLS turned on.
    pub fn accept(&mut self, Token(key): Token) -> Option<(Socket<B>, Address)> {
        let Entry::Door(door) = self.entries.get_mut(key)? else {
            return None;
        };
        let client = door.accept(self.core.turn, self.core.now);
        if door.is_hot() {
            self.core.enqueue(key, &mut door.queued);
        }
        let at = door.deadline();
        self.core.deadlines.arm(key, &mut door.armed, at);
        client
    }

    /// Whether [`Incoming`](Event::Incoming) is told of a listener: it is at
    /// first. Without, clients wait in the system's queue. Nothing happens if
    /// there is no listener of this name.
    pub fn set_accepting(&mut self, Token(key): Token, accepting: bool) {
        if let Some(Entry::Door(door)) = self.entries.get_mut(key) {
            door.wanted = accepting;
            if door.is_hot() {
                self.core.enqueue(key, &mut door.queued);
            }
        }
    }

    /// How much there is on the loop. It takes time that grows with it.
    pub fn load(&self) -> Load {
        let links = self.entries.values().filter_map(|entry| match entry {
            Entry::Link(link) => Some(link),
            Entry::Door(_) => None,
        });
        Load {
            connections: self.connections,
            listeners: self.entries.len() - self.connections,
            timers: self.core.deadlines.timers(),
            deadlines: self.core.deadlines.entries(),
            buffered: links.map(|link| link.output.len()).sum(),
        }
    }

    /// How many connections and listeners there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Registers a new entry, or drops it.
    fn register(&mut self, key: EntryKey) -> Result<(), Error> {
        let Some(entry) = self.entries.get(key) else {
            return Ok(());
        };
        let (fd, interest) = match entry {
            Entry::Link(link) => (
                link.socket.wait_fd(),
                mio::Interest::READABLE | mio::Interest::WRITABLE,
            ),
            Entry::Door(door) => (door.listener.wait_fd(), mio::Interest::READABLE),
        };
        let fd = fd.as_raw_fd();
        // On a 64-bit system nothing is lost.
        let token = mio::Token(key.data().as_ffi() as usize);
        let registered = self
            .mio
            .registry()
            .register(&mut SourceFd(&fd), token, interest);
        registered.map_err(|error| {
            drop(self.take(key));
            error.into()
        })
    }

    /// Takes an entry out, with all that was noted of it. It may still be in the
    /// queue, where its key finds nothing.
    fn take(&mut self, key: EntryKey) -> Option<Entry<B>> {
        let mut entry = self.entries.remove(key)?;
        let (fd, armed): (BorrowedFd<'_>, _) = match &mut entry {
            Entry::Link(link) => {
                self.connections -= 1;
                (link.socket.wait_fd(), &mut link.armed)
            }
            Entry::Door(door) => (door.listener.wait_fd(), &mut door.armed),
        };
        self.core.deadlines.disarm(key, armed);
        // It fails only where it was not registered.
        let _ = self
            .mio
            .registry()
            .deregister(&mut SourceFd(&fd.as_raw_fd()));
        Some(entry)
    }
}

/// Time, and other threads.
impl<B: Layer> Poll<B> {
    /// Sets a timer: [`Event::Timer`] is told once, not before this time is
    /// over. A time too far away to be told never comes.
    pub fn set_timer(&mut self, after: Duration) -> TimerId {
        self.core.deadlines.set_timer(after)
    }

    /// Takes a timer back, and answers whether it was still set. An event of it
    /// that has been told already stays in its buffer.
    pub fn cancel_timer(&mut self, timer: TimerId) -> bool {
        self.core.deadlines.cancel_timer(timer)
    }

    /// What other threads wake the loop with.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }
}

impl<B: Layer> fmt::Debug for Poll<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poll")
            .field("entries", &self.entries.len())
            .field("turn", &self.core.turn)
            .finish_non_exhaustive()
    }
}

fn key(token: mio::Token) -> EntryKey {
    KeyData::from_ffi(token.0 as u64).into()
}

/// In which directions an edge makes ready: an end and an error in both, so
/// that the next operation meets them.
fn directions(edge: &mio::event::Event) -> Interest {
    let broken = edge.is_error();
    let mut ready = Interest::empty();
    ready.set(
        Interest::READ,
        edge.is_readable() || edge.is_read_closed() || broken,
    );
    ready.set(
        Interest::WRITE,
        edge.is_writable() || edge.is_write_closed() || broken,
    );
    ready
}
