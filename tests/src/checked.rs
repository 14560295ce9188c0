//! Holds a backend to the contract at every call.

use std::io::{self, IoSlice};
#[cfg(unix)]
use std::os::fd::BorrowedFd;

use polytls::tls::{
    BackendInfo, ClientConfig, Error, Interest, KernelTls, ServerConfig, ServerName, SessionFacts,
    Step, TlsBackend, TlsSession, Transport, limits::MAX_HELD_PLAINTEXT,
};

/// A backend that panics, and so fails the scenario, when a call breaks the
/// contract of [`TlsSession`] or leaves an error behind in the library.
#[derive(Clone, Debug)]
pub struct Checked<B>(pub B);

impl<B: TlsBackend> Checked<B> {
    fn clean<T>(&self, result: T) -> T {
        assert_eq!(self.0.leftover_errors(), 0, "errors are left behind");
        result
    }

    fn session(&self, session: B::Session) -> CheckedSession<B> {
        assert!(session.facts().is_none(), "facts before any handshake");
        CheckedSession {
            backend: self.0.clone(),
            session,
            facts: None,
            failed: None,
            closed: false,
            ended: false,
        }
    }
}

impl<B: TlsBackend> TlsBackend for Checked<B> {
    type ClientContext = B::ClientContext;
    type ServerContext = B::ServerContext;
    type Session = CheckedSession<B>;

    fn info(&self) -> BackendInfo {
        self.clean(self.0.info())
    }

    fn client(&self, config: &ClientConfig) -> Result<Self::ClientContext, Error> {
        self.clean(self.0.client(config))
    }

    fn server(&self, config: &ServerConfig) -> Result<Self::ServerContext, Error> {
        self.clean(self.0.server(config))
    }

    fn connect(
        &self,
        context: &Self::ClientContext,
        name: &ServerName<'_>,
    ) -> Result<Self::Session, Error> {
        let session = self.clean(self.0.connect(context, name))?;
        Ok(self.session(session))
    }

    fn accept(&self, context: &Self::ServerContext) -> Result<Self::Session, Error> {
        let session = self.clean(self.0.accept(context))?;
        Ok(self.session(session))
    }

    fn leftover_errors(&self) -> usize {
        self.0.leftover_errors()
    }
}

/// A session of [`Checked`].
#[derive(Debug)]
pub struct CheckedSession<B: TlsBackend> {
    backend: B,
    session: B::Session,
    /// As they were seen first.
    facts: Option<SessionFacts>,
    /// The first final error.
    failed: Option<Error>,
    closed: bool,
    ended: bool,
}

/// Which call was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Handshake,
    Read,
    Write,
    Flush,
    Close,
    KeyUpdate,
}

impl<B: TlsBackend> CheckedSession<B> {
    /// Makes one call over a watched transport and checks what holds for all.
    fn call<T>(
        &mut self,
        call: Call,
        io: &mut dyn Transport,
        f: impl FnOnce(&mut B::Session, &mut dyn Transport) -> Result<Step<T>, Error>,
    ) -> (Result<Step<T>, Error>, Watched) {
        let mut io = WatchedTransport {
            inner: io,
            seen: Watched::default(),
        };
        let result = f(&mut self.session, &mut io);
        let seen = io.seen;
        assert_eq!(
            self.backend.leftover_errors(),
            0,
            "{call:?} left errors behind"
        );
        self.check_facts(call, result.as_ref().map(Step::is_ready));
        match &result {
            Ok(Step::Ready(_)) => assert_eq!(self.failed, None, "{call:?} works after an error"),
            Ok(Step::Blocked(interest)) => {
                assert_eq!(self.failed, None, "{call:?} blocks after an error");
                self.check_blocked(call, *interest, &seen);
            }
            Err(error) => self.check_error(call, error),
        }
        (result, seen)
    }

    fn check_blocked(&self, call: Call, interest: Interest, seen: &Watched) {
        assert!(!interest.is_empty(), "{call:?} blocks on nothing");
        // Where the kernel makes the records, what is no data goes by the
        // descriptor, past this transport.
        let passes_by = self.session.kernel_tls().transmit && interest == Interest::WRITE;
        // A read may stop to give its caller a turn, and says so.
        let gives_a_turn = call == Call::Read && seen.blocked.is_empty() && self.session.pending();
        assert!(
            seen.blocked.contains(interest) || passes_by || gives_a_turn,
            "{call:?} waits for {interest:?}, but the transport blocked on {:?}",
            seen.blocked
        );
        let waits = self.session.interest();
        assert!(
            waits.contains(interest),
            "{call:?} blocks on {interest:?}, but the interest is {waits:?}"
        );
        if call == Call::Read && interest == Interest::READ && !gives_a_turn {
            assert!(
                !self.session.pending(),
                "a read that waits for the transport is pending: its loop would spin"
            );
        }
    }

