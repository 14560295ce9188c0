//! The state of one connection.

use std::io::{ErrorKind, IoSlice};
use std::time::Instant;

use socket::{Error as SocketError, Interest, Layer, Socket, Step};

use crate::output::Output;
use crate::{Deadline, Event, Options, Token};

/// A socket with what the loop knows of it.
pub(crate) struct Link<B: Layer> {
    pub(crate) socket: Socket<B>,
    pub(crate) options: Options,
    pub(crate) phase: Phase,
    /// What a receive and a send wait for: nothing while they may be tried.
    read_waits: Interest,
    write_waits: Interest,
    /// Whether an edge told of the peer's end, or of an error.
    end_is_near: bool,
    pub(crate) output: Output,
    /// A send took less than it was given.
    cut_short: bool,
    pub(crate) reading_paused: bool,
    shutdown: Shutdown,
    /// Since when it is closing.
    closing: Option<Instant>,
    end: End,
    /// Why nothing can be sent any more, while there may be something to
    /// receive that came before.
    send_fault: Option<SocketError>,
    /// How it ended, until that is told.
    outcome: Option<Outcome>,
    connected_untold: bool,
    handshake_untold: bool,
    /// Whether it is to be dropped when the turn is over.
    pub(crate) doomed: bool,
    /// When the phase began.
    since: Instant,
    /// When data passed last.
    active: Instant,
    /// When the peer last took something, or something began to be held.
    progressed: Instant,
    /// Whether something was held when that was last looked at.
    held: bool,
    /// What was received in which turn.
    received: usize,
    turn: u64,
    /// A renewal of the keys that has not left yet.
    pub(crate) key_update: Option<Update<B>>,
    pub(crate) armed: Option<Instant>,
    pub(crate) queued: bool,
}

/// An operation that only some layers have.
pub(crate) type Update<B> = fn(&mut Socket<B>) -> Result<Step<()>, SocketError>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Connecting,
    Handshaking,
    Open,
    /// Its final event has been told.
    Over,
}

/// This side's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shutdown {
    NotAsked,
    Asked,
    Done,
}

/// The peer's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    NotReceived,
    Untold,
    Told,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    #[cfg(feature = "tls")]
    Truncated,
    HungUp,
    Failed(SocketError),
    Closed,
}

impl Outcome {
    /// Of a connection that was open.
    fn of(error: SocketError) -> Self {
        match error {
            SocketError::Io(error) if is_hang_up(error.kind()) => Self::HungUp,
            #[cfg(feature = "tls")]
            SocketError::Tls(tls_core::Error::Truncated) => Self::Truncated,
            error => Self::Failed(error),
        }
    }

    fn event(self, token: Token) -> Event {
        match self {
            #[cfg(feature = "tls")]
            Self::Truncated => Event::Truncated(token),
            Self::HungUp => Event::HungUp(token),
            Self::Failed(error) => Event::Failed(token, error),
            Self::Closed => Event::Closed(token),
        }
    }
}

/// Whether the peer's end of sending did not come before the fault: the system
/// tells of a reset once, to a send perhaps, and then looks ended.
fn is_reset(error: &SocketError) -> bool {
    matches!(error, SocketError::Io(error) if error.kind() == ErrorKind::ConnectionReset)
}

fn is_hang_up(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
            | ErrorKind::TimedOut
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
    )
}

impl<B: Layer> Link<B> {
    pub(crate) fn new(mut socket: Socket<B>, options: Options, now: Instant) -> Self {
        socket.rely_on_edges(true);
        let phase = if socket.is_connecting() {
            Phase::Connecting
        } else if socket.is_handshaking() {
            Phase::Handshaking
        } else {
            Phase::Open
        };
        Self {
            phase,
            read_waits: match phase {
                // What has come already makes an edge when the descriptor is
                // registered.
                Phase::Open | Phase::Connecting if !socket.has_pending() => Interest::READ,
                _ => Interest::empty(),
            },
            write_waits: Interest::empty(),
            end_is_near: false,
            output: Output::default(),
            cut_short: false,
            reading_paused: false,
            shutdown: Shutdown::NotAsked,
            closing: None,
            end: End::NotReceived,
            send_fault: None,
            outcome: None,
            connected_untold: false,
            handshake_untold: false,
            doomed: false,
            since: now,
            active: now,
            progressed: now,
            held: false,
            received: 0,
            turn: 0,
            key_update: None,
            armed: None,
            queued: false,
            options,
            socket,
        }
    }

