//! The session over a kernel that is played.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use super::*;
use crate::cipher::Cipher;
use crate::schedule::Keys;
use zeroize::Zeroizing;

/// `errno` of what the kernel answers.
const EIO: i32 = 5;
const EPIPE: i32 = 32;
const EBADMSG: i32 = 74;
const EMSGSIZE: i32 = 90;
const ECONNRESET: i32 = 104;
const EKEYEXPIRED: i32 = 127;

/// What comes to the descriptor, in order.
#[derive(Clone, Debug)]
enum Inbound {
    Record(u8, Vec<u8>),
    Error(i32),
    End,
}

/// A connection in the kernel.
#[derive(Debug)]
struct Wire {
    inbound: VecDeque<Inbound>,
    sent: Vec<(u8, Vec<u8>)>,
    /// How many octets and records may be sent still.
    room: usize,
    /// The direction, and whether the kernel took the keys.
    installed: Vec<Direction>,
    takes_keys: bool,
    /// The error that is kept for the descriptor.
    error: Option<i32>,
    /// The descriptor is asked without waiting.
    asked: usize,
}

#[derive(Clone, Debug)]
struct Played(Arc<Mutex<Wire>>);

impl Played {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Wire {
            inbound: VecDeque::new(),
            sent: Vec::new(),
            room: usize::MAX,
            installed: Vec::new(),
            takes_keys: true,
            error: None,
            asked: 0,
        })))
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap()
    }

    fn comes(&self, inbound: impl IntoIterator<Item = Inbound>) {
        self.wire().inbound.extend(inbound);
    }

    fn sent(&self) -> Vec<(u8, Vec<u8>)> {
        std::mem::take(&mut self.wire().sent)
    }

    /// Sends a record, as far as there is room for it.
    fn put(&self, content_type: u8, octets: &[u8], whole: bool) -> io::Result<usize> {
        let mut wire = self.wire();
        if let Some(errno) = wire.error {
            return Err(io::Error::from_raw_os_error(errno));
        }
        let taken = octets.len().min(wire.room);
        if taken == 0 || (whole && taken < octets.len()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        wire.room -= taken;
        wire.sent.push((content_type, octets[..taken].to_vec()));
        Ok(taken)
    }

    fn receive_data(&self, buf: &mut [u8]) -> io::Result<usize> {
        let mut wire = self.wire();
        match wire.inbound.front_mut() {
            None => Err(io::ErrorKind::WouldBlock.into()),
            Some(Inbound::End) => Ok(0),
            Some(Inbound::Error(errno)) => {
                let error = io::Error::from_raw_os_error(*errno);
                wire.inbound.pop_front();
                Err(error)
            }
            Some(Inbound::Record(APPLICATION_DATA, data)) => {
                let octets = data.len().min(buf.len());
                buf[..octets].copy_from_slice(&data[..octets]);
                data.drain(..octets);
                if data.is_empty() {
                    wire.inbound.pop_front();
                }
                Ok(octets)
            }
            Some(Inbound::Record(..)) => Err(io::Error::from_raw_os_error(EIO)),
        }
    }
}

impl Read for Played {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.receive_data(buf)
    }
}

