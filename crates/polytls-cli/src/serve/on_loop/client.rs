//! One client of the loop.

use std::time::Duration;

use polytls::poll::{Connection, Deadline, Event, TimerId};
use polytls::pool::server::{HandshakePermit, Id};
use polytls::tls::AnyBackend;
use polytls::{MAX_DISCARDED_OCTETS, SHUTDOWN_TIMEOUT, Statistics, Step};

use super::talk::Talk;
use crate::access;

/// A connection with what the server knows of it.
pub(super) struct Client {
    pub(super) id: Id,
    pub(super) talk: Talk,
    pub(super) busy: bool,
    /// Whether it is in the queue of those that could go on.
    pub(super) eager: bool,
    /// Until when which request's head must be whole.
    pub(super) head_timer: Option<(u64, TimerId)>,
    line: access::Connection,
    handshake: Option<HandshakePermit>,
    stage: Stage,
    reading: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Handshake,
    Talk,
    /// Our end is on its way; what comes is thrown away, and was so much.
    Closing {
        discarded: u64,
    },
}

impl Client {
    pub(super) fn new(
        id: Id,
        line: access::Connection,
        handshake: Option<HandshakePermit>,
        talk: Talk,
    ) -> Self {
        Self {
            id,
            talk,
            busy: false,
            eager: false,
            head_timer: None,
            line,
            handshake,
            stage: Stage::Handshake,
            reading: true,
        }
    }

    /// The handshake is done.
    pub(super) fn begin(&mut self, tls: access::Tls) {
        self.handshake = None;
        self.stage = Stage::Talk;
        self.line.tls = tls;
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.stage == Stage::Handshake
    }

    pub(super) fn is_closing(&self) -> bool {
        matches!(self.stage, Stage::Closing { .. })
    }

    /// Ends our direction behind all that was sent. The client has its time to
    /// take it, and then a little to end its own.
    pub(super) fn close(&mut self, connection: &mut Connection<'_, AnyBackend>) {
        self.stage = Stage::Closing { discarded: 0 };
        self.line.ended("closed");
        connection.shutdown_write();
        connection.set_idle_timeout(Some(SHUTDOWN_TIMEOUT));
    }

    /// How long it may be idle.
    pub(super) fn idle_time(&self, usual: Duration) -> Duration {
        match self.is_closing() {
            true => SHUTDOWN_TIMEOUT,
            false => usual,
        }
    }

    /// Throws away what comes behind our end. Answers whether that is within
    /// reason.
    pub(super) fn discard(
        &mut self,
        connection: &mut Connection<'_, AnyBackend>,
        buf: &mut [u8],
    ) -> bool {
        let Stage::Closing { discarded } = &mut self.stage else {
            return true;
        };
        while let Step::Ready(octets) = connection.recv(buf) {
            *discarded += octets as u64;
            if *discarded > MAX_DISCARDED_OCTETS {
                return false;
            }
        }
        true
    }

    /// While an answer is on its way nothing is received, and TCP slows the
    /// client down.
    pub(super) fn read_as_wanted(&mut self, connection: &mut Connection<'_, AnyBackend>) {
        let wanted = self.is_closing() || self.talk.reads();
        if wanted != self.reading {
            self.reading = wanted;
            match wanted {
                true => connection.resume_reading(),
                false => connection.pause_reading(),
            }
        }
    }

    /// Its last event tells how it ended. A client that has had all that it
    /// asked for may leave as it likes.
    pub(super) fn end(&mut self, last: &Event) {
        if self.is_closing() {
            return;
        }
        match last {
            Event::Closed(_) => self.line.ended("closed"),
            Event::Truncated(_) => self.line.ended("truncated"),
            Event::HungUp(_) => self.line.ended("reset"),
            Event::Failed(_, error) => self.line.failed(error.kind(), error),
            Event::TimedOut(_, which) => {
                let which = match which {
                    Deadline::Handshake => "do the handshake",
                    Deadline::Write => "take the answer",
                    _ => "say something",
                };
                let why = format_args!("the time to {which} was over");
                self.line.failed("timeout", why);
            }
            _ => {}
        }
    }

    /// We end it.
    pub(super) fn cut_off(&mut self, outcome: &'static str, error: Option<&'static str>) {
        match error {
            Some(error) => self.line.failed(outcome, error),
            None => self.line.ended(outcome),
        }
    }

    pub(super) fn count(&mut self, statistics: &Statistics) {
        self.line.requests = self.talk.requests();
        self.line.received = statistics.received.octets;
        self.line.sent = statistics.sent.octets;
    }
}
