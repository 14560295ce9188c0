//! Sessions whose records the kernel makes.

use crate::Capabilities;

/// Where a session stands with kernel TLS: asked for by the config, and done
/// in each direction or not. That it is possible at all is a capability,
/// [`KTLS_TX`](crate::Capabilities::KTLS_TX) and
/// [`KTLS_RX`](crate::Capabilities::KTLS_RX).
///
/// It is decided when the handshake is done, and stays so. The session then
/// passes plaintext through its transport, and the kernel makes records of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelTls {
    /// The config prefers it.
    pub requested: bool,
    /// Which of [`KTLS_TX`](Capabilities::KTLS_TX) and
    /// [`KTLS_RX`](Capabilities::KTLS_RX) the config requires. Who can never
    /// lend the session a descriptor has to refuse that.
    pub required: Capabilities,
    /// The kernel encrypts what is sent. As long as the session itself has
    /// nothing left to send, a file may be sent on the descriptor (`sendfile`),
    /// until [`close`](crate::TlsSession::close) was called or an error came.
    pub transmit: bool,
    /// The kernel decrypts what is received.
    pub receive: bool,
}

impl KernelTls {
    /// Not active, but perhaps asked for.
    pub const fn inactive(requested: bool) -> Self {
        Self {
            requested,
            required: Capabilities::empty(),
            transmit: false,
            receive: false,
        }
    }

    /// Asked for, and active in both directions.
    pub const fn active() -> Self {
        Self::inactive(true).activated()
    }

    /// The same, but active in both directions.
    #[must_use]
    pub const fn activated(self) -> Self {
        Self {
            transmit: true,
            receive: true,
            ..self
        }
    }
}

impl Default for KernelTls {
    /// Neither asked for nor active.
    fn default() -> Self {
        Self::inactive(false)
    }
}
