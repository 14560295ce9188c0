//! `heap/<role>/<state>`: bytes of heap that a connection holds, of Rust's
//! allocator and C's alike, over many connections.
//!
//! The peers are dropped at once, so that only the subjects stay. All use one
//! pipe, one after the other, so that nothing of it is counted.
//!
//! `heap/<role>/<state>/beside` leaves out the connection's own value, which
//! lies where its owner puts it: on a stack, in a task, in a table of
//! connections. A library whose connection is a pointer has no difference
//! there, and one whose connection is a large value has.

use std::io::IoSlice;

use tls_boring::Boring;
use tls_core::{BackendInfo, CipherSuite, ProtocolVersion, Role, TlsBackend};
use tls_native::Native;
use tls_openssl::OpenSsl;
use tls_rustls::Rustls;

use crate::families::MAX_TURNS;
use crate::library::{Library, Outcome, Session};
use crate::ours::Ours;
use crate::pipe::Pipe;
use crate::raw;
use crate::report::Report;
use crate::scenario::Kind;
use crate::settings::Settings;

/// Where a connection stands when its heap is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A client has sent its hello, a server its answer to one.
    Handshaking,
    /// Nothing was received since the handshake: a read has blocked.
    Idle,
    /// A message of 16 KiB went each way and was read, until a read blocked.
    IdleAfterMessage,
    /// Of a message of 16 KiB half is read.
    Active,
}

/// Where the connections' own values lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placed {
    /// Each in an allocation of its own.
    Boxed,
    /// In a table that was there before.
    Beside,
}

const PLACES: [(Placed, &str); 2] = [(Placed::Boxed, ""), (Placed::Beside, "/beside")];

const STATES: [(State, &str); 4] = [
    (State::Handshaking, "handshaking"),
    (State::Idle, "idle"),
    (State::IdleAfterMessage, "idle-after-16384"),
    (State::Active, "active"),
];

/// A state, a role and a backend: a pair.
pub struct Heap {
    /// The name.
    pub id: String,
    /// The backend.
    pub backend: &'static str,
    measure: Box<dyn Fn(Kind, usize) -> Outcome<f64>>,
}

impl Heap {
    /// Bytes for each of so many connections.
    pub fn measure(&self, connections: usize) -> Outcome<Report> {
        let measure = |kind| (self.measure)(kind, connections);
        let pair = (measure(Kind::Ours)?, measure(Kind::Raw)?);
        let id = self.id.clone();
        Ok(Report::exact(id, self.backend, "heap", "bytes", pair))
    }
}

/// Every state in every role on every backend.
pub fn all() -> Vec<Heap> {
    let mut all = Vec::new();
    add::<Ours<Rustls>, raw::Rustls>(&mut all, &Rustls::default().info());
    add::<Ours<OpenSsl>, raw::OpenSsl>(&mut all, &OpenSsl::new().info());
    add::<Ours<Boring>, raw::Boring>(&mut all, &Boring::new().info());
    add::<Ours<Native>, raw::Native>(&mut all, &Native::new().info());
    all
}

fn add<O: Library, R: Library>(all: &mut Vec<Heap>, info: &BackendInfo) {
    for (role, name) in [(Role::Client, "client"), (Role::Server, "server")] {
        let Some(settings) = settings(info, role) else {
            continue;
        };
        for (state, state_name) in STATES {
            all.extend(PLACES.map(|(placed, place_name)| Heap {
                id: format!("heap/{name}/{state_name}{place_name}"),
                backend: info.name,
                measure: Box::new(move |kind, connections| match (kind, role) {
                    (Kind::Ours, Role::Client) => {
                        clients::<O>(&settings, state, placed, connections)
                    }
                    (Kind::Ours, Role::Server) => {
                        servers::<O>(&settings, state, placed, connections)
                    }
                    (Kind::Raw, Role::Client) => {
                        clients::<R>(&settings, state, placed, connections)
                    }
                    (Kind::Raw, Role::Server) => {
                        servers::<R>(&settings, state, placed, connections)
                    }
                }),
            }));
        }
    }
}

