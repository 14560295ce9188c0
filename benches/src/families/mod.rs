//! The scenarios, a file a family.

mod connect;
mod crowd;
mod exchange;
mod handshake;
mod header_body;
mod pair;
mod pool;
mod receive;
mod round;
mod send;
mod suite;
mod tcp;
mod tokio_exchange;

pub use connect::Connect;
pub use crowd::CrowdExchange;
pub use exchange::Exchange;
pub use handshake::Handshake;
pub use header_body::HeaderBody;
pub use pool::PoolExchange;
pub use receive::Receive;
pub use round::Round;
pub use send::Send;
pub use tokio_exchange::TokioExchange;

pub(crate) use crowd::{
    SETTINGS as CROWD_SETTINGS, connect as connect_crowd, suits as suits_crowd,
};
pub(crate) use pair::MAX_TURNS;
