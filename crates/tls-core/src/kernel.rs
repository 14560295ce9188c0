//! Sessions whose records the kernel makes.

/// Where a session stands with kernel TLS: asked for by the config, and done
/// in each direction or not. That it is possible at all is a capability,
/// [`KTLS_TX`](crate::Capabilities::KTLS_TX) and
/// [`KTLS_RX`](crate::Capabilities::KTLS_RX).
///
/// It is decided when the handshake is done, and stays so. The session then
/// passes plaintext through its transport, and the kernel makes records of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelTls {
    /// The config prefers it.
    pub requested: bool,
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
            transmit: false,
            receive: false,
        }
    }

    /// Asked for, and active in both directions.
    pub const fn active() -> Self {
        Self {
            requested: true,
            transmit: true,
            receive: true,
        }
    }
}