    /// The descriptor has become ready in these directions, perhaps because of
    /// the peer's end or an error.
    pub(crate) fn edge(&mut self, ready: Interest, ends: bool) {
        match ends {
            // It is told once, and may come with the last of the data.
            true => self.socket.rely_on_edges(false),
            false if ready.contains(Interest::READ) => self.socket.note_input(),
            false => {}
        }
        self.end_is_near |= ends;
        for waits in [&mut self.read_waits, &mut self.write_waits] {
            if waits.intersects(ready) {
                *waits = Interest::empty();
            }
        }
    }

    /// Does what can be done without the application: connecting, a step of the
    /// handshake, sending what is held.
    pub(crate) fn advance(&mut self, now: Instant) {
        if self.outcome.is_some() {
            return;
        }
        if self.phase == Phase::Connecting {
            self.go_on_connecting(now);
        }
        if self.phase == Phase::Handshaking {
            self.go_on_handshaking(now);
        }
        if self.phase == Phase::Open && self.holds_work() && self.write_waits.is_empty() {
            self.push(now);
        }
        self.note_held();
    }

    fn go_on_connecting(&mut self, now: Instant) {
        match self.socket.connect_step() {
            Ok(Step::Blocked(_)) => {}
            Ok(Step::Ready(())) => {
                self.connected_untold = true;
                match self.socket.is_handshaking() {
                    true => self.begin_handshake(now),
                    false => self.open(now),
                }
            }
            Err(error) => self.outcome = Some(Outcome::Failed(error)),
        }
    }

    pub(crate) fn begin_handshake(&mut self, now: Instant) {
        self.phase = Phase::Handshaking;
        self.since = now;
        self.read_waits = Interest::empty();
        self.write_waits = Interest::empty();
    }

    fn open(&mut self, now: Instant) {
        self.phase = Phase::Open;
        self.active = now;
    }

    /// Sending what is held finishes the handshake first, and there is nothing
    /// behind it.
    fn go_on_handshaking(&mut self, now: Instant) {
        if !self.read_waits.is_empty() {
            return;
        }
        match self.socket.try_flush() {
            Ok(Step::Ready(())) => {
                self.handshake_untold = true;
                self.open(now);
            }
            Ok(Step::Blocked(interest)) => self.read_waits = self.waits(interest),
            Err(error) => self.outcome = Some(Outcome::Failed(error)),
        }
    }

    /// What an operation that was blocked waits for: nothing if it has only
    /// stopped to give the others a turn.
    fn waits(&self, interest: Interest) -> Interest {
        match interest {
            Interest::READ if self.socket.has_pending() => Interest::empty(),
            interest => interest,
        }
    }

    /// Sends what is held, as far as there is room.
    fn push(&mut self, now: Instant) {
        let before = self.socket.statistics().wire_sent.octets;
        let pushed = self.push_step();
        if self.socket.statistics().wire_sent.octets > before {
            self.progressed = self.progressed.max(now);
            // A peer that takes what is held for it is not idle.
            if self.held {
                self.note_active(now);
            }
        }
        match pushed {
            Ok(Step::Ready(())) => {}
            Ok(Step::Blocked(interest)) => self.write_waits = self.waits(interest),
            Err(error) => self.fail_sending(error),
        }
    }

    fn push_step(&mut self) -> Result<Step<()>, SocketError> {
        if let Some(update) = self.key_update {
            if let blocked @ Step::Blocked(_) = update(&mut self.socket)? {
                return Ok(blocked);
            }
            self.key_update = None;
        }
        while !self.output.is_empty() {
            match self.socket.try_send_vectored(&self.output.slices())? {
                Step::Ready(octets) => self.output.consume(octets),
                Step::Blocked(interest) => return Ok(Step::Blocked(interest)),
            }
        }
        if let blocked @ Step::Blocked(_) = self.socket.try_flush()? {
            return Ok(blocked);
        }
        if self.closing.is_some() {
            let step = self.socket.try_shutdown()?;
            if step.is_ready() {
                self.outcome = Some(Outcome::Closed);
            }
            return Ok(step.map(|_| ()));
        }
        if self.shutdown == Shutdown::Asked {
            if let blocked @ Step::Blocked(_) = self.socket.try_shutdown_write()? {
                return Ok(blocked);
            }
            self.shutdown = Shutdown::Done;
        }
        Ok(Step::Ready(()))
    }

