//! Contents as hyper sends them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::access;
use crate::serve::answer::Content;

/// What is read of a file at once: 64 KiB. No more of it is held.
const CHUNK: u64 = 64 * 1024;

/// A content, with the line that tells how much of it was taken.
#[derive(Debug)]
pub(super) struct Sending {
    rest: Rest,
    left: u64,
    line: access::Request,
}

#[derive(Debug)]
enum Rest {
    Text(Bytes),
    File {
        file: Arc<File>,
        offset: u64,
        reading: Option<JoinHandle<io::Result<Bytes>>>,
    },
}

impl Sending {
    pub(super) fn new(content: Content, line: access::Request) -> Self {
        let left = content.length();
        let rest = match content {
            Content::Text(text) => Rest::Text(text.into()),
            Content::File { file, offset, .. } => Rest::File {
                file: Arc::new(file),
                offset,
                reading: None,
            },
        };
        Self { rest, left, line }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let (file, offset, reading) = match &mut self.rest {
            Rest::Text(text) => return Poll::Ready(Ok(std::mem::take(text))),
            Rest::File {
                file,
                offset,
                reading,
            } => (file, offset, reading),
        };
        let running = reading.get_or_insert_with(|| {
            let (file, at, most) = (Arc::clone(file), *offset, self.left.min(CHUNK));
            spawn_blocking(move || read(&file, at, most as usize))
        });
        let read = ready!(Pin::new(running).poll(cx));
        *reading = None;
        let read = read.map_err(io::Error::other)??;
        *offset += read.len() as u64;
        Poll::Ready(Ok(read))
    }
}

fn read(file: &File, offset: u64, most: usize) -> io::Result<Bytes> {
    let mut buf = vec![0; most];
    match file.read_at(&mut buf, offset)? {
        0 => {
            let shorter = "the file is shorter than it was";
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, shorter))
        }
        octets => {
            buf.truncate(octets);
            Ok(buf.into())
        }
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(None);
        }
        let octets = ready!(this.poll_next(cx))?;
        this.left -= octets.len() as u64;
        this.line.sent(octets.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(octets))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if self.left == 0 {
            self.line.complete();
        }
    }
}
