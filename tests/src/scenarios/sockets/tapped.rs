//! Two ends whose octets pass through the scenario's hands.

use std::os::unix::net::UnixStream;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use polytls::tls::TlsBackend;
use polytls::{PlainSocket, Step};

use super::ends::{End, LONG, Setup, together};

/// Two sockets that are not connected to each other: what one sends has to be
/// carried to the other.
pub(super) struct Tapped<A: TlsBackend, B: TlsBackend> {
    pub(super) near: End<A>,
    pub(super) far: End<B>,
    /// The other end of `near`'s descriptor.
    pub(super) near_wire: PlainSocket,
    /// The other end of `far`'s descriptor.
    pub(super) far_wire: PlainSocket,
}

impl<C: TlsBackend, S: TlsBackend> Setup<'_, C, S> {
    /// A client, near, and a server, far, with TLS on; nothing has been sent.
    pub(super) fn tapped(&self) -> Tapped<C, S> {
        let (mut near, near_wire) = tap();
        let (mut far, far_wire) = tap();
        self.turn_client_on(&mut near);
        self.turn_server_on(&mut far);
        Tapped {
            near,
            far,
            near_wire,
            far_wire,
        }
    }

    /// The same with the handshakes done.
    pub(super) fn tapped_and_connected(&self) -> Tapped<C, S> {
        let mut tapped = self.tapped();
        tapped.meet();
        tapped
    }
}

fn tap<B: TlsBackend>() -> (End<B>, PlainSocket) {
    let (end, wire) = UnixStream::pair().expect("a pair");
    let (mut end, mut wire) = (End::from(end), PlainSocket::from(wire));
    let deadline = Some(Instant::now() + LONG);
    end.set_deadline(deadline);
    wire.set_deadline(deadline);
    (end, wire)
}

impl<A: TlsBackend, B: TlsBackend> Tapped<A, B> {
    /// The same seen from the other side.
    pub(super) fn turned(self) -> Tapped<B, A> {
        Tapped {
            near: self.far,
            far: self.near,
            near_wire: self.far_wire,
            far_wire: self.near_wire,
        }
    }

    /// Does both handshakes.
    #[track_caller]
    pub(super) fn meet(&mut self) {
        for _ in 0..20 {
            let near = self.near.handshake_step().expect("a handshake");
            self.carry();
            let far = self.far.handshake_step().expect("a handshake");
            self.carry();
            if near.is_ready() && far.is_ready() {
                return;
            }
        }
        panic!("the handshake does not end");
    }

    /// Carries everything in both directions.
    #[track_caller]
    pub(super) fn carry(&mut self) {
        let sent = take(&mut self.near_wire);
        self.far_wire.send_all(&sent).expect("room");
        let sent = take(&mut self.far_wire);
        self.near_wire.send_all(&sent).expect("room");
    }
}

/// All that has been sent.
#[track_caller]
pub(super) fn take(wire: &mut PlainSocket) -> Vec<u8> {
    let mut sent = Vec::new();
    let mut buf = [0; 16 * 1024];
    while let Step::Ready(octets @ 1..) = wire.try_recv(&mut buf).expect("the wire") {
        sent.extend_from_slice(&buf[..octets]);
    }
    sent
}

/// Sends pieces at a pace until the operation is over, and answers the
/// operation's result and how many pieces were sent.
#[track_caller]
pub(super) fn dribble<'a, T>(
    wire: &mut PlainSocket,
    pieces: impl Iterator<Item = &'a [u8]> + Send,
    pace: Duration,
    operation: impl FnOnce() -> T,
) -> (T, usize) {
    let (running, is_running) = channel::<()>();
    let (sent, result) = together(
        move || {
            let mut sent = 0;
            for piece in pieces {
                wire.send_all(piece).expect("room");
                sent += 1;
                if is_running.recv_timeout(pace) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            sent
        },
        move || {
            let result = operation();
            drop(running);
            result
        },
    );
    (result, sent)
}