    /// What the peer sent before is still to be received.
    fn fail_sending(&mut self, error: SocketError) {
        // Some of it may have come since the last turn.
        self.socket.rely_on_edges(false);
        self.output.clear();
        self.key_update = None;
        if self.closing.is_some() || self.end != End::NotReceived {
            self.outcome = Some(Outcome::of(error));
            return;
        }
        self.send_fault = Some(error);
        self.read_waits = Interest::empty();
    }

    /// Whether there is something that waits for room, or for the end.
    fn holds_work(&self) -> bool {
        if self.send_fault.is_some() {
            return false;
        }
        self.holds_output() || self.closing.is_some()
    }

    /// Whether something is held for the peer.
    fn holds_output(&self) -> bool {
        !self.output.is_empty()
            || self.key_update.is_some()
            || self.shutdown == Shutdown::Asked
            || (self.phase == Phase::Open && self.socket.interest().contains(Interest::WRITE))
    }

    /// Notes when something begins to be held, for the deadline of writing: by
    /// the clock, because the turn may have begun long before.
    fn note_held(&mut self) {
        let held = self.phase == Phase::Open && self.send_fault.is_none() && self.holds_output();
        if held && !self.held {
            self.progressed = Instant::now();
        }
        self.held = held;
    }

    /// Tells what happened.
    pub(crate) fn report(&mut self, token: Token, events: &mut Vec<Event>) {
        // Its final event has been told, though that of idleness can be averted.
        if self.doomed {
            return;
        }
        if std::mem::take(&mut self.connected_untold) {
            events.push(Event::Connected(token));
        }
        if std::mem::take(&mut self.handshake_untold) {
            events.push(Event::HandshakeDone(token));
        }
        if self.end == End::Untold {
            self.end = End::Told;
            events.push(Event::Ended(token));
        }
        // Nobody receives what came before the fault.
        if (self.reading_paused || self.end == End::Told)
            && let Some(error) = self.send_fault.take()
        {
            self.outcome.get_or_insert(Outcome::of(error));
        }
        if self.both_have_ended() && self.outcome.is_none() {
            self.outcome = Some(Outcome::Closed);
        }
        if let Some(outcome) = self.outcome.take() {
            events.push(outcome.event(token));
            self.finish();
            return;
        }
        if self.is_readable() {
            events.push(Event::Readable(token));
        }
        if self.cut_short && self.has_room() {
            self.cut_short = false;
            events.push(Event::Writable(token));
        }
    }

    fn both_have_ended(&self) -> bool {
        self.phase == Phase::Open && self.end != End::NotReceived && self.shutdown == Shutdown::Done
    }

    fn finish(&mut self) {
        self.phase = Phase::Over;
        self.doomed = true;
        self.output.clear();
    }

    pub(crate) fn is_readable(&self) -> bool {
        self.may_receive()
            && !self.reading_paused
            && (self.read_waits.is_empty() || self.socket.has_pending())
    }

    fn may_receive(&self) -> bool {
        self.phase == Phase::Open
            && self.closing.is_none()
            && self.end == End::NotReceived
            && self.outcome.is_none()
    }

    fn has_room(&self) -> bool {
        self.phase == Phase::Open && self.may_send() && self.output.len() <= self.options.low
    }

    /// Whether there is something to do although no edge will come.
    pub(crate) fn is_hot(&self) -> bool {
        let gives_a_turn = match self.phase {
            Phase::Handshaking => self.read_waits.is_empty(),
            Phase::Open => self.holds_work() && self.write_waits.is_empty(),
            Phase::Connecting | Phase::Over => false,
        };
        gives_a_turn || self.is_readable() || self.has_news()
    }

    /// Whether something is to be told that no edge will bring up.
    pub(crate) fn has_news(&self) -> bool {
        self.outcome.is_some()
            || self.end == End::Untold
            || self.both_have_ended()
            || (self.phase == Phase::Open && self.send_fault.is_some())
            || (self.cut_short && self.has_room())
    }
}