/// TLS 1.3, or TLS 1.2 where there is no more.
fn settings(info: &BackendInfo, role: Role) -> Option<Settings> {
    let newest = Settings::tls13(CipherSuite::TLS_AES_128_GCM_SHA256);
    let older = Settings {
        version: ProtocolVersion::Tls12,
        suite: CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        ..newest
    };
    [newest, older]
        .into_iter()
        .find(|settings| settings.suit(info, role))
}

fn clients<L: Library>(
    settings: &Settings,
    state: State,
    placed: Placed,
    connections: usize,
) -> Outcome<f64> {
    let (client, server) = (L::client(settings)?, L::Peer::server(settings)?);
    each(placed, connections, |pipe| {
        let mut subject = L::connect(&client, pipe.end(Role::Client))?;
        if state == State::Handshaking {
            subject.handshake()?;
            return Ok(subject);
        }
        let mut peer = L::Peer::accept(&server, pipe.end(Role::Server))?;
        bring(&mut subject, &mut peer, state)?;
        Ok(subject)
    })
}

fn servers<L: Library>(
    settings: &Settings,
    state: State,
    placed: Placed,
    connections: usize,
) -> Outcome<f64> {
    let (client, server) = (L::Peer::client(settings)?, L::server(settings)?);
    each(placed, connections, |pipe| {
        let mut peer = L::Peer::connect(&client, pipe.end(Role::Client))?;
        let mut subject = L::accept(&server, pipe.end(Role::Server))?;
        if state == State::Handshaking {
            peer.handshake()?;
            subject.handshake()?;
            return Ok(subject);
        }
        bring(&mut subject, &mut peer, state)?;
        Ok(subject)
    })
}

/// Bytes for each connection that `make` makes.
fn each<S: Session>(
    placed: Placed,
    connections: usize,
    make: impl Fn(&Pipe) -> Outcome<S>,
) -> Outcome<f64> {
    match placed {
        Placed::Boxed => each_kept(connections, |pipe| make(pipe).map(Box::new)),
        Placed::Beside => each_kept(connections, make),
    }
}

fn each_kept<K>(connections: usize, make: impl Fn(&Pipe) -> Outcome<K>) -> Outcome<f64> {
    let pipe = Pipe::new();
    // What a library and this thread hold once, whatever the number.
    drop(make(&pipe)?);
    let mut held = Vec::with_capacity(connections);
    let before = in_use().ok_or(UNTOLD)?;
    for _ in 0..connections {
        pipe.clear();
        held.push(make(&pipe)?);
    }
    let grown = in_use().ok_or(UNTOLD)?.saturating_sub(before);
    Ok(grown as f64 / connections as f64)
}

const MESSAGE: usize = 16 * 1024;

/// Does the handshake and goes on to the state.
fn bring(subject: &mut impl Session, peer: &mut impl Session, state: State) -> Outcome<()> {
    let (mut subject_done, mut peer_done) = (false, false);
    for _ in 0..MAX_TURNS {
        subject_done = subject_done || subject.handshake()?;
        peer_done = peer_done || peer.handshake()?;
    }
    if !(subject_done && peer_done) {
        return Err("the handshake does not end".into());
    }
    let message = [0x5a; MESSAGE];
    let mut buf = [0; MESSAGE];
    if state == State::Active {
        peer.send(&[IoSlice::new(&message)])?;
        return subject.receive(&mut buf[..MESSAGE / 2], MESSAGE / 2);
    }
    if state == State::IdleAfterMessage {
        peer.send(&[IoSlice::new(&message)])?;
        subject.receive(&mut buf, MESSAGE)?;
        subject.send(&[IoSlice::new(&message)])?;
        peer.receive(&mut buf, MESSAGE)?;
    }
    match subject.read(&mut buf)? {
        None => Ok(()),
        Some(_) => Err("more came than was sent".into()),
    }
}

const UNTOLD: &str = "only the malloc of glibc tells what is in use";

/// Octets that malloc has given out and not got back; the few that it maps
/// one by one, because they are large, are left out. `None` where the system
/// does not tell.
pub fn in_use() -> Option<usize> {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: it takes no argument and reads malloc's own state under its locks.
        Some(unsafe { libc::mallinfo2() }.uordblks)
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    None
}
