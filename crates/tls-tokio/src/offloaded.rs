//! A handshake that is computed on other threads.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tls_core::{Step, TlsSession, Transport};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

use crate::offload::Permit;
use crate::replay::Replay;
use crate::{Error, Offload};

/// How much is read from the stream at once. It is on the stack: a peer that
/// sends little at a time must not cost more than that.
const READ_OCTETS: usize = 4 * 1024;

/// The longest record (RFC 5246, section 6.2.3), without its header.
const MAX_RECORD: usize = (1 << 14) + 2048;

/// The handshake of one session, step by step: each reads from memory and
/// writes to memory, on another thread; between them the task moves the bytes.
pub(crate) struct Offloaded<S> {
    offload: Offload,
    step: OffloadedStep<S>,
}

enum OffloadedStep<S> {
    Waiting(Ready<S>, Permit),
    Computing(Computing<S>),
    Sending(Computed<S>, usize),
    Receiving(Ready<S>),
    Over,
}

/// A session that may compute.
struct Ready<S> {
    session: S,
    memory: Memory,
}

/// What a step has come to.
struct Computed<S> {
    ready: Ready<S>,
    result: Result<Step<()>, tls_core::Error>,
}

/// A step on another thread. Dropped, it does not begin any more.
struct Computing<S>(JoinHandle<Computed<S>>);

impl<S> Drop for Computing<S> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<S: TlsSession + 'static> Offloaded<S> {
    pub(crate) fn new(session: S, offload: &Offload, read: Vec<u8>) -> Self {
        let memory = Memory::new(read);
        Self {
            offload: offload.clone(),
            step: OffloadedStep::Waiting(Ready { session, memory }, offload.permit()),
        }
    }

    /// Why it fails, while the alert is on its way.
    pub(crate) fn refusal(&self) -> Option<&tls_core::Error> {
        match &self.step {
            OffloadedStep::Sending(computed, _) => computed.result.as_ref().err(),
            _ => None,
        }
    }

    /// Answers the session and what it has not read. An error comes when its
    /// alert is with the stream.
    pub(crate) fn poll<IO: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        io: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(S, Replay), Error>> {
        loop {
            match std::mem::replace(&mut self.step, OffloadedStep::Over) {
                OffloadedStep::Waiting(ready, mut permit) => match permit.as_mut().poll(cx) {
                    Poll::Ready(permit) => {
                        self.step = OffloadedStep::Computing(compute(ready, permit)?);
                    }
                    Poll::Pending => {
                        self.step = OffloadedStep::Waiting(ready, permit);
                        return Poll::Pending;
                    }
                },
                OffloadedStep::Computing(mut computing) => {
                    match Pin::new(&mut computing.0).poll(cx) {
                        Poll::Ready(Ok(computed)) => {
                            self.step = OffloadedStep::Sending(computed, 0);
                        }
                        Poll::Ready(Err(error)) => {
                            return Poll::Ready(Err(Error::Offload(error.to_string())));
                        }
                        Poll::Pending => {
                            self.step = OffloadedStep::Computing(computing);
                            return Poll::Pending;
                        }
                    }
                }
                OffloadedStep::Sending(mut computed, mut sent) => {
                    let memory = &mut computed.ready.memory;
                    let left = poll_sent(&memory.output, &mut sent, io, cx);
                    if left.is_pending() {
                        self.step = OffloadedStep::Sending(computed, sent);
                        return Poll::Pending;
                    }
                    memory.output = Vec::new();
                    let Computed { ready, result } = computed;
                    // The session's own error is the cause of what it sent.
                    let step = result?;
                    if let Poll::Ready(Err(error)) = left {
                        return Poll::Ready(Err(tls_core::Error::from(error).into()));
                    }
                    self.step = match step {
                        Step::Ready(()) => {
                            return Poll::Ready(Ok((ready.session, ready.memory.input)));
                        }
                        Step::Blocked(_) if ready.memory.input.is_empty() => {
                            OffloadedStep::Receiving(ready)
                        }
                        // It only gave a turn.
                        Step::Blocked(_) => OffloadedStep::Waiting(ready, self.offload.permit()),
                    };
                }
                OffloadedStep::Receiving(mut ready) => {
                    if ready.memory.poll_filled(io, cx).is_pending() {
                        self.step = OffloadedStep::Receiving(ready);
                        return Poll::Pending;
                    }
                    self.step = OffloadedStep::Waiting(ready, self.offload.permit());
                }
                OffloadedStep::Over => return Poll::Pending,
            }
        }
    }
}