impl Write for Played {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.put(APPLICATION_DATA, buf, false)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kernel for Played {
    fn install(&self, _: &dyn Transport, direction: Direction, _: &Keys) -> io::Result<()> {
        let mut wire = self.wire();
        if !wire.takes_keys {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        wire.installed.push(direction);
        Ok(())
    }

    fn read(&self, _: &dyn Transport, buf: &mut [u8]) -> io::Result<usize> {
        self.wire().asked += 1;
        self.receive_data(buf)
    }

    fn receive(&self, _: &dyn Transport, buf: &mut [u8]) -> io::Result<Received> {
        match self.wire().inbound.pop_front() {
            None => Err(io::ErrorKind::WouldBlock.into()),
            Some(Inbound::End) => Ok(Received {
                content_type: None,
                octets: 0,
            }),
            Some(Inbound::Error(errno)) => Err(io::Error::from_raw_os_error(errno)),
            Some(Inbound::Record(content_type, octets)) => {
                buf[..octets.len()].copy_from_slice(&octets);
                Ok(Received {
                    content_type: Some(content_type),
                    octets: octets.len(),
                })
            }
        }
    }

    fn send(&self, _: &dyn Transport, content_type: u8, octets: &[u8]) -> io::Result<()> {
        self.put(content_type, octets, true).map(|_| ())
    }

    fn has_room(&self, _: &dyn Transport) -> io::Result<bool> {
        Ok(self.wire().room > 0)
    }

    fn clear_error(&self, _: &dyn Transport) {
        self.wire().error = None;
    }

    fn judge(error: &io::Error) -> Verdict {
        System::judge(error)
    }
}

fn data(octets: &[u8]) -> Inbound {
    Inbound::Record(APPLICATION_DATA, octets.to_vec())
}

fn alert(level: u8, alert: Alert) -> Inbound {
    Inbound::Record(ALERT, vec![level, alert.0])
}

fn update(asks: bool) -> Inbound {
    Inbound::Record(HANDSHAKE, key_update(asks).to_vec())
}

fn ticket() -> Inbound {
    let mut message = vec![4, 0, 0, 100];
    message.resize(104, 7);
    Inbound::Record(HANDSHAKE, message)
}

fn schedule() -> Schedule {
    Schedule::new(Cipher::Aes128Gcm, Zeroizing::new(vec![9; 32])).unwrap()
}

struct Session {
    inner: Inner<Played>,
    io: Played,
}

fn session(role: Role, renews: bool) -> Session {
    let io = Played::new();
    let next = renews.then(|| (schedule(), schedule()));
    Session {
        inner: Inner::new(io.clone(), "played", role, next),
        io,
    }
}

impl Session {
    fn read(&mut self) -> Result<Step<Vec<u8>>, Error> {
        let mut buf = [0; 64];
        let read = self.inner.read(&mut self.io, &mut buf)?;
        Ok(read.map(|octets| buf[..octets].to_vec()))
    }

    fn write(&mut self, words: &[u8]) -> Result<Step<usize>, Error> {
        self.inner.write(&mut self.io, &[IoSlice::new(words)])
    }

    fn flush(&mut self) -> Result<Step<()>, Error> {
        self.inner.flush(&mut self.io)
    }

    fn close(&mut self) -> Result<Step<()>, Error> {
        self.inner.close(&mut self.io)
    }

    fn key_update(&mut self) -> Result<Step<()>, Error> {
        self.inner.key_update(&mut self.io)
    }

    /// Asserts that reading ends so, that it stays so for every call, and that
    /// this alert was sent.
    #[track_caller]
    fn fails(&mut self, error: impl Into<Error>, told: Option<Alert>) {
        let error = error.into();
        assert_eq!(self.read(), Err(error.clone()));
        let expected: Vec<_> = told
            .into_iter()
            .map(|told| (ALERT, vec![FATAL, told.0]))
            .collect();
        assert_eq!(self.io.sent(), expected);
        assert_eq!(self.read(), Err(error.clone()));
        assert_eq!(self.write(b"x"), Err(error.clone()));
        assert_eq!(self.flush(), Err(error.clone()));
        assert_eq!(self.close(), Err(error.clone()));
        assert_eq!(self.key_update(), Err(error.clone()));
        assert_eq!(self.inner.check_sound(), Err(error));
        assert_eq!(self.io.sent(), [], "nothing follows the alert");
        assert!(!self.inner.pending());
    }
}

const READ: Interest = Interest::READ;
const BOTH: Interest = Interest::READ.union(Interest::WRITE);

fn blocked<T>(interest: Interest) -> Result<Step<T>, Error> {
    Ok(Step::Blocked(interest))
}

#[test]
fn data_pass_in_both_directions() {
    let mut session = session(Role::Client, false);
    assert_eq!(session.read(), blocked(READ));
    session.io.comes([data(b"one"), data(b"two")]);
    assert_eq!(session.read(), Ok(Step::Ready(b"one".to_vec())));
    assert_eq!(session.read(), Ok(Step::Ready(b"two".to_vec())));
    assert_eq!(session.read(), blocked(READ));
    assert_eq!(session.write(b"three"), Ok(Step::Ready(5)));
    assert_eq!(session.write(b""), Ok(Step::Ready(0)));
    session.io.wire().room = 2;
    assert_eq!(session.write(b"four"), Ok(Step::Ready(2)));
    assert_eq!(session.inner.interest(), BOTH);
    assert_eq!(session.flush(), blocked(Interest::WRITE));
    assert_eq!(session.write(b"ur"), blocked(Interest::WRITE));
    session.io.wire().room = 9;
    assert_eq!(session.flush(), Ok(Step::Ready(())));
    let sent = session.io.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1], (APPLICATION_DATA, b"fo".to_vec()));
    assert_eq!(session.inner.interest(), READ);
}

