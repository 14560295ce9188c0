//! Making a connection, blocking.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use socket::{Layer, Refusal, Socket, Step};

use crate::eyeballs::Race;
use crate::resolve::{resolve_apart, resolved};
use crate::target::Target;
use crate::{Endpoint, Error, Options, WaitingFor};

/// Connects and does the handshake, all before the deadline.
pub(crate) fn connect<B: Layer>(
    target: &Target<B>,
    options: &Options,
    deadline: Instant,
) -> Result<Socket<B>, Error> {
    let mut socket = match target.endpoint() {
        Endpoint::Host { host, port } => {
            let addresses = resolve(host, *port, options, deadline)?;
            race(addresses, options, deadline)?
        }
        Endpoint::Address(address) => race(vec![*address], options, deadline)?,
        Endpoint::Path(path) => Socket::connect_unix(path, left(deadline))
            .map_err(|error| timed(error, WaitingFor::Connection, Error::Connect))?,
    };
    if !matches!(target.endpoint(), Endpoint::Path(_)) {
        socket
            .set_nodelay(options.nodelay)
            .and_then(|()| match options.keepalive {
                Some(_) => socket.set_keepalive(options.keepalive),
                None => Ok(()),
            })
            .map_err(Error::Connect)?;
    }
    if let Some(protection) = &target.protection {
        protection
            .protect(&mut socket, left(deadline))
            .map_err(|error| timed(error, WaitingFor::Handshake, Error::Handshake))?;
    }
    Ok(socket)
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// A timeout of the socket is one of ours.
fn timed(
    error: socket::Error,
    waiting_for: WaitingFor,
    otherwise: impl FnOnce(socket::Error) -> Error,
) -> Error {
    match error.is_timeout() {
        true => Error::over(waiting_for),
        false => otherwise(error),
    }
}

fn resolve(
    host: &str,
    port: u16,
    options: &Options,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, Error> {
    let (answer, answered) = mpsc::channel();
    let asked = resolve_apart(host, port, options, move |addresses| {
        // Nobody may wait for it any more.
        let _ = answer.send(addresses);
    });
    if let Err(error) = asked {
        return resolved(host, Some(Err(error)));
    }
    match answered.recv_timeout(left(deadline)) {
        Ok(answer) => resolved(host, Some(answer)),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(Error::over(WaitingFor::Resolution)),
        Err(mpsc::RecvTimeoutError::Disconnected) => resolved(host, None),
    }
}

/// Connects to one of the addresses. Those that lose are closed.
fn race<B: Layer>(
    addresses: Vec<SocketAddr>,
    options: &Options,
    deadline: Instant,
) -> Result<Socket<B>, Error> {
    let mut now = Instant::now();
    let mut race = Race::new(addresses, options.attempt_delay, now);
    let mut running: Vec<Socket<B>> = Vec::new();
    let mut last = Error::Connect(Refusal::NoAddress.into());
    while !race.is_lost() {
        if now >= deadline {
            return Err(Error::over(WaitingFor::Connection));
        }
        if let Some(address) = race.start(now) {
            match Socket::start_connect_tcp(address) {
                Ok(socket) => running.push(socket),
                Err(error) => {
                    last = Error::Connect(error);
                    race.failed(now);
                    continue;
                }
            }
        }
        let until = race
            .next_start()
            .map_or(deadline, |next| next.min(deadline));
        wait(&running, until)?;
        now = Instant::now();
        let mut index = 0;
        while let Some(socket) = running.get_mut(index) {
            match socket.connect_step() {
                Ok(Step::Ready(())) => return Ok(running.swap_remove(index)),
                Ok(Step::Blocked(_)) => index += 1,
                Err(error) => {
                    last = Error::Connect(error);
                    running.swap_remove(index);
                    race.failed(now);
                }
            }
        }
    }
    Err(last)
}

/// Waits until one of them is over, or the time is.
fn wait<B: Layer>(running: &[Socket<B>], until: Instant) -> Result<(), Error> {
    let mut waited: Vec<_> = running
        .iter()
        .map(|socket| PollFd::from_borrowed_fd(socket.wait_fd(), PollFlags::OUT))
        .collect();
    // A time too far away to be told is no limit.
    let timeout = Timespec::try_from(left(until)).ok();
    match poll(&mut waited, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(Error::Connect(std::io::Error::from(error).into())),
    }
}
