//! The scenarios, a file a family.

mod connect;
mod exchange;
mod handshake;
mod header_body;
mod pair;
mod receive;
mod round;
mod send;
mod suite;
mod tcp;
mod tokio_exchange;

pub use connect::Connect;
pub use exchange::Exchange;
pub use handshake::Handshake;
pub use header_body::HeaderBody;
pub use receive::Receive;
pub use round::Round;
pub use send::Send;
pub use tokio_exchange::TokioExchange;

pub(crate) use pair::MAX_TURNS;