    fn check_error(&mut self, call: Call, error: &Error) {
        if let Some(failed) = &self.failed {
            assert_eq!(failed, error, "{call:?} gives another error than before");
        } else if is_final(call, error) {
            self.failed = Some(error.clone());
        }
    }

    fn check_facts(&mut self, call: Call, ready: Result<bool, &Error>) {
        let facts = self.session.facts();
        match (&self.facts, facts) {
            (None, Some(now)) => {
                assert!(
                    call != Call::Handshake || ready == Ok(true),
                    "facts although the handshake is not ready"
                );
                assert_eq!(self.failed, None, "facts after an error");
                self.facts = Some(now.clone());
            }
            (None, None) => {
                let needs_handshake = !matches!(call, Call::Close | Call::KeyUpdate);
                assert!(
                    !(needs_handshake && ready == Ok(true)),
                    "{call:?} is ready without facts"
                );
            }
            (Some(before), now) => assert_eq!(Some(before), now, "the facts changed"),
        }
        if self.facts.is_some() && ready.is_ok() {
            assert!(
                self.session.interest().contains(Interest::READ),
                "after the handshake the session always waits for reading"
            );
        }
    }
}

/// Whether every later call must return this error again.
fn is_final(call: Call, error: &Error) -> bool {
    match error {
        Error::Closed => call != Call::Write,
        Error::Unsupported(_) | Error::Config(_) => call != Call::KeyUpdate,
        _ => true,
    }
}

impl<B: TlsBackend> TlsSession for CheckedSession<B> {
    fn handshake(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        let (result, _) = self.call(Call::Handshake, io, |session, io| session.handshake(io));
        result
    }

    fn read(&mut self, io: &mut dyn Transport, buf: &mut [u8]) -> Result<Step<usize>, Error> {
        let (result, _) = self.call(Call::Read, io, |session, io| session.read(io, buf));
        if let Ok(Step::Ready(octets)) = result {
            assert!(octets <= buf.len(), "more was read than there was room for");
            if self.ended {
                assert_eq!(octets, 0, "data after the end");
            }
            self.ended |= octets == 0 && !buf.is_empty();
        } else if self.ended && result.is_ok() {
            panic!("a read blocks after the end");
        }
        result
    }

    fn write(
        &mut self,
        io: &mut dyn Transport,
        bufs: &[IoSlice<'_>],
    ) -> Result<Step<usize>, Error> {
        let (result, seen) = self.call(Call::Write, io, |session, io| session.write(io, bufs));
        let offered: usize = bufs.iter().map(|buf| buf.len()).sum();
        match &result {
            Ok(Step::Ready(octets)) => {
                assert!(!self.closed, "a write after the close");
                assert!(*octets <= offered, "more was written than offered");
                assert!(*octets > 0 || offered == 0, "a write took nothing");
                assert!(
                    *octets <= seen.written + MAX_HELD_PLAINTEXT,
                    "{octets} octets were accepted, but the transport took {} only",
                    seen.written
                );
            }
            Ok(Step::Blocked(_)) => assert!(!self.closed, "a write blocks after the close"),
            Err(error) => {
                if self.closed && self.failed.is_none() {
                    assert_eq!(error, &Error::Closed, "a write after the close");
                }
                assert!(
                    self.closed || *error != Error::Closed,
                    "closed without a close"
                );
            }
        }
        result
    }

    fn flush(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        let (result, _) = self.call(Call::Flush, io, |session, io| session.flush(io));
        if matches!(result, Ok(Step::Ready(()))) {
            assert!(
                !self.session.interest().contains(Interest::WRITE),
                "a flushed session waits for writing"
            );
        }
        result
    }

    fn close(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        let (result, _) = self.call(Call::Close, io, |session, io| session.close(io));
        self.closed = true;
        result
    }

    fn key_update(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
        let (result, _) = self.call(Call::KeyUpdate, io, |session, io| session.key_update(io));
        result
    }

    fn interest(&self) -> Interest {
        self.session.interest()
    }

    fn pending(&self) -> bool {
        self.session.pending()
    }

    fn facts(&self) -> Option<&SessionFacts> {
        self.session.facts()
    }

    fn refusal(&self) -> Option<&Error> {
        let refusal = self.session.refusal();
        assert!(
            refusal.is_none() || self.session.interest() == Interest::WRITE,
            "a refusal that waits for nothing"
        );
        refusal
    }

    fn kernel_tls(&self) -> KernelTls {
        self.session.kernel_tls()
    }

    fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &str,
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        let result = self.session.export_keying_material(out, label, context);
        assert_eq!(
            self.backend.leftover_errors(),
            0,
            "the exporter left errors behind"
        );
        result
    }
}

