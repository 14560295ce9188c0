//! Sending from a file.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;
use socket2::SockRef;
use transport::{Interest, Step};

use crate::file_pieces::FilePieces;
use crate::layer::LayerSession;
use crate::{Error, Layer, Refusal, Socket, sendfile};

/// How much the kernel is asked to send at once where the time is bounded, so
/// that it is looked at now and then although the peer reads fast: 1 MiB.
const KERNEL_PIECE: u64 = 1 << 20;

/// The furthest place in a file.
const MAX_OFFSET: u64 = i64::MAX as u64;

/// What was sent from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileSent {
    /// How many octets were taken. They are not to be sent again.
    pub octets: u64,
    /// How they went, the last of them if it changed on the way.
    pub route: Route,
}

/// How octets go from a file to the peer. It is the same octets and the same
/// outcome on each of them; they differ in what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Route {
    /// The kernel sends from the file, in the clear (`sendfile`).
    Sendfile,
    /// The kernel sends from the file and encrypts (`sendfile` under kernel
    /// TLS).
    KernelTls,
    /// They are read into memory, 64 KiB at a time at most, and sent from
    /// there. The kernel encrypts them if there is kernel TLS.
    Copied,
    /// They are read into memory, 64 KiB at a time at most, and the TLS library
    /// encrypts them.
    Encrypted,
}

impl<B: Layer> Socket<B> {
    /// Sends `length` octets of a file, from `offset` on, within the write
    /// timeout as a whole. `offset` is advanced by what was taken, on failure
    /// too: the same call with what is left of the length goes on. The file's
    /// own position is neither used nor changed.
    ///
    /// The file must be one that can be read at any place. Reading it may wait
    /// for the disk, which no timeout bounds.
    ///
    /// # Route
    /// The answer tells how the octets went; see [`Route`]. On Linux the kernel
    /// sends them, on a plain socket and under kernel TLS, if the descriptor is
    /// [non-blocking](Self::set_nonblocking) or nothing bounds the wait: no
    /// timeout and no deadline. `sendfile` knows no flag that keeps it from
    /// waiting. Otherwise, and for a file or a system without `sendfile`, and
    /// under TLS that is not the kernel's, they pass through memory: 64 KiB,
    /// whatever the length, and none between two operations. No route raises
    /// the signal SIGPIPE.
    ///
    /// Under TLS this finishes the handshake first, and then waits until the
    /// records have left, as [`send_all`](Self::send_all) does.
    ///
    /// # Errors
    /// - [`Error::FileTooShort`] if the file ends before `length` octets,
    ///   perhaps because somebody has cut it meanwhile. What a TLS session still
    ///   holds goes out with the next operation or [`flush`](Self::flush).
    /// - [`Error::File`] if the file cannot be read.
    /// - [`Error::Timeout`] tells how many octets were taken; with all of them
    ///   taken, a TLS session still holds some.
    /// - [`Error::Closed`] after [`shutdown_write`](Self::shutdown_write).
    /// - [`Refusal::FileOffset`] for an offset over 2⁶³ - 1, at which no file
    ///   has anything.
    pub fn send_file(
        &mut self,
        file: impl AsFd,
        offset: &mut u64,
        length: u64,
    ) -> Result<FileSent, Error> {
        let mut budget = self.write_budget();
        budget.start();
        let mut source = Source::new(file.as_fd(), offset);
        let mut octets = 0;
        loop {
            let left = length - octets;
            let sent = self
                .drive(&mut budget, |socket, waits| {
                    socket.send_file_step(&mut source, left, waits)
                })
                .map_err(|error| error.with_done(saturated(octets)))?;
            octets += sent.octets;
            if octets == length {
                self.drain_held(&mut budget)
                    .map_err(|error| error.with_done(saturated(octets)))?;
                return Ok(FileSent { octets, ..sent });
            }
            if sent.octets == 0 {
                return Err(Error::FileTooShort {
                    sent: octets,
                    wanted: length,
                });
            }
            budget
                .check()
                .map_err(|error| error.with_done(saturated(octets)))?;
        }
    }

    /// Sends octets of a file, from `offset` on, without waiting for the peer:
    /// what one step takes, and no more than `max`. `offset` is advanced by
    /// that. With 0 octets of a `max` that is not 0, the file ends here.
    ///
    /// Blocked, it has taken nothing, and goes on when it is called again. What
    /// a TLS session took but could not send shows in
    /// [`interest`](Self::interest). The route and the errors are those of
    /// [`send_file`](Self::send_file): make the descriptor
    /// [non-blocking](Self::set_nonblocking) and the kernel can send.
    pub fn try_send_file(
        &mut self,
        file: impl AsFd,
        offset: &mut u64,
        max: u64,
    ) -> Result<Step<FileSent>, Error> {
        let mut source = Source::new(file.as_fd(), offset);
        self.send_file_step(&mut source, max, false)
    }