#[test]
fn a_clean_end_leaves_the_other_direction_open() {
    let mut session = session(Role::Server, false);
    session.io.comes([
        data(b"x"),
        alert(WARNING, Alert::USER_CANCELED),
        alert(WARNING, Alert::CLOSE_NOTIFY),
        data(b"nobody's"),
    ]);
    assert_eq!(session.read(), Ok(Step::Ready(b"x".to_vec())));
    for _ in 0..2 {
        assert_eq!(session.read(), Ok(Step::Ready(Vec::new())));
    }
    assert_eq!(session.write(b"still"), Ok(Step::Ready(5)));
    assert_eq!(session.close(), Ok(Step::Ready(())));
}

#[test]
fn an_end_without_close_notify_is_a_truncation() {
    let mut session = session(Role::Server, true);
    session.io.comes([data(b"x"), Inbound::End]);
    assert_eq!(session.read(), Ok(Step::Ready(b"x".to_vec())));
    session.fails(Error::Truncated, None);
}

#[test]
fn an_alert_is_told_whatever_its_level() {
    for level in [WARNING, FATAL, 0] {
        let mut session = session(Role::Client, true);
        session.io.comes([alert(level, Alert::UNKNOWN_CA)]);
        session.fails(Error::AlertReceived(Alert::UNKNOWN_CA), None);
    }
    for record in [vec![], vec![2], vec![2, 0, 0]] {
        let mut session = session(Role::Client, true);
        session.io.comes([Inbound::Record(ALERT, record)]);
        session.fails(PeerMisbehaved::Malformed, Some(Alert::DECODE_ERROR));
    }
}

#[test]
fn what_the_kernel_finds_is_told_to_the_peer() {
    for (errno, error, told) in [
        (
            EBADMSG,
            PeerMisbehaved::BadCryptography,
            Alert::BAD_RECORD_MAC,
        ),
        (
            EMSGSIZE,
            PeerMisbehaved::RecordOverflow,
            Alert::RECORD_OVERFLOW,
        ),
        (
            EKEYEXPIRED,
            PeerMisbehaved::UnexpectedMessage,
            Alert::UNEXPECTED_MESSAGE,
        ),
    ] {
        let mut session = session(Role::Client, true);
        session.io.wire().error = Some(errno);
        session.io.comes([data(b"x"), Inbound::Error(errno)]);
        assert_eq!(session.read(), Ok(Step::Ready(b"x".to_vec())));
        session.fails(error, Some(told));
    }
    let mut session = session(Role::Client, true);
    session.io.comes([Inbound::Error(ECONNRESET)]);
    session.fails(io::Error::from_raw_os_error(ECONNRESET), None);
}

#[test]
fn a_write_that_hears_of_a_fault_leaves_it_to_the_reader() {
    for end in [None, Some(Inbound::End)] {
        let mut session = session(Role::Client, true);
        session.io.wire().error = Some(EMSGSIZE);
        session.io.comes([data(b"before")]);
        session.io.comes(end);
        assert_eq!(session.write(b"words"), Ok(Step::Ready(5)));
        assert_eq!(session.io.sent().len(), 1);
        assert_eq!(session.read(), Ok(Step::Ready(b"before".to_vec())));
        assert_eq!(session.io.wire().asked, 1, "it must not be waited for");
        session.fails(PeerMisbehaved::RecordOverflow, Some(Alert::RECORD_OVERFLOW));
    }
    let mut session = session(Role::Client, true);
    session.io.wire().error = Some(ECONNRESET);
    let reset = Error::from(io::Error::from_raw_os_error(ECONNRESET));
    assert_eq!(session.write(b"words"), Err(reset.clone()));
    session.fails(reset, None);
}

