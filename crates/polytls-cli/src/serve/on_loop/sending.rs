//! Responses of HTTP/1.1 as there is room for them.

use std::fs::File;
use std::os::unix::fs::FileExt;

use polytls::poll::Connection;
use polytls::tls::AnyBackend;

use crate::access;
use crate::serve::answer::{Answer, Content, date};

/// A response on its way.
#[derive(Debug)]
pub(super) struct Sending {
    head: Vec<u8>,
    head_sent: usize,
    rest: Rest,
    line: access::Request,
}

#[derive(Debug)]
enum Rest {
    /// Octets, and how many of them were sent.
    Text(Vec<u8>, usize),
    /// So many octets of a file are left, from the offset on.
    File { file: File, offset: u64, left: u64 },
}

impl From<Content> for Rest {
    fn from(content: Content) -> Self {
        match content {
            Content::Text(text) => Self::Text(text.into(), 0),
            Content::File {
                file,
                offset,
                length,
            } => Self::File {
                file,
                offset,
                left: length,
            },
        }
    }
}

/// How far sending came.
pub(super) enum Pushed {
    All,
    /// There is no room for the moment.
    Full,
    /// The share of the turn is used up.
    Share,
    /// The rest cannot be read.
    Broken,
}

impl Sending {
    /// `last` is whether the connection ends behind it.
    pub(super) fn new(answer: Answer, last: bool, line: access::Request) -> Self {
        Self {
            head: head_of(&answer, last),
            head_sent: 0,
            rest: match answer.head_only {
                true => Rest::Text(Vec::new(), 0),
                false => answer.content.into(),
            },
            line,
        }
    }

    /// Sends what there is room for. Nothing is held here: what finds no room
    /// is read again from the file.
    pub(super) fn push(
        &mut self,
        connection: &mut Connection<'_, AnyBackend>,
        buf: &mut [u8],
        share: &mut u64,
    ) -> Pushed {
        // A connection that has failed takes nothing, and an event tells why.
        let mut send = |octets: &[u8]| {
            let taken = connection.send(octets).unwrap_or_default();
            *share = share.saturating_sub(taken as u64);
            (taken, taken < octets.len(), *share == 0)
        };
        let head = self.head.get(self.head_sent..).unwrap_or_default();
        if !head.is_empty() {
            let (taken, is_full, _) = send(head);
            self.head_sent += taken;
            if is_full {
                return Pushed::Full;
            }
        }
        loop {
            let (taken, is_full, is_over) = match &mut self.rest {
                Rest::Text(text, sent) => {
                    let sending = send(text.get(*sent..).unwrap_or_default());
                    *sent += sending.0;
                    sending
                }
                Rest::File { left: 0, .. } => (0, false, false),
                Rest::File { file, offset, left } => {
                    let most = usize::try_from(*left).map_or(buf.len(), |left| left.min(buf.len()));
                    let piece = buf.get_mut(..most).unwrap_or_default();
                    let read = match file.read_at(piece, *offset) {
                        Ok(0) | Err(_) => return Pushed::Broken,
                        Ok(read) => read,
                    };
                    let sending = send(piece.get(..read).unwrap_or_default());
                    *offset += sending.0 as u64;
                    *left -= sending.0 as u64;
                    sending
                }
            };
            self.line.sent(taken as u64);
            if is_full {
                return Pushed::Full;
            }
            if self.rest.is_empty() {
                self.line.complete();
                return Pushed::All;
            }
            if is_over {
                return Pushed::Share;
            }
        }
    }
}

impl Rest {
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text, sent) => text.len() == *sent,
            Self::File { left, .. } => *left == 0,
        }
    }
}

fn head_of(answer: &Answer, last: bool) -> Vec<u8> {
    let status = answer.status;
    let (code, reason) = (
        status.as_str(),
        status.canonical_reason().unwrap_or_default(),
    );
    let length = answer.content.length();
    let mut head = format!("HTTP/1.1 {code} {reason}\r\nContent-Length: {length}\r\n");
    let date = ("Date", date());
    for (name, value) in answer.headers.iter().chain([&date]) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(match last {
        true => "Connection: close\r\n\r\n",
        false => "\r\n",
    });
    head.into_bytes()
}
