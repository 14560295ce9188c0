//! Over loopback TCP, with streams that wait:
//! `latency/<size>` and `defaults/round/<size>`: a request and an answer of
//! this size; `latency/header-body/<body>` and `defaults/header-body/<body>`: the
//! same with a header of 256 B and a body of this size, in one vectored write of
//! ours and joined beforehand in raw;
//! `throughput/<size>` and `defaults/throughput/<size>`: a mebibyte from the
//! client to the server in writes of this size.
//!
//! Both ends are of the kind that is measured. Under `defaults/` ours is a
//! `socket::Socket` with a config that sets nothing but the certificates, and
//! raw the library's own stream with that library's defaults.

use std::io::IoSlice;

use tls_core::{BackendInfo, CipherSuite, Role};

use super::tcp::{Maker, TcpPair};
use crate::library::{Library, Outcome, Session};
use crate::meter::Meter;
use crate::pipe::Calls;
use crate::scenario::{Bench, Family, Gauge};
use crate::settings::Settings;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    defaults: bool,
    pattern: Pattern,
}

#[derive(Clone, Copy, Debug)]
enum Pattern {
    /// A message of so many octets and one back.
    Round(usize),
    /// The same with a header and a body of so many octets.
    HeaderBody(usize),
    /// A mebibyte in writes of so many octets, read in bursts.
    OneWay(usize),
}

const SETTINGS: Settings = Settings::tls13(CipherSuite::TLS_AES_128_GCM_SHA256);

/// The first part of a message that has two.
const HEADER: usize = 256;

/// How much one operation of `throughput` moves.
const MEBIBYTE: usize = 1024 * 1024;

/// How much of it is written before it is read: it must fit into the kernel's
/// buffers, as writer and reader are one thread.
const BURST: usize = 64 * 1024;

impl Family for Exchange {
    fn all() -> Vec<Self> {
        let patterns = [
            Pattern::Round(64),
            Pattern::Round(16384),
            Pattern::OneWay(16384),
            Pattern::OneWay(BURST),
            Pattern::HeaderBody(1024),
            Pattern::HeaderBody(8192),
        ];
        [false, true]
            .into_iter()
            .flat_map(|defaults| patterns.map(|pattern| Self { defaults, pattern }))
            .collect()
    }

    fn id(&self) -> String {
        match (self.defaults, self.pattern) {
            (false, Pattern::Round(octets)) => format!("latency/{octets}"),
            (false, Pattern::OneWay(octets)) => format!("throughput/{octets}"),
            (false, Pattern::HeaderBody(body)) => format!("latency/header-body/{body}"),
            (true, Pattern::Round(octets)) => format!("defaults/round/{octets}"),
            (true, Pattern::OneWay(octets)) => format!("defaults/throughput/{octets}"),
            (true, Pattern::HeaderBody(body)) => format!("defaults/header-body/{body}"),
        }
    }

    fn octets(&self) -> Option<usize> {
        Some(match self.pattern {
            Pattern::Round(octets) => 2 * octets,
            Pattern::HeaderBody(body) => 2 * (HEADER + body),
            Pattern::OneWay(_) => MEBIBYTE,
        })
    }

    fn gauge(&self) -> Gauge {
        match self.pattern {
            Pattern::Round(_) | Pattern::HeaderBody(_) => Gauge::Percentiles,
            Pattern::OneWay(_) => Gauge::Typical { batch: 1 },
        }
    }

    fn suits(&self, info: &BackendInfo) -> bool {
        self.defaults || SETTINGS.suit(info, Role::Client) && SETTINGS.suit(info, Role::Server)
    }

    fn bench<L: Library>(&self) -> Outcome<Box<dyn Bench>> {
        let maker = if self.defaults {
            Maker::<L>::with_defaults()?
        } else {
            Maker::with(&SETTINGS)?
        };
        let octets = match self.pattern {
            Pattern::Round(octets) | Pattern::OneWay(octets) => octets,
            Pattern::HeaderBody(body) => HEADER + body,
        };
        Ok(Box::new(Exchanges {
            pair: maker.make()?.waiting()?,
            pattern: self.pattern,
            message: vec![0x5a; octets],
            buf: vec![0; octets],
        }))
    }
}

struct Exchanges<L: Library> {
    pair: TcpPair<L>,
    pattern: Pattern,
    message: Vec<u8>,
    buf: Vec<u8>,
}

impl<L: Library> Bench for Exchanges<L> {
    fn run(&mut self, operations: usize, meter: &mut Meter) -> Outcome<()> {
        let Self {
            pair: TcpPair { client, server },
            pattern,
            message,
            buf,
        } = self;
        let (header, body) = message.split_at(HEADER.min(message.len()));
        let parts = [IoSlice::new(header), IoSlice::new(body)];
        let message = [IoSlice::new(message)];
        let message = match pattern {
            Pattern::HeaderBody(_) if L::IS_OURS => &parts[..],
            _ => &message[..],
        };
        for _ in 0..operations {
            match *pattern {
                Pattern::Round(_) | Pattern::HeaderBody(_) => meter.measure(|| {
                    let octets = buf.len();
                    client.send(message)?;
                    server.receive(buf, octets)?;
                    server.send(message)?;
                    client.receive(buf, octets)
                })?,
                Pattern::OneWay(octets) => meter.measure(|| {
                    (0..MEBIBYTE / BURST).try_for_each(|_| {
                        (0..BURST / octets).try_for_each(|_| client.send(message))?;
                        server.receive(buf, BURST)
                    })
                })?,
            }
        }
        Ok(())
    }

    fn calls(&self) -> Calls {
        self.pair.calls()
    }
}
