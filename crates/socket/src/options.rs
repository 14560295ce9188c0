//! Options of the descriptor.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use crate::{Error, Layer, Socket};

/// How TCP looks for a peer that has silently gone.
///
/// # Defaults
/// Those of the system, on Linux 7,200 s, 75 s and 9 probes, which is too long
/// for most services. The three fields are set together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// How long the connection is silent before the first probe. Whole
    /// seconds, 1 to 32,767 on Linux.
    pub idle: Duration,
    /// The time between two probes. Whole seconds, 1 to 32,767 on Linux.
    pub interval: Duration,
    /// After how many unanswered probes the connection is broken. 1 to 127 on
    /// Linux.
    pub probes: u32,
}

/// Options of the descriptor. One that the socket does not have, such as a TCP
/// option on a Unix socket, is the system's [`Error::Io`].
impl<B: Layer> Socket<B> {
    /// Sends small segments at once (`TCP_NODELAY`): on, Nagle's algorithm is
    /// off.
    pub fn set_nodelay(&mut self, nodelay: bool) -> Result<(), Error> {
        Ok(SockRef::from(&self.fd).set_tcp_nodelay(nodelay)?)
    }

    /// Whether small segments are sent at once.
    pub fn nodelay(&self) -> Result<bool, Error> {
        Ok(SockRef::from(&self.fd).tcp_nodelay()?)
    }

    /// Probes a silent TCP connection (`SO_KEEPALIVE` and the `TCP_KEEP...`
    /// options); `None` is off.
    pub fn set_keepalive(&mut self, keepalive: Option<Keepalive>) -> Result<(), Error> {
        let socket = SockRef::from(&self.fd);
        match keepalive {
            None => socket.set_keepalive(false)?,
            Some(keepalive) => socket.set_tcp_keepalive(
                &TcpKeepalive::new()
                    .with_time(keepalive.idle)
                    .with_interval(keepalive.interval)
                    .with_retries(keepalive.probes),
            )?,
        }
        Ok(())
    }

    /// How a silent TCP connection is probed; `None` if it is not.
    pub fn keepalive(&self) -> Result<Option<Keepalive>, Error> {
        let socket = SockRef::from(&self.fd);
        if !socket.keepalive()? {
            return Ok(None);
        }
        Ok(Some(Keepalive {
            idle: socket.tcp_keepalive_time()?,
            interval: socket.tcp_keepalive_interval()?,
            probes: socket.tcp_keepalive_retries()?,
        }))
    }

    /// The size of the receive buffer in octets (`SO_RCVBUF`). The system
    /// takes it as a wish: Linux doubles it and has bounds.
    pub fn set_receive_buffer(&mut self, octets: usize) -> Result<(), Error> {
        Ok(SockRef::from(&self.fd).set_recv_buffer_size(octets)?)
    }

    /// The size of the receive buffer in octets, as the system has it.
    pub fn receive_buffer(&self) -> Result<usize, Error> {
        Ok(SockRef::from(&self.fd).recv_buffer_size()?)
    }

    /// The size of the send buffer in octets (`SO_SNDBUF`). The system takes
    /// it as a wish: Linux doubles it and has bounds.
    pub fn set_send_buffer(&mut self, octets: usize) -> Result<(), Error> {
        Ok(SockRef::from(&self.fd).set_send_buffer_size(octets)?)
    }

    /// The size of the send buffer in octets, as the system has it.
    pub fn send_buffer(&self) -> Result<usize, Error> {
        Ok(SockRef::from(&self.fd).send_buffer_size()?)
    }

    /// How long closing the descriptor waits for sent octets to be
    /// acknowledged (`SO_LINGER`, whole seconds); zero resets the connection
    /// instead. `None`, the default, lets the system send in the background.
    pub fn set_linger(&mut self, linger: Option<Duration>) -> Result<(), Error> {
        Ok(SockRef::from(&self.fd).set_linger(linger)?)
    }

    /// How long closing the descriptor waits.
    pub fn linger(&self) -> Result<Option<Duration>, Error> {
        Ok(SockRef::from(&self.fd).linger()?)
    }

    /// How many routers a packet may pass: the time to live of IPv4, the hop
    /// limit of IPv6. 1 to 255.
    pub fn set_ttl(&mut self, hops: u32) -> Result<(), Error> {
        let socket = SockRef::from(&self.fd);
        if socket.local_addr()?.is_ipv6() {
            socket.set_unicast_hops_v6(hops)?;
        } else {
            socket.set_ttl_v4(hops)?;
        }
        Ok(())
    }

    /// How many routers a packet may pass.
    pub fn ttl(&self) -> Result<u32, Error> {
        let socket = SockRef::from(&self.fd);
        if socket.local_addr()?.is_ipv6() {
            Ok(socket.unicast_hops_v6()?)
        } else {
            Ok(socket.ttl_v4()?)
        }
    }
}