/// What the application does.
impl<B: Layer> Link<B> {
    /// Receives within the turn's budget.
    pub(crate) fn receive(&mut self, buf: &mut [u8], turn: u64, now: Instant) -> Step<usize> {
        if self.turn != turn {
            self.turn = turn;
            self.received = 0;
        }
        let room = buf.len().min(self.options.budget - self.received);
        if room == 0 || !self.may_receive() {
            return Step::Blocked(Interest::READ);
        }
        match self.socket.try_recv(&mut buf[..room]) {
            Ok(Step::Ready(0)) => {
                match self.send_fault.take() {
                    Some(error) if !self.socket.is_tls() && is_reset(&error) => {
                        self.outcome = Some(Outcome::of(error));
                    }
                    fault => {
                        self.send_fault = fault;
                        self.end = End::Untold;
                    }
                }
                Step::Blocked(Interest::READ)
            }
            Ok(Step::Ready(octets)) => {
                self.received += octets;
                self.note_active(now);
                // A plain descriptor that gives less than there is room for is
                // empty: what comes later, the end too, makes a new edge. A
                // fault of sending is told when a receive is blocked.
                if octets < room
                    && !self.socket.is_tls()
                    && !self.end_is_near
                    && self.send_fault.is_none()
                {
                    self.read_waits = Interest::READ;
                }
                self.note_held();
                Step::Ready(octets)
            }
            Ok(Step::Blocked(interest)) => {
                self.read_waits = match self.waits(interest) {
                    both if both.is_all() => Interest::READ,
                    waits => waits,
                };
                if let Some(error) = self.send_fault.take() {
                    self.outcome = Some(Outcome::of(error));
                }
                self.note_held();
                Step::Blocked(interest)
            }
            Err(error) => {
                let error = self.send_fault.take().unwrap_or(error);
                self.outcome = Some(Outcome::of(error));
                Step::Blocked(Interest::READ)
            }
        }
    }

    pub(crate) fn may_send(&self) -> bool {
        self.phase != Phase::Over
            && self.shutdown == Shutdown::NotAsked
            && self.closing.is_none()
            && self.outcome.is_none()
            && self.send_fault.is_none()
    }

