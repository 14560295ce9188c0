//! Accepting in two steps: read the ClientHello, then choose.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use client_hello::{ClientHello, ClientHelloReader};
use tls_core::TlsBackend;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::deadline::{Deadline, HANDSHAKE_TIMEOUT};
use crate::{Error, Failed, Fallible, Handshake, TlsAcceptor};

/// How much is read at once. Most ClientHellos come in one piece.
const READ_OCTETS: usize = 4 * 1024;

/// Reads a client's ClientHello and answers [`Started`]; the config, and even
/// the backend, is chosen then.
///
/// What is no ClientHello is [`Error::ClientHello`], which tells another
/// protocol, such as HTTP, from damaged TLS. The latter's client is sent the
/// alert. [`into_fallible`](Self::into_fallible) gives the stream back with all
/// that was read, to answer in the other protocol.
///
/// # Defaults
/// The ClientHello must be there within 30 s ([`HANDSHAKE_TIMEOUT`]).
#[must_use = "a future does nothing unless it is awaited"]
pub struct LazyAcceptor<IO> {
    /// Gone when it has answered.
    io: Option<IO>,
    reader: ClientHelloReader,
    read: Vec<u8>,
    start: Instant,
    deadline: Deadline,
    refusal: Option<Refusal>,
}

/// Why it fails, and the alert that has still to go.
struct Refusal {
    error: Error,
    alert: Vec<u8>,
    sent: usize,
}

impl<IO> LazyAcceptor<IO> {
    /// Reads from `io`. The time runs from now on.
    pub fn new(io: IO) -> Self {
        let start = Instant::now();
        Self {
            io: Some(io),
            reader: ClientHelloReader::new(),
            read: Vec::new(),
            start,
            deadline: Deadline::new(start, Some(HANDSHAKE_TIMEOUT)),
            refusal: None,
        }
    }

    /// How long the ClientHello may take. `None` is no limit, and lets a silent
    /// client stay for ever.
    pub fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.deadline = Deadline::new(self.start, timeout);
        self
    }

    /// The same, but a failure gives the stream back, with what was read.
    pub fn into_fallible(self) -> Fallible<Self> {
        Fallible(self)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> LazyAcceptor<IO> {
    fn poll_fallible(&mut self, cx: &mut Context<'_>) -> Poll<Result<Started<IO>, Failed<IO>>> {
        let result = match self.poll_hello(cx) {
            Poll::Ready(result) => result,
            Poll::Pending => match (self.deadline.check(cx), self.refusal.take()) {
                (Ok(()), refusal) => {
                    self.refusal = refusal;
                    return Poll::Pending;
                }
                // There was no time for the alert.
                (Err(_), Some(refusal)) => Err(refusal.error),
                (Err(late), None) => Err(late),
            },
        };
        let Some(io) = self.io.take() else {
            // It has answered before.
            return Poll::Pending;
        };
        let read = std::mem::take(&mut self.read);
        Poll::Ready(match result {
            Ok(hello) => Ok(Started {
                hello,
                io,
                read,
                start: self.start,
            }),
            Err(error) => Err(Failed { error, io, read }),
        })
    }

    fn poll_hello(&mut self, cx: &mut Context<'_>) -> Poll<Result<ClientHello, Error>> {
        let Some(io) = &mut self.io else {
            return Poll::Pending;
        };
        loop {
            if let Some(refusal) = &mut self.refusal {
                ready!(refusal.poll_sent(io, cx));
                return Poll::Ready(Err(refusal.error.clone()));
            }
            let mut buf = [0; READ_OCTETS];
            let mut buf = ReadBuf::new(&mut buf);
            if let Err(error) = ready!(Pin::new(&mut *io).poll_read(cx, &mut buf)) {
                return Poll::Ready(Err(tls_core::Error::from(error).into()));
            }
            self.read.extend_from_slice(buf.filled());
            let hello = match buf.filled() {
                [] => Err(self.reader.end()),
                arrived => self.reader.push(arrived),
            };
            match hello {
                Ok(None) => {}
                Ok(Some(hello)) => return Poll::Ready(Ok(hello)),
                Err(error) => self.refusal = Some(Refusal::new(error)),
            }
        }
    }
}

impl Refusal {
    fn new(error: client_hello::Error) -> Self {
        const FATAL: u8 = 2;
        let record = |alert| vec![21, 3, 3, 0, 2, FATAL, alert];
        Self {
            error: error.into(),
            alert: error.alert().map_or_else(Vec::new, |alert| record(alert.0)),
            sent: 0,
        }
    }

    /// Sends the alert, best effort.
    fn poll_sent<IO: AsyncWrite + Unpin>(&mut self, io: &mut IO, cx: &mut Context<'_>) -> Poll<()> {
        while self.sent < self.alert.len() {
            match ready!(Pin::new(&mut *io).poll_write(cx, &self.alert[self.sent..])) {
                Ok(octets @ 1..) => self.sent += octets,
                _ => return Poll::Ready(()),
            }
        }
        if !self.alert.is_empty() {
            let _ = ready!(Pin::new(io).poll_flush(cx));
        }
        Poll::Ready(())
    }
}

/// Nothing of it is ever pinned but `IO`.
impl<IO: Unpin> Unpin for LazyAcceptor<IO> {}

impl<IO: AsyncRead + AsyncWrite + Unpin> Future for LazyAcceptor<IO> {
    type Output = Result<Started<IO>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().poll_fallible(cx).map_err(Error::from)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Future for Fallible<LazyAcceptor<IO>> {
    type Output = Result<Started<IO>, Failed<IO>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.poll_fallible(cx)
    }
}

impl<IO: fmt::Debug> fmt::Debug for LazyAcceptor<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyAcceptor")
            .field("io", &self.io)
            .field("read", &self.read.len())
            .finish_non_exhaustive()
    }
}

/// A client whose ClientHello is there, and which waits for an answer.
pub struct Started<IO> {
    hello: ClientHello,
    io: IO,
    read: Vec<u8>,
    start: Instant,
}

impl<IO> Started<IO> {
    /// What the client asks for.
    pub fn client_hello(&self) -> &ClientHello {
        &self.hello
    }

    /// The stream.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// Does the handshake as this acceptor does. Its session reads the
    /// ClientHello again, and judges for itself. The acceptor's time counts
    /// from [`LazyAcceptor::new`] on.
    pub fn accept<B: TlsBackend>(self, acceptor: &TlsAcceptor<B>) -> Handshake<B, IO> {
        acceptor.accept_after(self.io, self.read, self.start)
    }

    /// The stream and all that was read from it, for example to pass both on to
    /// another server.
    pub fn into_parts(self) -> (IO, Vec<u8>) {
        (self.io, self.read)
    }
}

impl<IO: fmt::Debug> fmt::Debug for Started<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started")
            .field("hello", &self.hello)
            .field("io", &self.io)
            .finish_non_exhaustive()
    }
}
