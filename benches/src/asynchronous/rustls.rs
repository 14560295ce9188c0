//! The `tokio-rustls` crate.

use std::sync::Arc;

use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::{AsyncLibrary, Counted};
use crate::library::{Library, Outcome};
use crate::raw::{self, Rustls};

impl AsyncLibrary for Rustls {
    type AsyncStream = TlsStream<Counted>;

    async fn connect_async(
        context: &<Self as Library>::Client,
        tcp: Counted,
    ) -> Outcome<TlsStream<Counted>> {
        let connector = TlsConnector::from(Arc::clone(context));
        Ok(connector.connect(raw::host()?, tcp).await?.into())
    }

    async fn accept_async(
        context: &<Self as Library>::Server,
        tcp: Counted,
    ) -> Outcome<TlsStream<Counted>> {
        let acceptor = TlsAcceptor::from(Arc::clone(context));
        Ok(acceptor.accept(tcp).await?.into())
    }
}
