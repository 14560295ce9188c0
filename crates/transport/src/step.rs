//! Blocking as a value.

use std::fmt;

bitflags::bitflags! {
    /// The directions in which a transport is waited for.
    #[derive(Clone, Copy, PartialEq, Eq, Hash)]
    pub struct Interest: u8 {
        /// Bytes must arrive before there is progress.
        const READ = 1;
        /// There must be room to send before there is progress.
        const WRITE = 2;
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::READ => "Read",
            Self::WRITE => "Write",
            both if both.is_all() => "ReadWrite",
            _ => "None",
        })
    }
}

/// How far an operation came without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an operation that blocked has to be called again"]
pub enum Step<T> {
    /// It is done.
    Ready(T),
    /// It can go on when the transport is ready in this direction. Nothing
    /// is lost: the same call, made again, continues.
    Blocked(Interest),
}

impl<T> Step<T> {
    /// The result, if the operation is done.
    pub fn ready(self) -> Option<T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Blocked(_) => None,
        }
    }

    /// Whether the operation is done.
    pub const fn is_ready(&self) -> bool {
        matches!(self, Self::Ready(_))
    }

    /// Changes the result of an operation that is done.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Self::Ready(value) => Step::Ready(f(value)),
            Self::Blocked(interest) => Step::Blocked(interest),
        }
    }
}
