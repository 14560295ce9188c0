//! One fault at each offset of a whole exchange: the handshake, a little data
//! and both closes.
//!
//! The handshakes here are short (one certificate, a classical group), so
//! that a sweep is affordable.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use polytls::tls::{
    Capabilities, ClientAuth, ClientConfigBuilder, Error, NamedGroup, Role, ServerConfigBuilder,
    ServerName, TlsBackend, Transport, parse_server_name,
};

use super::Depth;
use super::data::pattern;
use crate::faults::{BitFlippedAt, CutAt, ResetAt};
use crate::pair::{Exchange, Pair};
use crate::pipe::{End, other};
use crate::pki::HOST;
use crate::scenario::{Case, Contexts, Scenario, role_name, scenario};
use crate::wire::records;

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>(depth: Depth) -> Vec<Scenario<C, S>> {
    let stride = match depth {
        Depth::Full => 1,
        Depth::Sample => 23,
    };
    let every = match depth {
        Depth::Full => "every_offset".to_owned(),
        Depth::Sample => format!("every_{stride}rd_offset"),
    };
    let mut table = Vec::new();
    for receiver in [Role::Client, Role::Server] {
        let of = role_name(receiver);
        let sweeps: [(String, Stage); 3] = [
            (
                format!("a_cut_at_{every}_to_the_{of}_is_a_truncation"),
                Sweep::cut,
            ),
            (
                format!("a_reset_at_{every}_to_the_{of}_is_an_error"),
                Sweep::reset,
            ),
            (
                format!("a_flipped_bit_at_{every}_to_the_{of}_is_found"),
                Sweep::flip,
            ),
        ];
        for (name, fault) in sweeps {
            table.push(
                scenario(name.clone(), move |case: &Case<C, S>| {
                    sweep(case, plain(case), &Sweep { receiver, stride }, fault);
                })
                .needs(Capabilities::GROUPS),
            );
            table.push(
                scenario(
                    format!("{name}_with_client_certificate"),
                    move |case: &Case<C, S>| {
                        sweep(case, mutual(case), &Sweep { receiver, stride }, fault);
                    },
                )
                .needs(Capabilities::GROUPS)
                .needs_client(Capabilities::IDENTITY)
                .needs_server(Capabilities::CLIENT_AUTH_REQUIRED),
            );
        }
    }
    table
}

type Check = Box<dyn Fn(&Exchange, &Pair) -> bool>;

/// Makes the fault for an offset.
type Stage = fn(&Sweep, usize) -> Fault;

/// One sweep over what one side receives.
struct Sweep {
    receiver: Role,
    stride: usize,
}

/// A decorator, and what must hold of the exchange over it.
struct Fault {
    decorate: Box<dyn Fn(End) -> Box<dyn Transport>>,
    check: Check,
}

impl Sweep {
    fn cut(&self, offset: usize) -> Fault {
        let receiver = self.receiver;
        Fault {
            decorate: Box::new(move |end| Box::new(CutAt::new(end, offset))),
            check: Box::new(move |exchange, pair| {
                let is_hit = offset < pair.wire.octets_sent_by(other(receiver));
                let end = &exchange.side(receiver).end;
                (!is_hit || *end == Err(Error::Truncated))
                    && matches!(
                        exchange.side(other(receiver)).end,
                        Ok(()) | Err(Error::Truncated)
                    )
            }),
        }
    }

    fn reset(&self, offset: usize) -> Fault {
        let receiver = self.receiver;
        Fault {
            decorate: Box::new(move |end| Box::new(ResetAt::new(end, offset))),
            check: Box::new(move |exchange, pair| {
                let is_hit = offset < pair.wire.octets_sent_by(other(receiver));
                let reset = io::Error::from(io::ErrorKind::ConnectionReset);
                let end = &exchange.side(receiver).end;
                (!is_hit || *end == Err(reset.into()))
                    && matches!(
                        exchange.side(other(receiver)).end,
                        Ok(()) | Err(Error::Truncated)
                    )
            }),
        }
    }

