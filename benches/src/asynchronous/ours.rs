//! A backend through `tls-tokio`.

use tls_tokio::{TlsAcceptor, TlsConnector, TlsStream};

use super::{AsyncLibrary, Counted};
use crate::library::{Library, Outcome};
use crate::ours::{Compared, Ours};

/// The crates for tokio have no deadline for a handshake, so ours has none.
impl<B: Compared> AsyncLibrary for Ours<B> {
    type AsyncStream = TlsStream<B, Counted>;

    async fn connect_async(
        client: &<Self as Library>::Client,
        tcp: Counted,
    ) -> Outcome<TlsStream<B, Counted>> {
        let connector = TlsConnector::new(client.backend.clone(), client.context.clone());
        let connector = connector.handshake_timeout(None);
        Ok(connector.connect(&client.name, tcp).await?)
    }

    async fn accept_async(
        server: &<Self as Library>::Server,
        tcp: Counted,
    ) -> Outcome<TlsStream<B, Counted>> {
        let acceptor = TlsAcceptor::new(server.backend.clone(), server.context.clone());
        Ok(acceptor.handshake_timeout(None).accept(tcp).await?)
    }
}
