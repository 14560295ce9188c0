//! The handshake of either side.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tls_core::{Interest, Step, TlsBackend, TlsSession};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::deadline::Deadline;
use crate::lent::Lent;
use crate::offloaded::Offloaded;
use crate::replay::Replay;
use crate::{Error, Failed, Fallible, Offload, TlsStream, kernel};

/// A handshake under way: made by [`TlsConnector::connect`](crate::TlsConnector::connect),
/// [`TlsAcceptor::accept`](crate::TlsAcceptor::accept) and
/// [`Started::accept`](crate::Started::accept).
///
/// Its time runs from that call on. On failure the alert has been sent before
/// the error comes, as far as the stream takes it in that time.
#[must_use = "a future does nothing unless it is awaited"]
pub struct Handshake<B: TlsBackend, IO> {
    /// Gone when it has answered.
    io: Option<IO>,
    state: State<B::Session>,
    replay: Replay,
    deadline: Deadline,
}

enum State<S> {
    /// In this task.
    Here(S),
    /// On another thread.
    Offloaded(Offloaded<S>),
    /// The handshake is done, and its last flight is on its way.
    Leaving(S),
    /// The alert is with the stream, which may hold it yet.
    Failing(Error),
    /// It has answered.
    Over,
}

impl<S: TlsSession + 'static> State<S> {
    /// Why it fails, while the alert is on its way.
    fn refusal(&self) -> Option<Error> {
        match self {
            Self::Here(session) => session.refusal().cloned().map(Error::Tls),
            Self::Offloaded(offloaded) => offloaded.refusal().cloned().map(Error::Tls),
            Self::Failing(error) => Some(error.clone()),
            Self::Leaving(_) | Self::Over => None,
        }
    }
}

impl<B: TlsBackend, IO> Handshake<B, IO> {
    pub(crate) fn new(
        backend: &B,
        session: Result<B::Session, tls_core::Error>,
        io: IO,
        replay: Vec<u8>,
        offload: Option<&Offload>,
        deadline: Deadline,
    ) -> Self {
        let session = session.and_then(|session| {
            kernel::check(backend, session.kernel_tls())?;
            Ok(session)
        });
        let (state, replay) = match (session, offload) {
            (Ok(session), None) => (State::Here(session), replay),
            (Ok(session), Some(offload)) => {
                let offloaded = Offloaded::new(session, offload, replay);
                (State::Offloaded(offloaded), Vec::new())
            }
            (Err(error), _) => (State::Failing(error.into()), replay),
        };
        Self {
            io: Some(io),
            state,
            replay: Replay::new(replay),
            deadline,
        }
    }

    /// The same, but a failure gives the stream back.
    pub fn into_fallible(self) -> Fallible<Self> {
        Fallible(self)
    }
}

/// Nothing of it is ever pinned but `IO`.
impl<B: TlsBackend, IO: Unpin> Unpin for Handshake<B, IO> {}

impl<B: TlsBackend, IO: AsyncRead + AsyncWrite + Unpin> Handshake<B, IO> {
    fn poll_fallible(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<TlsStream<B, IO>, Failed<IO>>> {
        let Some(io) = &mut self.io else {
            // It has answered before.
            return Poll::Pending;
        };
        let polled = match poll_state(&mut self.state, io, &mut self.replay, cx) {
            Poll::Pending => match self.deadline.check(cx) {
                Ok(()) => return Poll::Pending,
                // There was no time for the alert.
                Err(late) => Err(self.state.refusal().unwrap_or(late)),
            },
            Poll::Ready(result) => result,
        };
        self.state = State::Over;
        let Some(io) = self.io.take() else {
            return Poll::Pending;
        };
        let replay = std::mem::take(&mut self.replay);
        Poll::Ready(match polled {
            Ok(session) => Ok(TlsStream::new(session, io, replay)),
            Err(error) => Err(Failed {
                error,
                io,
                read: replay.into_rest(),
            }),
        })
    }
}

/// Goes from state to state as far as that is possible now.
fn poll_state<S: TlsSession + 'static, IO: AsyncRead + AsyncWrite + Unpin>(
    state: &mut State<S>,
    io: &mut IO,
    replay: &mut Replay,
    cx: &mut Context<'_>,
) -> Poll<Result<S, Error>> {
    loop {
        match std::mem::replace(state, State::Over) {
            State::Here(mut session) => {
                let mut lent = Lent {
                    io,
                    replay,
                    cx,
                    other: None,
                    may_be_gone: false,
                    pending: Interest::empty(),
                };
                match session.handshake(&mut lent) {
                    Ok(Step::Ready(())) => *state = State::Leaving(session),
                    Ok(Step::Blocked(interest)) => {
                        lent.park(interest);
                        // A stream that keeps what is written until a flush
                        // may have been pending in the library's.
                        let flushed = Pin::new(&mut *io).poll_flush(cx);
                        *state = State::Here(session);
                        if let Poll::Ready(Err(error)) = flushed {
                            *state = State::Failing(tls_core::Error::from(error).into());
                            continue;
                        }
                        return Poll::Pending;
                    }
                    Err(error) => *state = State::Failing(error.into()),
                }
            }
            State::Offloaded(mut offloaded) => match offloaded.poll(io, cx) {
                Poll::Ready(Ok((session, left))) => {
                    *replay = left;
                    *state = State::Leaving(session);
                }
                Poll::Ready(Err(error)) => *state = State::Failing(error),
                Poll::Pending => {
                    *state = State::Offloaded(offloaded);
                    return Poll::Pending;
                }
            },
            State::Leaving(session) => {
                return match Pin::new(&mut *io).poll_flush(cx) {
                    Poll::Ready(Ok(())) => Poll::Ready(Ok(session)),
                    Poll::Ready(Err(error)) => {
                        Poll::Ready(Err(tls_core::Error::from(error).into()))
                    }
                    Poll::Pending => {
                        *state = State::Leaving(session);
                        Poll::Pending
                    }
                };
            }
            State::Failing(error) => {
                // What the flush says of it adds nothing.
                if Pin::new(&mut *io).poll_flush(cx).is_pending() {
                    *state = State::Failing(error);
                    return Poll::Pending;
                }
                return Poll::Ready(Err(error));
            }
            State::Over => return Poll::Pending,
        }
    }
}

impl<B: TlsBackend, IO: AsyncRead + AsyncWrite + Unpin> Future for Handshake<B, IO> {
    type Output = Result<TlsStream<B, IO>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.poll_fallible(cx).map_err(Error::from)
    }
}

impl<B: TlsBackend, IO: AsyncRead + AsyncWrite + Unpin> Future for Fallible<Handshake<B, IO>> {
    type Output = Result<TlsStream<B, IO>, Failed<IO>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.poll_fallible(cx)
    }
}

impl<B: TlsBackend, IO: fmt::Debug> fmt::Debug for Handshake<B, IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("io", &self.io)
            .finish_non_exhaustive()
    }
}
