//! Octets in both directions.

use std::fmt;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};

/// What is held of each direction: 16 KiB, a record's worth.
const CHUNK: usize = 16 * 1024;

/// One of the two connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Upstream,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Upstream => "upstream",
        })
    }
}

/// How it ended.
#[derive(Debug)]
pub(super) enum End {
    /// Both have ended their direction in order, and know it of each other.
    Clean,
    /// Nothing was sent by either.
    Unused,
    /// Nothing has passed for too long.
    Idle,
    Broken(Broken),
}

/// A connection that failed, or ended without TLS's end.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) by: Side,
    pub(super) error: io::Error,
}

/// Carries octets and ends across until both directions have ended in order, or
/// one connection breaks. Then the other must not look complete either: drop
/// both.
pub(super) async fn carry<C, U>(client: &mut C, upstream: &mut U) -> End
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let (from_client, to_client) = split(client);
    let (from_upstream, to_upstream) = split(upstream);
    let up = pump((Side::Client, from_client), (Side::Upstream, to_upstream));
    let down = pump((Side::Upstream, from_upstream), (Side::Client, to_client));
    match tokio::try_join!(up, down) {
        Ok(_) => End::Clean,
        Err(broken) => End::Broken(broken),
    }
}

/// One direction. Nothing is read before what was read has left.
async fn pump(
    (source, mut from): (Side, impl AsyncRead + Unpin),
    (sink, mut to): (Side, impl AsyncWrite + Unpin),
) -> Result<(), Broken> {
    let broken = |by| move |error| Broken { by, error };
    let mut buf = vec![0; CHUNK];
    loop {
        let octets = from.read(&mut buf).await.map_err(broken(source))?;
        if octets == 0 {
            return to.shutdown().await.map_err(broken(sink));
        }
        let read = buf.get(..octets).unwrap_or_default();
        to.write_all(read).await.map_err(broken(sink))?;
        to.flush().await.map_err(broken(sink))?;
    }
}