/// Takes a step on another thread, with its place.
fn compute<S: TlsSession + 'static>(
    mut ready: Ready<S>,
    permit: Option<OwnedSemaphorePermit>,
) -> Result<Computing<S>, Error> {
    let runtime = Handle::try_current().map_err(|error| Error::Offload(error.to_string()))?;
    Ok(Computing(runtime.spawn_blocking(move || {
        let result = ready.session.handshake(&mut ready.memory);
        drop(permit);
        Computed { ready, result }
    })))
}

/// Sends all of it, and flushes.
fn poll_sent<IO: AsyncWrite + Unpin>(
    output: &[u8],
    sent: &mut usize,
    io: &mut IO,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    if output.is_empty() {
        return Poll::Ready(Ok(()));
    }
    while *sent < output.len() {
        match ready!(Pin::new(&mut *io).poll_write(cx, &output[*sent..]))? {
            0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            octets => *sent += octets,
        }
    }
    Pin::new(io).poll_flush(cx)
}

/// The transport of a step.
struct Memory {
    input: Replay,
    /// What has arrived and is no whole record yet.
    arrived: Vec<u8>,
    output: Vec<u8>,
    end: Option<io::Result<()>>,
}

impl Memory {
    fn new(read: Vec<u8>) -> Self {
        Self {
            input: Replay::new(read),
            arrived: Vec::new(),
            output: Vec::new(),
            end: None,
        }
    }

    /// Receives until there is a whole record, or none to come: a step for each
    /// octet of a slow peer would cost a thread's wake-up each.
    fn poll_filled<IO: AsyncRead + Unpin>(
        &mut self,
        io: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        while self.end.is_none() {
            let mut buf = [0; READ_OCTETS];
            let mut buf = ReadBuf::new(&mut buf);
            match ready!(Pin::new(&mut *io).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => self.arrived.extend_from_slice(buf.filled()),
                end => self.end = Some(end),
            }
            if is_enough(&self.arrived) {
                break;
            }
        }
        self.input = Replay::new(std::mem::take(&mut self.arrived));
        Poll::Ready(())
    }
}

/// Whether a session can do something with it: a whole record, or no record.
fn is_enough(arrived: &[u8]) -> bool {
    let Some(&[content_type, major, _, high, low]) = arrived.first_chunk() else {
        // What is no TLS is told by its first octets.
        return arrived
            .first()
            .is_some_and(|first| !(20..=24).contains(first));
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let is_record = (20..=24).contains(&content_type) && major == 3 && length <= MAX_RECORD;
    !is_record || arrived.len() >= 5 + length
}

impl Transport for Memory {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !self.input.is_empty() {
            return Ok(self.input.take(buf));
        }
        match &self.end {
            None => Err(io::ErrorKind::WouldBlock.into()),
            Some(Ok(())) => Ok(0),
            Some(Err(error)) => Err(match error.raw_os_error() {
                Some(number) => io::Error::from_raw_os_error(number),
                None => error.kind().into(),
            }),
        }
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.output.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        bufs.iter()
            .for_each(|buf| self.output.extend_from_slice(buf));
        Ok(bufs.iter().map(|buf| buf.len()).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_record_is_enough_and_so_is_what_is_none() {
        assert!(!is_enough(b""));
        assert!(!is_enough(&[22, 3, 1, 0]));
        assert!(!is_enough(&[22, 3, 1, 0, 2, 1]));
        assert!(is_enough(&[22, 3, 1, 0, 2, 1, 1]));
        assert!(is_enough(&[22, 3, 1, 0, 0]));
        assert!(is_enough(&[22, 3, 1, 0xff, 0xff]));
        assert!(is_enough(b"G"));
        assert!(is_enough(&[22, 2, 1, 0, 9]));
    }
}
