//! `handshake/<version>/<key>/<group>[/mutual]/<role>`: a full handshake, one
//! side of it.
//!
//! From making the session to dropping it. The peer is the library used
//! directly.

use tls_core::{BackendInfo, CipherSuite, NamedGroup, ProtocolVersion, Role};

use super::pair::MAX_TURNS;
use crate::library::{Library, Outcome, Session};
use crate::material::KeyKind;
use crate::meter::Meter;
use crate::pipe::{Calls, End, Pipe};
use crate::scenario::{Bench, Family, Gauge};
use crate::settings::Settings;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Handshake {
    settings: Settings,
    role: Role,
}

impl Family for Handshake {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for version in [ProtocolVersion::Tls13, ProtocolVersion::Tls12] {
            for key in [KeyKind::Ecdsa, KeyKind::Rsa] {
                for group in [NamedGroup::X25519, NamedGroup::X25519MLKEM768] {
                    if group.is_post_quantum() && version == ProtocolVersion::Tls12 {
                        continue;
                    }
                    for mutual in [false, true] {
                        let settings = Settings {
                            version,
                            suite: suite(version, key),
                            group,
                            key,
                            mutual,
                        };
                        all.extend(
                            [Role::Client, Role::Server].map(|role| Self { settings, role }),
                        );
                    }
                }
            }
        }
        all
    }

    fn id(&self) -> String {
        let Settings {
            version,
            group,
            key,
            mutual,
            ..
        } = self.settings;
        let version = match version {
            ProtocolVersion::Tls13 => "tls13",
            _ => "tls12",
        };
        let key = match key {
            KeyKind::Ecdsa => "ecdsa",
            KeyKind::Rsa => "rsa",
        };
        let group = match group {
            NamedGroup::X25519MLKEM768 => "x25519mlkem768",
            _ => "x25519",
        };
        let mutual = if mutual { "/mutual" } else { "" };
        let role = match self.role {
            Role::Client => "client",
            Role::Server => "server",
        };
        format!("handshake/{version}/{key}/{group}{mutual}/{role}")
    }

    fn octets(&self) -> Option<usize> {
        None
    }

    fn gauge(&self) -> Gauge {
        Gauge::Typical { batch: 1 }
    }

    fn suits(&self, info: &BackendInfo) -> bool {
        self.settings.suit(info, self.role)
    }

    fn bench<L: Library>(&self) -> Outcome<Box<dyn Bench>> {
        let settings = &self.settings;
        Ok(match self.role {
            Role::Client => {
                let (subject, peer) = (L::client(settings)?, L::Peer::server(settings)?);
                Box::new(Handshakes {
                    role: self.role,
                    pipe: Pipe::new(),
                    subject: move |io| L::connect(&subject, io),
                    peer: move |io| L::Peer::accept(&peer, io),
                })
            }
            Role::Server => {
                let (subject, peer) = (L::server(settings)?, L::Peer::client(settings)?);
                Box::new(Handshakes {
                    role: self.role,
                    pipe: Pipe::new(),
                    subject: move |io| L::accept(&subject, io),
                    peer: move |io| L::Peer::connect(&peer, io),
                })
            }
        })
    }
}

const fn suite(version: ProtocolVersion, key: KeyKind) -> CipherSuite {
    match (version, key) {
        (ProtocolVersion::Tls13, _) => CipherSuite::TLS_AES_128_GCM_SHA256,
        (_, KeyKind::Ecdsa) => CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        (_, KeyKind::Rsa) => CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    }
}

/// Makes a subject and a peer for each handshake.
struct Handshakes<S, P> {
    role: Role,
    pipe: Pipe,
    subject: S,
    peer: P,
}

impl<S, P, MakeS, MakeP> Bench for Handshakes<MakeS, MakeP>
where
    S: Session,
    P: Session,
    MakeS: Fn(End) -> Outcome<S>,
    MakeP: Fn(End) -> Outcome<P>,
{
    fn run(&mut self, operations: usize, meter: &mut Meter) -> Outcome<()> {
        for _ in 0..operations {
            self.pipe.clear();
            let (own, other) = match self.role {
                Role::Client => (Role::Client, Role::Server),
                Role::Server => (Role::Server, Role::Client),
            };
            let mut peer = (self.peer)(self.pipe.end(other))?;
            let io = self.pipe.end(own);
            let mut subject = meter.measure(|| (self.subject)(io))?;
            let (mut subject_done, mut peer_done) = (false, false);
            let mut turns = MAX_TURNS;
            while !(subject_done && peer_done) {
                turns = turns.checked_sub(1).ok_or("the handshake does not end")?;
                // The client begins, whoever is measured.
                if self.role == Role::Server && !peer_done {
                    peer_done = peer.handshake()?;
                }
                if !subject_done {
                    subject_done = meter.measure(|| subject.handshake())?;
                }
                if self.role == Role::Client && !peer_done {
                    peer_done = peer.handshake()?;
                }
            }
            meter.measure(|| drop(subject));
        }
        Ok(())
    }

    fn calls(&self) -> Calls {
        self.pipe.calls(self.role)
    }
}