    /// Sends as much as can be sent or held, and answers how much that was.
    /// The caller asks first whether it [may](Self::may_send).
    pub(crate) fn send(&mut self, bufs: &[IoSlice<'_>], now: Instant) -> usize {
        let whole: usize = bufs.iter().map(|buf| buf.len()).sum();
        let mut taken = self.send_now(bufs, now);
        if self.send_fault.is_some() {
            self.note_held();
            return taken;
        }
        let mut skipped = taken;
        for buf in bufs {
            let here = skipped.min(buf.len());
            skipped -= here;
            taken += self.output.hold(&buf[here..], self.options.high);
        }
        if taken < whole {
            self.cut_short = true;
        }
        if taken > 0 {
            self.note_active(now);
        }
        self.note_held();
        taken
    }

    /// Data has passed. The turn may have begun before the connection was added.
    fn note_active(&mut self, now: Instant) {
        self.active = self.active.max(now);
        self.doomed = false;
    }

    /// Hands to the socket what it takes, if nothing is held before it.
    fn send_now(&mut self, bufs: &[IoSlice<'_>], now: Instant) -> usize {
        let may_try = self.phase == Phase::Open
            && self.output.is_empty()
            && self.key_update.is_none()
            && self.write_waits.is_empty();
        if !may_try {
            return 0;
        }
        let before = self.socket.statistics().wire_sent.octets;
        let mut taken = 0;
        let mut fault = self.send_step(bufs, &mut taken).err();
        if fault.is_none() && self.write_waits.is_empty() {
            // The slices that one call did not take.
            let mut skipped = taken;
            for buf in bufs {
                let here = skipped.min(buf.len());
                skipped -= here;
                let mut rest = &buf[here..];
                while !rest.is_empty() && self.write_waits.is_empty() && fault.is_none() {
                    let mut octets = 0;
                    fault = self.send_step(&[IoSlice::new(rest)], &mut octets).err();
                    rest = &rest[octets..];
                    taken += octets;
                }
            }
        }
        if self.socket.statistics().wire_sent.octets > before {
            self.progressed = self.progressed.max(now);
        }
        if let Some(error) = fault {
            self.fail_sending(error);
        }
        taken
    }

    fn send_step(&mut self, bufs: &[IoSlice<'_>], taken: &mut usize) -> Result<(), SocketError> {
        match self.socket.try_send_vectored(bufs)? {
            Step::Ready(octets) => {
                *taken += octets;
                // A session that holds something had no room for it.
                if self.socket.interest().contains(Interest::WRITE) {
                    self.write_waits = Interest::WRITE;
                }
            }
            Step::Blocked(interest) => self.write_waits = interest,
        }
        Ok(())
    }

    /// Ends this side's direction behind what is held.
    pub(crate) fn shut_down(&mut self, now: Instant) {
        if self.shutdown != Shutdown::NotAsked || self.phase == Phase::Over {
            return;
        }
        self.shutdown = Shutdown::Asked;
        self.doomed = false;
        self.advance(now);
    }

    /// Closes both directions in order.
    pub(crate) fn close(&mut self, now: Instant) {
        if self.closing.is_some() || self.phase == Phase::Over || self.outcome.is_some() {
            return;
        }
        self.closing = Some(now);
        self.doomed = false;
        if let Some(error) = self.send_fault.take() {
            self.outcome = Some(Outcome::of(error));
        } else if self.phase != Phase::Open && self.output.is_empty() {
            // Nothing was said yet.
            self.outcome = Some(Outcome::Closed);
        } else {
            self.advance(now);
        }
    }

    pub(crate) fn set_idle_timeout(&mut self, timeout: Option<std::time::Duration>, now: Instant) {
        self.options.idle = timeout;
        self.active = now;
        if self.phase != Phase::Over {
            self.doomed = false;
        }
    }

    /// Renews the keys as soon as there is room.
    #[cfg(feature = "tls")]
    pub(crate) fn update_keys(&mut self, update: Update<B>) -> Result<(), SocketError> {
        match update(&mut self.socket) {
            Ok(Step::Ready(())) => {}
            Ok(Step::Blocked(interest)) => {
                self.key_update = Some(update);
                self.write_waits = interest;
            }
            Err(error) if is_refusal(&error) => return Err(error),
            Err(error) => self.fail_sending(error),
        }
        self.note_held();
        Ok(())
    }
}

/// Whether the session goes on after it.
#[cfg(feature = "tls")]
fn is_refusal(error: &SocketError) -> bool {
    matches!(
        error,
        SocketError::Closed
            | SocketError::Refused(_)
            | SocketError::Tls(tls_core::Error::Config(_) | tls_core::Error::Unsupported(_))
    )
}

/// Deadlines.
impl<B: Layer> Link<B> {
    /// The next moment at which something is too late, and what.
    #[inline]
    pub(crate) fn deadline(&self) -> Option<(Instant, Deadline)> {
        if self.outcome.is_some() || self.phase == Phase::Over || self.doomed {
            return None;
        }
        let after = |from: Instant, timeout: Option<std::time::Duration>, which| {
            Some((from.checked_add(timeout?)?, which))
        };
        let Options {
            connect,
            handshake,
            idle,
            write,
            close,
            ..
        } = self.options;
        let of_phase = match self.phase {
            Phase::Connecting => after(self.since, connect, Deadline::Connect),
            Phase::Handshaking => after(self.since, handshake, Deadline::Handshake),
            Phase::Open if self.closing.is_none() => after(self.active, idle, Deadline::Idle),
            Phase::Open | Phase::Over => None,
        };
        // Most of the time nothing else is waited for.
        if self.closing.is_none() && !self.held {
            return of_phase;
        }
        let of_close = self
            .closing
            .and_then(|since| after(since, Some(close), Deadline::Close));
        let of_write = (self.held && self.closing.is_none())
            .then(|| after(self.progressed, write, Deadline::Write))
            .flatten();
        [of_phase, of_close, of_write]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }

    /// It is too late.
    pub(crate) fn time_out(&mut self, which: Deadline) {
        self.doomed = true;
        if which != Deadline::Idle {
            self.finish();
        }
    }
}