/// What the transport saw during one call.
#[derive(Debug)]
struct Watched {
    blocked: Interest,
    written: usize,
    calls: usize,
}

impl Default for Watched {
    fn default() -> Self {
        Self {
            blocked: Interest::empty(),
            written: 0,
            calls: 0,
        }
    }
}

/// Watches the transport for the length of one call, and stops a busy loop.
struct WatchedTransport<'a> {
    inner: &'a mut dyn Transport,
    seen: Watched,
}

/// More transport calls without progress than one call has a use for.
const BUSY: usize = 1_000;

impl WatchedTransport<'_> {
    fn saw(&mut self, direction: Interest, result: &io::Result<usize>) {
        match result {
            Ok(octets) if *octets > 0 => {
                self.seen.calls = 0;
                if direction == Interest::WRITE {
                    self.seen.written += octets;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.seen.blocked |= direction;
                self.seen.calls += 1;
            }
            _ => self.seen.calls += 1,
        }
        assert!(self.seen.calls < BUSY, "a busy loop over the transport");
    }
}

impl Transport for WatchedTransport<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let result = self.inner.read(buf);
        self.saw(Interest::READ, &result);
        result
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let result = self.inner.write(buf);
        self.saw(Interest::WRITE, &result);
        result
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let result = self.inner.write_vectored(bufs);
        self.saw(Interest::WRITE, &result);
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }

    #[cfg(unix)]
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.inner.descriptor()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use polytls::tls::parse_server_name;

    use super::*;
    use crate::pipe::pipe;

    type Answer = Result<Step<usize>, Error>;

    /// Answers as it is told, whatever is asked.
    #[derive(Clone, Debug, Default)]
    struct Liar {
        answers: VecDeque<Answer>,
        touches: bool,
        leftover: usize,
        pending: bool,
        facts: Option<SessionFacts>,
    }

    impl TlsBackend for Liar {
        type ClientContext = ();
        type ServerContext = ();
        type Session = Self;

        fn info(&self) -> BackendInfo {
            BackendInfo::new("liar", "none")
        }

        fn client(&self, _: &ClientConfig) -> Result<(), Error> {
            Ok(())
        }

        fn server(&self, _: &ServerConfig) -> Result<(), Error> {
            Ok(())
        }

        fn connect(&self, (): &(), _: &ServerName<'_>) -> Result<Self, Error> {
            let facts = None;
            Ok(Self {
                facts,
                leftover: 0,
                ..self.clone()
            })
        }

        fn accept(&self, (): &()) -> Result<Self, Error> {
            Ok(self.clone())
        }

        fn leftover_errors(&self) -> usize {
            self.leftover
        }
    }

    impl Liar {
        fn answer(&mut self, io: &mut dyn Transport) -> Answer {
            if self.touches {
                assert!(io.read(&mut [0]).is_err());
            }
            self.facts = Some(SessionFacts::default());
            self.answers.pop_front().expect("an answer")
        }
    }

    impl TlsSession for Liar {
        fn handshake(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
            Ok(self.answer(io)?.map(|_| ()))
        }

        fn read(&mut self, io: &mut dyn Transport, _: &mut [u8]) -> Answer {
            self.answer(io)
        }

        fn write(&mut self, io: &mut dyn Transport, _: &[IoSlice<'_>]) -> Answer {
            self.answer(io)
        }

        fn flush(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
            self.handshake(io)
        }

        fn close(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
            self.handshake(io)
        }

        fn key_update(&mut self, io: &mut dyn Transport) -> Result<Step<()>, Error> {
            self.handshake(io)
        }

        fn interest(&self) -> Interest {
            Interest::READ
        }

        fn pending(&self) -> bool {
            self.pending
        }

        fn facts(&self) -> Option<&SessionFacts> {
            self.facts.as_ref()
        }

        fn export_keying_material(
            &self,
            _: &mut [u8],
            _: &str,
            _: Option<&[u8]>,
        ) -> Result<(), Error> {
            Ok(())
        }
    }

    fn session(touches: bool, answers: impl IntoIterator<Item = Answer>) -> CheckedSession<Liar> {
        let liar = Liar {
            answers: answers.into_iter().collect(),
            touches,
            ..Liar::default()
        };
        let name = parse_server_name("liar.example").unwrap();
        Checked(liar).connect(&(), &name).unwrap()
    }

    /// What the check says to calls that must not pass.
    fn caught(
        mut session: CheckedSession<Liar>,
        calls: impl FnOnce(&mut CheckedSession<Liar>, &mut dyn Transport),
    ) -> String {
        let (mut io, _, _wire) = pipe();
        let panic = catch_unwind(AssertUnwindSafe(|| calls(&mut session, &mut io)));
        let panic = panic.expect_err("nothing was caught");
        let words = panic.downcast_ref::<String>().cloned();
        words.unwrap_or_else(|| (*panic.downcast_ref::<&str>().unwrap()).to_owned())
    }

    fn reads(times: usize) -> impl Fn(&mut CheckedSession<Liar>, &mut dyn Transport) {
        move |session, io| {
            for _ in 0..times {
                let _ = session.read(io, &mut [0; 4]);
            }
        }
    }

    #[test]
    fn an_honest_session_passes() {
        let answers = [
            Ok(Step::Ready(4)),
            Ok(Step::Blocked(Interest::READ)),
            Ok(Step::Ready(0)),
        ];
        let mut session = session(true, answers);
        let (mut io, _, _wire) = pipe();
        reads(3)(&mut session, &mut io);
    }

    #[test]
    fn a_wrong_count_is_caught() {
        let too_many = session(true, [Ok(Step::Ready(5))]);
        assert!(caught(too_many, reads(1)).contains("more was read"));
        let after_end = session(true, [Ok(Step::Ready(0)), Ok(Step::Ready(1))]);
        assert!(caught(after_end, reads(2)).contains("after the end"));
        let nothing = session(true, [Ok(Step::Ready(0))]);
        let words = caught(nothing, |session, io| {
            let _ = session.write(io, &[IoSlice::new(b"data")]);
        });
        assert!(words.contains("took nothing"), "{words}");
    }

    #[test]
    fn a_block_without_reason_is_caught() {
        let read = || Ok(Step::Blocked(Interest::READ));
        assert!(caught(session(false, [read()]), reads(1)).contains("the transport blocked on"));
        let on_nothing = session(true, [Ok(Step::Blocked(Interest::empty()))]);
        assert!(caught(on_nothing, reads(1)).contains("blocks on nothing"));
        let mut spinning = session(true, [read()]);
        spinning.session.pending = true;
        assert!(caught(spinning, reads(1)).contains("would spin"));
    }

    #[test]
    fn an_error_that_does_not_last_is_caught() {
        let healed = session(true, [Err(Error::Truncated), Ok(Step::Ready(1))]);
        assert!(caught(healed, reads(2)).contains("works after an error"));
        let changed = session(true, [Err(Error::Truncated), Err(Error::Closed)]);
        assert!(caught(changed, reads(2)).contains("another error"));
    }

    #[test]
    fn errors_left_behind_and_early_facts_are_caught() {
        let mut dirty = session(true, [Ok(Step::Ready(1))]);
        dirty.backend.leftover = 1;
        assert!(caught(dirty, reads(1)).contains("left errors behind"));
        let early = session(true, [Ok(Step::Blocked(Interest::READ))]);
        let words = caught(early, |session, io| {
            let _ = session.handshake(io);
        });
        assert!(words.contains("the handshake is not ready"), "{words}");
    }

    #[test]
    fn a_busy_loop_is_stopped() {
        #[derive(Debug)]
        struct Ended;
        impl Transport for Ended {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Ok(0)
            }
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                Ok(buf.len())
            }
        }
        let mut watched = WatchedTransport {
            inner: &mut Ended,
            seen: Watched::default(),
        };
        let spin = AssertUnwindSafe(|| while watched.read(&mut [0]).is_ok() {});
        assert!(catch_unwind(spin).is_err());
    }
}
