//! HTTP/1.1 (RFC 9112) on the loop.

use std::path::Path;
use std::sync::Arc;

use polytls::Step;
use polytls::poll::Connection;
use polytls::tls::AnyBackend;

use super::sending::{Pushed, Sending};
use super::talk::Turn;
use crate::access;
use crate::serve::answer::{Answer, answer};
use crate::serve::heads::{Head, Heads};

/// What one connection sends in a turn before others have theirs: 256 KiB.
const SHARE: u64 = 256 * 1024;

/// What is received of requests at once: little, because there is a limit.
const PIECE: usize = 4096;

/// One client's requests, answered one after the other.
#[derive(Debug)]
pub(super) struct Http {
    folder: Arc<Path>,
    peer: String,
    heads: Heads,
    sending: Option<Sending>,
    /// No other request is answered.
    last: bool,
    ended: bool,
    requests: u64,
}

impl Http {
    pub(super) fn new(folder: Arc<Path>, peer: &str) -> Self {
        Self {
            folder,
            peer: peer.to_owned(),
            heads: Heads::default(),
            sending: None,
            last: false,
            ended: false,
            requests: 0,
        }
    }

    pub(super) fn turn(
        &mut self,
        connection: &mut Connection<'_, AnyBackend>,
        buf: &mut [u8],
    ) -> Turn {
        let mut share = SHARE;
        loop {
            if let Some(sending) = &mut self.sending {
                match sending.push(connection, buf, &mut share) {
                    Pushed::All => self.sending = None,
                    Pushed::Full => return Turn::Waits,
                    Pushed::Share => return Turn::Again,
                    Pushed::Broken => return Turn::Broken("the file is shorter than it was"),
                }
                if self.last {
                    return Turn::Close;
                }
            }
            match self.heads.next() {
                Some(head) => {
                    let sending = self.begin(head);
                    self.sending = Some(sending);
                    continue;
                }
                None if self.heads.is_empty() && (self.ended || self.last) => return Turn::Close,
                None if self.ended => return Turn::Broken("the request is not whole"),
                None => {}
            }
            let most = buf.len().min(PIECE);
            match connection.recv(buf.get_mut(..most).unwrap_or_default()) {
                Step::Ready(octets) => self.heads.push(buf.get(..octets).unwrap_or_default()),
                Step::Blocked(_) => return Turn::Waits,
            }
        }
    }

    fn begin(&mut self, head: Head) -> Sending {
        self.requests += 1;
        let (mut line, answer) = match head {
            Head::Request(request) => {
                let asked = &request.asked;
                let line = access::Request::new(&self.peer, &asked.method, &asked.path);
                let answer = answer(&self.folder, asked);
                self.last |= request.close || answer.is_last();
                (line, answer)
            }
            Head::Bad(status) => {
                self.last = true;
                (access::Request::new(&self.peer, "", ""), Answer::of(status))
            }
        };
        line.answered(answer.status);
        Sending::new(answer, self.last, line)
    }

    pub(super) fn ended(&mut self) {
        self.ended = true;
    }

    pub(super) fn finish(&mut self) {
        self.last = true;
    }

    pub(super) fn is_answering(&self) -> bool {
        self.sending.is_some()
    }

    pub(super) fn is_in_head(&self) -> bool {
        self.sending.is_none() && !self.heads.is_empty()
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests
    }
}