    fn send_file_step(
        &mut self,
        source: &mut Source<'_>,
        max: u64,
        waits: bool,
    ) -> Result<Step<FileSent>, Error> {
        if self.write_shut {
            return Err(Error::Closed);
        }
        let max = max.min(source.room()?);
        if max == 0 {
            let route = self.kernel_route().unwrap_or(self.copying_route());
            return Ok(Step::Ready(FileSent { octets: 0, route }));
        }
        // The file is not read before there is somebody to take it.
        if let (Some(session), mut wire) = self.parts(waits)
            && let Step::Blocked(interest) = session.prepare(&mut wire)?
        {
            return Ok(Step::Blocked(interest));
        }
        let (step, route) = match self.kernel_step(source, max, waits)? {
            Some(sent) => sent,
            None => (self.copying_step(source, max, waits)?, self.copying_route()),
        };
        Ok(step.map(|octets| {
            self.statistics.sent.add(octets);
            let octets = octets as u64;
            *source.offset += octets;
            FileSent { octets, route }
        }))
    }

    /// The route past this process, if the system has it and the session lets
    /// it be taken.
    fn kernel_route(&self) -> Option<Route> {
        match &self.session {
            _ if !sendfile::EXISTS => None,
            None => Some(Route::Sendfile),
            Some(session) => session.kernel_encrypts().then_some(Route::KernelTls),
        }
    }

    fn copying_route(&self) -> Route {
        match &self.session {
            Some(session) if !session.kernel_encrypts() => Route::Encrypted,
            _ => Route::Copied,
        }
    }

    /// Lets the kernel send. None if it cannot: nothing has been sent then.
    fn kernel_step(
        &mut self,
        source: &mut Source<'_>,
        max: u64,
        waits: bool,
    ) -> Result<Option<(Step<usize>, Route)>, Error> {
        let Some(route) = self.kernel_route() else {
            return Ok(None);
        };
        // Others who share the descriptor may have changed its mode.
        if source.is_for_reading || !(waits || SockRef::from(&self.fd).nonblocking()?) {
            return Ok(None);
        }
        let most = match waits {
            true => max,
            false => max.min(KERNEL_PIECE),
        };
        let (session, mut wire) = self.parts(waits);
        let errno = match wire.send_from(source.file, *source.offset, most) {
            Ok(octets) => return Ok(Some((Step::Ready(octets), route))),
            Err(Errno::AGAIN) => return Ok(Some((Step::Blocked(Interest::WRITE), route))),
            Err(errno) => errno,
        };
        // The error is the file's if the file cannot be read by any means.
        source.read(1)?;
        if is_of_the_file_kind(errno) {
            source.is_for_reading = true;
            return Ok(None);
        }
        let error = io::Error::from(errno);
        Err(match session {
            None => error.into(),
            Some(session) => session.broken(error),
        })
    }

    /// Reads some and sends it. What was not taken is read again later.
    fn copying_step(
        &mut self,
        source: &Source<'_>,
        max: u64,
        waits: bool,
    ) -> Result<Step<usize>, Error> {
        source.read(max)?.show(|pieces| {
            if pieces.is_empty() {
                return Ok(Step::Ready(0));
            }
            let step = match self.parts(waits) {
                (None, mut wire) => wire.transmit(pieces),
                (Some(session), mut wire) => session.transmit(&mut wire, pieces),
            }?;
            match step {
                // It must not be taken for the end of the file.
                Step::Ready(0) => Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                step => Ok(step),
            }
        })
    }
}

/// The file of one operation.
struct Source<'a> {
    file: BorrowedFd<'a>,
    /// Where its next octet is.
    offset: &'a mut u64,
    /// Whether the kernel has told that it does not send from it.
    is_for_reading: bool,
}

impl<'a> Source<'a> {
    fn new(file: BorrowedFd<'a>, offset: &'a mut u64) -> Self {
        Self {
            file,
            offset,
            is_for_reading: false,
        }
    }

    /// How many places there are behind the offset.
    fn room(&self) -> Result<u64, Error> {
        MAX_OFFSET
            .checked_sub(*self.offset)
            .ok_or(Refusal::FileOffset.into())
    }

    /// What is there; nothing is the end.
    fn read(&self, most: u64) -> Result<FilePieces, Error> {
        FilePieces::read(self.file, *self.offset, most)
            .map_err(|errno| Error::File(io::Error::from(errno).into()))
    }
}

/// Whether it says that this file cannot be sent from, or not at this place.
fn is_of_the_file_kind(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::OVERFLOW | Errno::SPIPE
    )
}

fn saturated(octets: u64) -> usize {
    usize::try_from(octets).unwrap_or(usize::MAX)
}
