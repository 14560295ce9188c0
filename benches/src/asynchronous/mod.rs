//! The libraries as tokio's users have them: ours through `tls-tokio`, raw
//! through each library's own crate for tokio.

mod boring;
mod counted;
mod openssl;
mod ours;
mod rustls;

pub use counted::Counted;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::library::{Library, Outcome};

/// A library with a stream for tokio, over the contexts that it has anyhow.
#[expect(async_fn_in_trait, reason = "all is awaited on the thread that calls")]
pub trait AsyncLibrary: Library {
    /// A TLS stream over TCP.
    type AsyncStream: AsyncRead + AsyncWrite + Unpin + 'static;

    /// Connects to [`HOST`](crate::material::HOST), handshake included.
    async fn connect_async(context: &Self::Client, tcp: Counted) -> Outcome<Self::AsyncStream>;

    /// Accepts a client, handshake included.
    async fn accept_async(context: &Self::Server, tcp: Counted) -> Outcome<Self::AsyncStream>;
}