#[test]
fn a_client_passes_over_tickets_but_not_for_ever() {
    let mut session = session(Role::Client, false);
    session.io.comes(vec![ticket(); 3]);
    session.io.comes([data(b"x")]);
    assert_eq!(session.read(), Ok(Step::Ready(b"x".to_vec())));
    session.io.comes(vec![ticket(); MAX_TURNS as usize + 1]);
    session.io.comes([data(b"y")]);
    assert_eq!(session.read(), blocked(READ));
    assert!(session.inner.pending(), "the caller only has its turn");
    assert_eq!(session.read(), Ok(Step::Ready(b"y".to_vec())));
    assert!(!session.inner.pending());
}

#[test]
fn messages_that_are_not_allowed_are_refused() {
    let unexpected = Some(Alert::UNEXPECTED_MESSAGE);
    for inbound in [
        vec![Inbound::Record(20, vec![1])],
        vec![Inbound::Record(99, vec![1, 2])],
        vec![Inbound::Record(HANDSHAKE, vec![])],
        vec![Inbound::Record(HANDSHAKE, vec![1, 0, 0, 0])],
        // Amid a message, data and an alert.
        vec![Inbound::Record(HANDSHAKE, vec![4, 0, 0]), data(b"x")],
        vec![
            Inbound::Record(HANDSHAKE, vec![4, 0]),
            alert(WARNING, Alert::CLOSE_NOTIFY),
        ],
    ] {
        let mut session = session(Role::Client, true);
        session.io.comes(inbound);
        session.fails(PeerMisbehaved::UnexpectedMessage, unexpected);
    }
    let mut session = session(Role::Server, true);
    session.io.comes([ticket()]);
    session.fails(PeerMisbehaved::UnexpectedMessage, unexpected);
    let mut client = self::session(Role::Client, true);
    client
        .io
        .comes([Inbound::Record(HANDSHAKE, vec![24, 0, 0, 1, 9])]);
    client.fails(
        PeerMisbehaved::IllegalParameter,
        Some(Alert::ILLEGAL_PARAMETER),
    );
}

#[test]
fn keys_follow_the_peers_and_the_answer_goes_before_the_next_data() {
    let mut session = session(Role::Server, true);
    session.io.comes([update(false), data(b"x")]);
    assert_eq!(session.read(), Ok(Step::Ready(b"x".to_vec())));
    assert_eq!(session.io.wire().installed, [Direction::Receive]);
    assert_eq!(session.io.sent(), []);
    session.io.comes([update(true), data(b"y")]);
    session.io.wire().room = 0;
    assert_eq!(session.read(), Ok(Step::Ready(b"y".to_vec())));
    assert_eq!(session.inner.interest(), BOTH);
    assert_eq!(session.write(b"z"), blocked(Interest::WRITE));
    assert_eq!(session.flush(), blocked(Interest::WRITE));
    // Another one needs no other answer.
    session.io.comes([update(true)]);
    assert_eq!(session.read(), blocked(READ));
    session.io.wire().room = 100;
    assert_eq!(session.write(b"z"), Ok(Step::Ready(1)));
    let answer = (HANDSHAKE, key_update(false).to_vec());
    assert_eq!(
        session.io.sent(),
        [answer, (APPLICATION_DATA, b"z".to_vec())]
    );
    let directions = [
        Direction::Receive,
        Direction::Receive,
        Direction::Receive,
        Direction::Transmit,
    ];
    assert_eq!(session.io.wire().installed, directions);
    assert_eq!(session.inner.interest(), READ);
}

#[test]
fn keys_are_renewed_once_for_a_call_that_blocks() {
    let mut session = session(Role::Client, true);
    session.io.wire().room = 0;
    assert_eq!(session.key_update(), blocked(Interest::WRITE));
    assert_eq!(session.inner.interest(), BOTH);
    session.io.wire().room = 100;
    assert_eq!(session.flush(), Ok(Step::Ready(())));
    assert_eq!(session.key_update(), Ok(Step::Ready(())));
    let ours = (HANDSHAKE, key_update(true).to_vec());
    assert_eq!(session.io.sent(), std::slice::from_ref(&ours));
    assert_eq!(session.io.wire().installed, [Direction::Transmit]);
    assert_eq!(session.key_update(), Ok(Step::Ready(())));
    assert_eq!(session.io.sent(), [ours], "the next call is another one");
}

