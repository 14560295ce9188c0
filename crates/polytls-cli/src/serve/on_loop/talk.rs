//! What is said on a connection, one turn of the loop at a time.

use polytls::poll::Connection;
use polytls::tls::AnyBackend;

use super::echo::Echo;
use super::http::Http;

/// What a connection is for.
#[derive(Debug)]
pub(super) enum Talk {
    Http(Box<Http>),
    Echo(Echo),
}

/// How a turn ended.
#[derive(Debug)]
pub(super) enum Turn {
    /// It goes on with the next event.
    Waits,
    /// It could go on at once, but others have their turn first.
    Again,
    /// All has been said.
    Close,
    /// What was promised cannot be kept, or the client broke off: the end must
    /// not look clean.
    Broken(&'static str),
}

impl Talk {
    /// Goes on. `buf` is for anything.
    pub(super) fn turn(
        &mut self,
        connection: &mut Connection<'_, AnyBackend>,
        buf: &mut [u8],
    ) -> Turn {
        match self {
            Self::Http(http) => http.turn(connection, buf),
            Self::Echo(echo) => echo.turn(connection, buf),
        }
    }

    /// The client has said all.
    pub(super) fn ended(&mut self) {
        match self {
            Self::Http(http) => http.ended(),
            Self::Echo(echo) => echo.ended(),
        }
    }

    /// It ends as soon as what it does is done.
    pub(super) fn finish(&mut self) {
        match self {
            Self::Http(http) => http.finish(),
            Self::Echo(echo) => echo.ended(),
        }
    }

    /// Whether it wants to receive.
    pub(super) fn reads(&self) -> bool {
        match self {
            Self::Http(http) => !http.is_answering(),
            Self::Echo(echo) => echo.is_idle(),
        }
    }

    /// Whether it could end now.
    pub(super) fn is_idle(&self) -> bool {
        match self {
            Self::Http(http) => !http.is_answering() && !http.is_in_head(),
            Self::Echo(echo) => echo.is_idle(),
        }
    }

    /// Which request has begun and is not whole.
    pub(super) fn head(&self) -> Option<u64> {
        match self {
            Self::Http(http) if http.is_in_head() => Some(http.requests()),
            _ => None,
        }
    }

    /// How many requests were answered.
    pub(super) fn requests(&self) -> u64 {
        match self {
            Self::Http(http) => http.requests(),
            Self::Echo(_) => 0,
        }
    }
}
