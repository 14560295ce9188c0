//! Over loopback TCP, with streams that wait:
//! `latency/<size>` and `defaults/round/<size>`: a request and an answer of
//! this size; `latency/header-body` and `defaults/header-body`: the same with a
//! header of 256 B and a body of 8 KiB, in one vectored write of ours and joined
//! beforehand in raw;
//! `throughput/16384` and `defaults/throughput/16384`: a mebibyte
//! from the client to the server.
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
    /// The same in two parts.
    HeaderBody,
    /// A mebibyte in writes of so many octets, read in bursts.
    OneWay(usize),
}

const SETTINGS: Settings = Settings::tls13(CipherSuite::TLS_AES_128_GCM_SHA256);

/// The two parts of a message.
const HEADER: usize = 256;
const BODY: usize = 8192;

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
            Pattern::HeaderBody,
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
            (false, Pattern::HeaderBody) => "latency/header-body".to_owned(),
            (true, Pattern::Round(octets)) => format!("defaults/round/{octets}"),
            (true, Pattern::OneWay(octets)) => format!("defaults/throughput/{octets}"),
            (true, Pattern::HeaderBody) => "defaults/header-body".to_owned(),
        }
    }

    fn octets(&self) -> Option<usize> {
        Some(match self.pattern {
            Pattern::Round(octets) => 2 * octets,
            Pattern::HeaderBody => 2 * (HEADER + BODY),
            Pattern::OneWay(_) => MEBIBYTE,
        })
    }

    fn gauge(&self) -> Gauge {
        match self.pattern {
            Pattern::Round(_) | Pattern::HeaderBody => Gauge::Percentiles,
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
            Pattern::HeaderBody => HEADER + BODY,
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
            Pattern::HeaderBody if L::IS_OURS => &parts[..],
            _ => &message[..],
        };
        for _ in 0..operations {
            match *pattern {
                Pattern::Round(_) | Pattern::HeaderBody => meter.measure(|| {
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