#[test]
fn without_new_keys_ours_is_refused_and_the_peers_ends_the_session() {
    let mut session = session(Role::Client, false);
    let refusal = session.inner.cannot_renew();
    assert_eq!(session.key_update(), Err(refusal.clone()));
    assert_eq!(session.write(b"on"), Ok(Step::Ready(2)));
    assert_eq!(session.io.sent().len(), 1);
    session.io.comes([update(true)]);
    session.fails(refusal, Some(Alert::INTERNAL_ERROR));
}

#[test]
fn keys_that_the_kernel_does_not_take_end_the_session() {
    let busy = || io::Error::from(io::ErrorKind::ResourceBusy);
    let mut session = session(Role::Client, true);
    session.io.wire().takes_keys = false;
    assert_eq!(session.key_update(), Err(busy().into()));
    assert_eq!(session.io.sent().len(), 1);
    session.fails(busy(), None);
    let mut session = self::session(Role::Client, true);
    session.io.wire().takes_keys = false;
    session.io.comes([update(false)]);
    session.fails(busy(), Some(Alert::INTERNAL_ERROR));
}

#[test]
fn the_end_is_sent_once_and_waited_for() {
    let mut session = session(Role::Client, true);
    session.io.wire().room = 0;
    assert_eq!(session.close(), blocked(Interest::WRITE));
    assert_eq!(session.inner.interest(), BOTH);
    assert_eq!(session.write(b"x"), Err(Error::Closed));
    assert_eq!(session.key_update(), Err(Error::Closed));
    // The kernel takes it, but keeps it from TCP.
    session.io.wire().room = 2;
    assert_eq!(session.close(), blocked(Interest::WRITE));
    assert_eq!(session.flush(), blocked(Interest::WRITE));
    session.io.wire().room = 9;
    assert_eq!(session.flush(), Ok(Step::Ready(())));
    assert_eq!(session.close(), Ok(Step::Ready(())));
    assert_eq!(session.inner.interest(), READ);
    let close = (ALERT, vec![WARNING, Alert::CLOSE_NOTIFY.0]);
    assert_eq!(session.io.sent(), [close]);
    // Reading goes on, and no KeyUpdate is answered any more.
    session.io.comes([update(true), data(b"x")]);
    assert_eq!(session.read(), Ok(Step::Ready(b"x".to_vec())));
    assert_eq!(session.inner.interest(), READ);
    session.io.comes([Inbound::Error(EBADMSG)]);
    session.fails(PeerMisbehaved::BadCryptography, None);
}

#[test]
fn a_peer_that_is_gone_needs_no_end() {
    let mut session = session(Role::Client, true);
    session.io.wire().error = Some(EPIPE);
    assert_eq!(session.close(), Ok(Step::Ready(())));
    session.io.wire().error = None;
    session.io.comes([data(b"its last words")]);
    assert_eq!(session.read(), Ok(Step::Ready(b"its last words".to_vec())));
}

#[test]
fn the_end_comes_behind_a_renewal_that_is_under_way_or_instead_of_it() {
    let mut session = session(Role::Client, true);
    session.io.wire().room = 0;
    assert_eq!(session.key_update(), blocked(Interest::WRITE));
    assert_eq!(session.close(), blocked(Interest::WRITE));
    session.io.wire().room = 100;
    assert_eq!(session.close(), Ok(Step::Ready(())));
    let close = (ALERT, vec![WARNING, Alert::CLOSE_NOTIFY.0]);
    assert_eq!(session.io.sent(), [close]);
}

#[test]
fn a_read_without_room_takes_nothing() {
    let mut session = session(Role::Client, true);
    session.io.comes([data(b"x")]);
    let read = session.inner.read(&mut session.io, &mut []);
    assert_eq!(read, Ok(Step::Ready(0)));
    assert_eq!(session.read(), Ok(Step::Ready(b"x".to_vec())));
}
