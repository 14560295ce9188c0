//! The lines that tell who was served, and how it ended.

use std::fmt::Display;
use std::io;
use std::time::Instant;

use polytls::tls::{Error as TlsError, SessionFacts};
use polytls::tokio::Error as HandshakeError;

/// What TLS negotiated; empty of a plain connection, and where the backend
/// cannot tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tls {
    pub(crate) version: Option<String>,
    pub(crate) suite: Option<String>,
    pub(crate) alpn: Option<String>,
    pub(crate) sni: Option<String>,
}

impl Tls {
    pub(crate) fn of(facts: Option<&SessionFacts>) -> Self {
        let Some(facts) = facts else {
            return Self::default();
        };
        let alpn = facts.alpn.as_deref();
        Self {
            version: facts.version.map(|version| version.to_string()),
            suite: facts.cipher_suite.map(|suite| suite.to_string()),
            alpn: alpn.map(|name| name.escape_ascii().to_string()),
            sni: facts.server_name.clone(),
        }
    }
}

pub(crate) fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A connection of `serve`. Its line is written when it is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    peer: String,
    began: Instant,
    pub(crate) tls: Tls,
    pub(crate) requests: u64,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    outcome: &'static str,
    error: Option<String>,
}

impl Connection {
    pub(crate) fn new(peer: impl Display) -> Self {
        Self {
            peer: peer.to_string(),
            began: Instant::now(),
            tls: Tls::default(),
            requests: 0,
            received: 0,
            sent: 0,
            // Without any other end it was cut off by us.
            outcome: "drained",
            error: None,
        }
    }

    pub(crate) fn peer(&self) -> &str {
        &self.peer
    }

    /// How it ended.
    pub(crate) fn ended(&mut self, outcome: &'static str) {
        self.outcome = outcome;
    }

    /// It ended with an error: its [kind](polytls::Error::kind) and its words.
    pub(crate) fn failed(&mut self, kind: &'static str, error: impl Display) {
        self.outcome = kind;
        self.error = Some(error.to_string());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        tracing::info!(
            peer = %self.peer,
            version = self.tls.version.as_deref().map(display),
            suite = self.tls.suite.as_deref().map(display),
            alpn = self.tls.alpn,
            sni = self.tls.sni,
            requests = self.requests,
            received = self.received,
            sent = self.sent,
            ms = millis(self.began),
            outcome = %self.outcome,
            error = self.error,
            "connection"
        );
    }
}

/// A request to `serve`. Its line is written when it is dropped.
#[derive(Debug)]
pub(crate) struct Request {
    peer: String,
    began: Instant,
    method: String,
    path: String,
    status: u16,
    octets: u64,
    outcome: &'static str,
}

impl Request {
    pub(crate) fn new(peer: &str, method: &str, path: &str) -> Self {
        Self {
            peer: peer.to_owned(),
            began: Instant::now(),
            method: method.to_owned(),
            path: path.to_owned(),
            status: 0,
            octets: 0,
            outcome: "cut-off",
        }
    }

    pub(crate) fn answered(&mut self, status: http::StatusCode) {
        self.status = status.as_u16();
    }

    /// So many octets of the content more have been handed over.
    pub(crate) fn sent(&mut self, octets: u64) {
        self.octets += octets;
    }

    /// All of the answer has been handed over.
    pub(crate) fn complete(&mut self) {
        self.outcome = "complete";
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        tracing::info!(
            peer = %self.peer,
            method = self.method,
            path = self.path,
            status = self.status,
            octets = self.octets,
            ms = millis(self.began),
            outcome = %self.outcome,
            "request"
        );
    }
}

/// What kind of error this is: that of the TLS error inside, if there is one.
pub(crate) fn kind(error: &(dyn std::error::Error + 'static)) -> &'static str {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<TlsError>() {
            return error.kind();
        }
        if let Some(error) = error.downcast_ref::<HandshakeError>() {
            return match error {
                HandshakeError::Tls(error) => error.kind(),
                HandshakeError::Timeout { .. } => "timeout",
                _ => "handshake",
            };
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            // What it wraps is not what it calls its source.
            return match (error.get_ref(), error.kind()) {
                (Some(inner), _) if inner.is::<TlsError>() => kind(inner),
                (_, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => "reset",
                (_, io::ErrorKind::TimedOut) => "timeout",
                _ => "io",
            };
        }
        next = error.source();
    }
    "failed"
}
