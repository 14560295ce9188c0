//! What is known of what a descriptor has to be received.

use crate::{Layer, Socket};

/// Whether the system has to be asked for input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Input {
    /// Nobody tells when some comes.
    #[default]
    Untold,
    /// There may be some.
    Perhaps,
    /// All was received, and more will be told.
    Exhausted,
}

impl Input {
    /// Takes note of a read that had so much room and found so much.
    pub(crate) fn note(&mut self, found: usize, room: usize) {
        // A read of 0 octets is the end, which is to be found again.
        if *self == Self::Perhaps && (1..room).contains(&found) {
            *self = Self::Exhausted;
        }
    }

    /// Takes note of a read that found nothing.
    pub(crate) fn note_nothing(&mut self) {
        if *self == Self::Perhaps {
            *self = Self::Exhausted;
        }
    }
}

/// For an event loop that is told changes of readiness (edges).
impl<B: Layer> Socket<B> {
    /// Whether the socket relies on [`note_input`](Self::note_input): it does
    /// not at first. While it does, an operation that does not wait receives
    /// nothing more from the descriptor once a read has found less than it had
    /// room for, until there is new input. That spares the read which finds
    /// nothing.
    ///
    /// Turn it off when the peer's end or an error is told: no change follows
    /// then.
    pub fn rely_on_edges(&mut self, rely: bool) {
        self.input = match rely {
            true => Input::Perhaps,
            false => Input::Untold,
        };
    }

    /// The descriptor may have something to be received again.
    pub fn note_input(&mut self) {
        if self.input == Input::Exhausted {
            self.input = Input::Perhaps;
        }
    }
}
