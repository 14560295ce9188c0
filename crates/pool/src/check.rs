//! Whether a connection can be used by somebody else.

use socket::{Error, Interest, Layer, Socket, Step};

/// Why a connection is not fit to be used by somebody else.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Unfit {
    /// The peer has ended it.
    Ended,
    /// It failed, or TLS ended without `close_notify`.
    Failed(Error),
    /// There is data that nobody has read. Without having asked for it, the
    /// next user would take it for an answer.
    Unread,
    /// There is data that has not been sent: the peer does not read.
    Unsent,
    /// This side has ended it, or TLS was turned on or off.
    Altered,
}

/// How often a peer may send something that is no data (TLS 1.3 session
/// tickets, key updates) before it counts as one that floods.
pub(crate) const TURNS: usize = 32;

/// Finds out without waiting.
pub(crate) fn check<B: Layer>(socket: &mut Socket<B>, is_tls: bool) -> Result<(), Unfit> {
    // An empty send sends nothing, and tells whether sending is over.
    if socket.is_tls() != is_tls || socket.try_send(&[]).is_err() {
        return Err(Unfit::Altered);
    }
    // What a TLS session has read ahead, or what is in the descriptor, may be
    // messages that are no data: only a receive tells.
    for _ in 0..TURNS {
        match socket.try_recv(&mut [0]).map_err(Unfit::Failed)? {
            Step::Ready(0) => return Err(Unfit::Ended),
            Step::Ready(_) => return Err(Unfit::Unread),
            Step::Blocked(Interest::READ) if socket.has_pending() => {}
            // The answer to a key update is on its way, or data is.
            Step::Blocked(interest) if interest.contains(Interest::WRITE) => {
                return Err(Unfit::Unsent);
            }
            Step::Blocked(_) => return Ok(()),
        }
    }
    Err(Unfit::Unread)
}
