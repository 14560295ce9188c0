//! Whom a request comes from.

use std::net::SocketAddr;
use std::sync::Arc;

use http::Request;
use hyper::service::Service;
use tls_core::SessionFacts;

/// Whom a request comes from: in the extensions of each request that a
/// [`Server`](super::Server) hands to its service.
///
/// ```
/// fn is_known<T>(request: &http::Request<T>) -> bool {
///     let peer = request.extensions().get::<tls_tokio::hyper::Peer>();
///     peer.is_some_and(|peer| peer.facts().peer_verified)
/// }
/// ```
///
/// With axum it is an `Extension<Peer>`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Peer(Arc<Known>);

#[derive(Debug)]
struct Known {
    address: SocketAddr,
    facts: SessionFacts,
}

impl Peer {
    pub(super) fn new(address: SocketAddr, facts: SessionFacts) -> Self {
        Self(Arc::new(Known { address, facts }))
    }

    /// The other end of the connection.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// What the handshake has agreed on, and the client's certificates if it
    /// was asked for one.
    pub fn facts(&self) -> &SessionFacts {
        &self.0.facts
    }
}

/// A service that is told whom each request comes from.
pub(super) struct Introduced<S> {
    service: S,
    peer: Peer,
}

impl<S> Introduced<S> {
    pub(super) fn new(service: S, peer: Peer) -> Self {
        Self { service, peer }
    }
}

impl<S: Service<Request<T>>, T> Service<Request<T>> for Introduced<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<T>) -> S::Future {
        request.extensions_mut().insert(self.peer.clone());
        self.service.call(request)
    }
}
