//! Just enough of HTTP/2's frames (RFC 9113, section 4.1) for a client that
//! misbehaves.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::rig::Stream;

/// How a client begins (RFC 9113, section 3.4), up to its SETTINGS.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;

/// The flag of SETTINGS and PING that makes an answer of them.
pub(super) const ACK: u8 = 1;

/// A frame of the whole connection.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// The next; `None` at the end, be it clean or not.
    pub(super) async fn receive(stream: &mut Stream<TcpStream>) -> Option<Self> {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, flags, ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        stream.read_exact(&mut payload).await.ok()?;
        Some(Self {
            kind,
            flags,
            payload,
        })
    }

    pub(super) async fn send(&self, stream: &mut Stream<TcpStream>) {
        let [_, a, b, c] = (self.payload.len() as u32).to_be_bytes();
        let mut octets = vec![a, b, c, self.kind, self.flags, 0, 0, 0, 0];
        octets.extend_from_slice(&self.payload);
        stream.write_all(&octets).await.expect("a write");
        stream.flush().await.expect("a flush");
    }
}

/// Begins HTTP/2, and waits until the server has taken it.
pub(super) async fn begin(stream: &mut Stream<TcpStream>) {
    stream.write_all(PREFACE).await.expect("a write");
    let settings = Frame {
        kind: SETTINGS,
        flags: 0,
        payload: Vec::new(),
    };
    settings.send(stream).await;
    loop {
        let frame = Frame::receive(stream).await.expect("a frame");
        if (frame.kind, frame.flags) == (SETTINGS, ACK) {
            return;
        }
    }
}
