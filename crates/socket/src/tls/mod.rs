//! TLS on sockets: the other side of the seam. Nothing else of this crate
//! knows of TLS, apart from its errors.

mod enable;
mod framing;
mod handed_over;
mod lent_wire;
mod session;

pub use enable::HANDSHAKE_TIMEOUT;

use tls_core::TlsBackend;

use crate::layer::{Layer, Sealed};
use session::TlsLayer;

impl<B: TlsBackend> Layer for B {}

impl<B: TlsBackend> Sealed for B {
    type Session = Box<TlsLayer<B::Session>>;
}
