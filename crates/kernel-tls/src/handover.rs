//! How a session comes to the kernel.

use std::fmt;

use tls_core::{CipherSuite, Error, KernelTls, ProtocolVersion, Role, SessionFacts, Transport};

use crate::cipher::Cipher;
use crate::kernel::{Direction, Kernel, System};
use crate::one_record::{Borders, OneRecordAtATime};
use crate::schedule::Schedule;
use crate::secrets::Secrets;
use crate::{Offload, capabilities};

/// A session's way to the kernel, for a config that prefers it. A session
/// without one has nothing to do with kernel TLS.
pub struct Handover(Stage);

enum Stage {
    /// The handshake is not done.
    Shaking {
        backend: &'static str,
        borders: Borders,
    },
    /// The kernel has the records.
    Active(Offload),
    /// The library keeps them.
    Declined,
}

/// A handshake that is done.
#[derive(Debug)]
pub struct Finished<'a> {
    /// Which side this is.
    pub role: Role,
    /// What was negotiated.
    pub facts: &'a SessionFacts,
    /// What the library has shown.
    pub secrets: Secrets,
    /// Whether nothing is left in the library: no octet of the peer, none for it.
    pub is_drained: bool,
}

impl Handover {
    /// For a session of this backend whose library shows its secrets.
    pub fn new(backend: &'static str) -> Box<Self> {
        Box::new(Self(match capabilities().is_empty() {
            true => Stage::Declined,
            false => Stage::Shaking {
                backend,
                borders: Borders::default(),
            },
        }))
    }

    /// For a session that never comes to the kernel, although it is preferred.
    pub fn declined() -> Box<Self> {
        Box::new(Self(Stage::Declined))
    }

    /// Whether the handshake is not [settled](Self::settle).
    pub fn is_shaking(&self) -> bool {
        matches!(self.0, Stage::Shaking { .. })
    }

    /// The transport for the handshake.
    pub fn wire<'a>(&'a mut self, io: &'a mut dyn Transport) -> OneRecordAtATime<'a> {
        let borders = match &mut self.0 {
            Stage::Shaking { borders, .. } => Some(borders),
            Stage::Active(_) | Stage::Declined => None,
        };
        OneRecordAtATime::new(io, borders)
    }

    /// Hands the session to the kernel, if that is possible. Called once, when
    /// the handshake is done and its last flight has left. On an error, which is
    /// final, the kernel took one direction and not the other.
    pub fn settle(&mut self, io: &mut dyn Transport, finished: Finished<'_>) -> Result<(), Error> {
        let Stage::Shaking { backend, borders } = &self.0 else {
            return Ok(());
        };
        let is_clean = borders.is_at_one() && finished.is_drained;
        let offload = match prepare(finished).filter(|_| is_clean) {
            Some(prepared) => prepared.begin(io, backend)?,
            None => None,
        };
        self.0 = offload.map_or(Stage::Declined, Stage::Active);
        Ok(())
    }

    /// The session of the kernel, if it has the records.
    pub fn offload(&mut self) -> Option<&mut Offload> {
        match &mut self.0 {
            Stage::Active(offload) => Some(offload),
            Stage::Shaking { .. } | Stage::Declined => None,
        }
    }

    /// The same, to look at.
    pub fn active(&self) -> Option<&Offload> {
        match &self.0 {
            Stage::Active(offload) => Some(offload),
            Stage::Shaking { .. } | Stage::Declined => None,
        }
    }

    /// Where the session stands.
    pub fn status(&self) -> KernelTls {
        match self.0 {
            Stage::Active(_) => KernelTls::active(),
            Stage::Shaking { .. } | Stage::Declined => KernelTls::inactive(true),
        }
    }
}

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Stage::Shaking { .. } => f.write_str("Shaking"),
            Stage::Active(offload) => offload.fmt(f),
            Stage::Declined => f.write_str("Declined"),
        }
    }
}

/// What the kernel needs of a session that it can have.
struct Prepared {
    cipher: Cipher,
    role: Role,
    transmit: Schedule,
    receive: Schedule,
}