    fn flip(&self, offset: usize) -> Fault {
        let receiver = self.receiver;
        // Another bit at each offset, and all of them over the sweep.
        let mask = 1 << (offset % 8);
        Fault {
            decorate: Box::new(move |end| Box::new(BitFlippedAt::new(end, offset, mask))),
            check: Box::new(move |exchange, pair| {
                let is_found = exchange.client.end.is_err() || exchange.server.end.is_err();
                let sent = pair.wire.sent_by(other(receiver));
                is_found || offset >= sent.len() || may_go_unnoticed(&sent, offset)
            }),
        }
    }
}

/// A record's type and legacy version need not be protected: a library may
/// know what they are in an encrypted record and not look (RFC 8446, section
/// 5.2). The data is whole even then, or the sweep fails before it asks here.
fn may_go_unnoticed(sent: &[u8], offset: usize) -> bool {
    records(sent)
        .iter()
        .any(|record| (record.offset..record.offset + 3).contains(&offset))
}

type Configs = (ClientConfigBuilder, ServerConfigBuilder);

/// The group is the certificate's curve too, as TLS 1.2 wants it.
const GROUPS: [NamedGroup; 1] = [NamedGroup::Secp256r1];

fn plain<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) -> Configs {
    (
        case.client_config().groups(GROUPS),
        case.server_as(&case.pki.short).groups(GROUPS),
    )
}

fn mutual<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) -> Configs {
    let (client, server) = plain(case);
    let auth = ClientAuth::Required(case.pki.roots.clone());
    (
        client.identity(case.pki.short.clone()),
        server.client_auth(auth),
    )
}

fn sweep<C: TlsBackend, S: TlsBackend>(
    case: &Case<C, S>,
    (client, server): Configs,
    sweep: &Sweep,
    fault: Stage,
) {
    let name = parse_server_name(HOST).expect("a server name");
    let contexts = case.contexts(client, server);
    let contexts = contexts.expect("both backends take the configs");
    let (question, answer) = (pattern(90), pattern(150));
    let mut clean = contexts.plain();
    let exchange = clean.exchange(&question, &answer);
    assert_eq!((exchange.client.end, exchange.server.end), (Ok(()), Ok(())));
    let length = clean.wire.octets_sent_by(other(sweep.receiver));
    let mut failures = Vec::new();
    for offset in (0..length).step_by(sweep.stride) {
        let run = || {
            let Fault { decorate, check } = fault(sweep, offset);
            let mut pair = decorated(&contexts, &name, sweep.receiver, &*decorate);
            let exchange = pair.exchange(&question, &answer);
            let (client, server) = (&exchange.client, &exchange.server);
            assert!(
                question.starts_with(&server.heard) && answer.starts_with(&client.heard),
                "wrong data was delivered"
            );
            assert!(
                (client.end.is_err() || client.heard == answer)
                    && (server.end.is_err() || server.heard == question),
                "data is missing after a clean end"
            );
            assert!(
                check(&exchange, &pair),
                "client {:?}, server {:?}",
                client.end,
                server.end
            );
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
            failures.push(format!("{offset}: {}", words(&*panic)));
        }
    }
    assert!(
        failures.is_empty(),
        "at {} offsets of {length}, the first of them: {:#?}",
        failures.len(),
        &failures[..failures.len().min(5)]
    );
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> &str {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    words
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words")
}

fn decorated<C: TlsBackend, S: TlsBackend>(
    contexts: &Contexts<'_, C, S>,
    name: &ServerName<'_>,
    receiver: Role,
    decorate: &dyn Fn(End) -> Box<dyn Transport>,
) -> Pair {
    let plain = |end: End| -> Box<dyn Transport> { Box::new(end) };
    match receiver {
        Role::Client => contexts.pair(name, decorate, plain),
        Role::Server => contexts.pair(name, plain, decorate),
    }
}
