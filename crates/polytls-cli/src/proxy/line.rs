//! The line that tells of a connection that was passed on.

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::carry::Side;
use super::upstream::Connection;
use crate::access::{Tls, millis};
use crate::watched::Activity;

/// It is written when it is dropped.
#[derive(Debug)]
pub(super) struct Line {
    peer: SocketAddr,
    began: Instant,
    pub(super) client: Tls,
    upstream: Option<SocketAddr>,
    was_ready: Option<bool>,
    upstream_tls: Tls,
    activity: Option<Arc<Activity>>,
    outcome: &'static str,
    by: Option<Side>,
    error: Option<String>,
}

impl Line {
    pub(super) fn new(peer: SocketAddr) -> Self {
        Self {
            peer,
            began: Instant::now(),
            client: Tls::default(),
            upstream: None,
            was_ready: None,
            upstream_tls: Tls::default(),
            activity: None,
            // Without any other end it was cut off by us.
            outcome: "drained",
            by: None,
            error: None,
        }
    }

    pub(super) fn connected(&mut self, upstream: &Connection) {
        self.upstream = upstream.address();
        self.was_ready = Some(upstream.was_ready());
        self.upstream_tls = Tls::of(upstream.facts());
    }

    /// Tells what has passed on the client's side.
    pub(super) fn counting(mut self, activity: &Arc<Activity>) -> Self {
        self.activity = Some(Arc::clone(activity));
        self
    }

    pub(super) fn ended(&mut self, outcome: &'static str) {
        self.outcome = outcome;
    }

    /// One side failed: the kind of its error, and its words.
    pub(super) fn failed(&mut self, by: Side, kind: &'static str, error: impl Display) {
        self.outcome = kind;
        self.by = Some(by);
        self.error = Some(error.to_string());
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let activity = self.activity.as_ref();
        tracing::info!(
            peer = %self.peer,
            upstream = self.upstream.map(display),
            upstream_was_ready = self.was_ready,
            client_version = self.client.version.as_deref().map(display),
            client_suite = self.client.suite.as_deref().map(display),
            client_alpn = self.client.alpn,
            client_sni = self.client.sni,
            upstream_version = self.upstream_tls.version.as_deref().map(display),
            upstream_suite = self.upstream_tls.suite.as_deref().map(display),
            upstream_alpn = self.upstream_tls.alpn,
            upstream_sni = self.upstream_tls.sni,
            to_upstream = activity.map_or(0, |activity| activity.read()),
            to_client = activity.map_or(0, |activity| activity.written()),
            ms = millis(self.began),
            outcome = %self.outcome,
            by = self.by.map(display),
            error = self.error,
            "connection"
        );
    }
}
