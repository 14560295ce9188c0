//! Making a connection, in a task.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use ::tokio::net::{TcpStream, UnixStream};
use ::tokio::sync::oneshot;
use ::tokio::time::{sleep, sleep_until, timeout_at};
use socket::{Address, PlainSocket, Refusal};
use tls_core::TlsBackend;

use super::io::Io;
use super::pool::now;
use super::stream::Stream;
use crate::eyeballs::Race;
use crate::resolve::{resolve_apart, resolved};
use crate::{Endpoint, Error, Options, Target, WaitingFor};

/// Connects and does the handshake, all before the deadline.
pub(super) async fn connect<B: TlsBackend>(
    target: &Target<B>,
    options: &Options,
    deadline: Instant,
) -> Result<Stream<B>, Error> {
    let io = match target.endpoint() {
        Endpoint::Host { host, port } => {
            let addresses = resolve(host, *port, options, deadline).await?;
            race(addresses, options, deadline).await?.into()
        }
        Endpoint::Address(address) => race(vec![*address], options, deadline).await?.into(),
        Endpoint::Path(path) => within(deadline, WaitingFor::Connection, unix(path)).await?,
    };
    let Some(protection) = &target.protection else {
        return Ok(Stream::plain(io));
    };
    let shaken = async { protection.handshake(io).await.map_err(of_handshake) };
    let stream = within(deadline, WaitingFor::Handshake, shaken).await?;
    Ok(Stream::under_tls(stream))
}

async fn within<T>(
    deadline: Instant,
    waiting_for: WaitingFor,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let late = |_| Err(Error::over(waiting_for));
    timeout_at(deadline.into(), work).await.unwrap_or_else(late)
}

fn of_handshake(error: tls_tokio::Error) -> Error {
    Error::Handshake(match error {
        tls_tokio::Error::Tls(error) => error.into(),
        other => std::io::Error::from(other).into(),
    })
}

async fn resolve(
    host: &str,
    port: u16,
    options: &Options,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, Error> {
    let (answer, answered) = oneshot::channel();
    let asked = resolve_apart(host, port, options, move |addresses| {
        // Nobody may wait for it any more.
        let _ = answer.send(addresses);
    });
    if let Err(error) = asked {
        return resolved(host, Some(Err(error)));
    }
    let answer = async { resolved(host, answered.await.ok()) };
    within(deadline, WaitingFor::Resolution, answer).await
}

/// Connects to one of the addresses. Those that lose are closed.
async fn race(
    addresses: Vec<SocketAddr>,
    options: &Options,
    deadline: Instant,
) -> Result<TcpStream, Error> {
    let mut race = Race::new(addresses, options.attempt_delay, now());
    let mut running = Vec::new();
    let mut last = Error::Connect(Refusal::NoAddress.into());
    let mut alarm = pin!(sleep_until(deadline.into()));
    poll_fn(|cx| {
        while !race.is_lost() {
            let now = now();
            if now >= deadline {
                return Poll::Ready(Err(Error::over(WaitingFor::Connection)));
            }
            if let Some(address) = race.start(now) {
                running.push(Box::pin(attempt(address, options)));
            }
            let mut has_failed = false;
            let mut index = 0;
            while let Some(attempt) = running.get_mut(index) {
                match attempt.as_mut().poll(cx) {
                    Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
                    Poll::Pending => index += 1,
                    Poll::Ready(Err(error)) => {
                        last = Error::Connect(error);
                        drop(running.swap_remove(index));
                        race.failed(now);
                        has_failed = true;
                    }
                }
            }
            if has_failed {
                continue;
            }
            let next = race
                .next_start()
                .map_or(deadline, |next| next.min(deadline));
            alarm.as_mut().reset(next.into());
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
        Poll::Ready(Err(last.clone()))
    })
    .await
}

/// One attempt at one address.
async fn attempt(address: SocketAddr, options: &Options) -> Result<TcpStream, socket::Error> {
    let mut socket = PlainSocket::start_connect_tcp(address)?;
    socket.set_nodelay(options.nodelay)?;
    if options.keepalive.is_some() {
        socket.set_keepalive(options.keepalive)?;
    }
    socket.set_nonblocking(true)?;
    let fd = socket.into_fd().map_err(|_| Refusal::TlsOn)?;
    let stream = TcpStream::from_std(fd.into())?;
    stream.writable().await?;
    match stream.take_error()? {
        None => Ok(stream),
        Some(source) => Err(socket::Error::Connect {
            address: address.into(),
            source: source.into(),
        }),
    }
}

/// How often a listener is asked whose queue is full: it cannot be waited for.
const UNIX_PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

async fn unix(path: &Path) -> Result<Io, Error> {
    let (mut pause, most) = UNIX_PAUSES;
    loop {
        match UnixStream::connect(path).await {
            Ok(stream) => return Ok(stream.into()),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(source) => {
                return Err(Error::Connect(socket::Error::Connect {
                    address: unix_address(path),
                    source: source.into(),
                }));
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(most);
    }
}

/// A path that begins with a NUL is a name in the abstract namespace.
fn unix_address(path: &Path) -> Address {
    match path.as_os_str().as_bytes() {
        [0, name @ ..] => Address::Abstract(name.to_vec()),
        _ => Address::Path(path.to_owned()),
    }
}