fn prepare(finished: Finished<'_>) -> Option<Prepared> {
    let Finished {
        role,
        facts,
        secrets,
        ..
    } = finished;
    if facts.version != Some(ProtocolVersion::Tls13) {
        return None;
    }
    let cipher = facts
        .cipher_suite
        .and_then(|suite: CipherSuite| Cipher::of(suite))?;
    let (own, peers) = match role {
        Role::Client => (secrets.client, secrets.server),
        Role::Server => (secrets.server, secrets.client),
    };
    Some(Prepared {
        cipher,
        role,
        transmit: Schedule::new(cipher, own?)?,
        receive: Schedule::new(cipher, peers?)?,
    })
}

impl Prepared {
    /// `None` if the kernel does not take it: nothing has changed then.
    fn begin(
        self,
        io: &mut dyn Transport,
        backend: &'static str,
    ) -> Result<Option<Offload>, Error> {
        let (transmit, next_transmit) = self.transmit.advance();
        let (receive, next_receive) = self.receive.advance();
        // It fails for what is no TCP connection, or tells no descriptor.
        if !System::has(self.cipher) || System::take_over(io).is_err() {
            return Ok(None);
        }
        if System.install(io, Direction::Transmit, &transmit).is_err() {
            return Ok(None);
        }
        System.install(io, Direction::Receive, &receive)?;
        let next = System::renews(self.cipher).then_some((next_transmit, next_receive));
        Ok(Some(Offload::new(System, backend, self.role, next)))
    }
}

#[cfg(test)]
mod tests {
    use tls_core::SessionFacts;

    use super::*;

    fn facts(version: ProtocolVersion, suite: CipherSuite) -> SessionFacts {
        let mut facts = SessionFacts::default();
        facts.version = Some(version);
        facts.cipher_suite = Some(suite);
        facts
    }

    fn prepared(facts: &SessionFacts, lines: &[(&str, usize)]) -> bool {
        let mut secrets = Secrets::new();
        for (label, length) in lines {
            secrets.note(label, &vec![1; *length]);
        }
        prepare(Finished {
            role: Role::Client,
            facts,
            secrets,
            is_drained: true,
        })
        .is_some()
    }

    #[test]
    fn a_session_is_handed_over_only_with_all_that_it_takes() {
        let both = |length| {
            [
                ("CLIENT_TRAFFIC_SECRET_0", length),
                ("SERVER_TRAFFIC_SECRET_0", length),
            ]
        };
        let suite = CipherSuite::TLS_AES_128_GCM_SHA256;
        let tls13 = facts(ProtocolVersion::Tls13, suite);
        assert!(prepared(&tls13, &both(32)));
        assert!(!prepared(&tls13, &both(48)), "a secret of another hash");
        assert!(!prepared(&tls13, &both(32)[..1]), "one secret");
        assert!(!prepared(&facts(ProtocolVersion::Tls12, suite), &both(32)));
        let ccm = CipherSuite::TLS_AES_128_CCM_SHA256;
        assert!(!prepared(&facts(ProtocolVersion::Tls13, ccm), &both(32)));
    }

    #[test]
    fn a_transport_without_descriptor_keeps_its_library() {
        let mut io = std::io::Cursor::new(Vec::new());
        let mut handover = Handover(Stage::Shaking {
            backend: "a backend",
            borders: Borders::default(),
        });
        let facts = facts(
            ProtocolVersion::Tls13,
            CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
        );
        let mut secrets = Secrets::new();
        secrets.note("CLIENT_TRAFFIC_SECRET_0", &[1; 32]);
        secrets.note("SERVER_TRAFFIC_SECRET_0", &[2; 32]);
        let finished = Finished {
            role: Role::Server,
            facts: &facts,
            secrets,
            is_drained: true,
        };
        assert!(handover.is_shaking());
        handover.settle(&mut io, finished).unwrap();
        assert!(!handover.is_shaking());
        assert!(handover.offload().is_none() && handover.active().is_none());
        assert_eq!(handover.status(), KernelTls::inactive(true));
        assert_eq!(io.into_inner(), b"", "nothing was sent");
    }
}
