//! The `tokio-boring` crate.

use boring::ssl::{Ssl, SslContext};
use tokio_boring::{SslStream, SslStreamBuilder};

use super::{AsyncLibrary, Counted};
use crate::library::{Library, Outcome};
use crate::raw::Boring;

impl AsyncLibrary for Boring {
    type AsyncStream = SslStream<Counted>;

    async fn connect_async(
        context: &<Self as Library>::Client,
        tcp: Counted,
    ) -> Outcome<SslStream<Counted>> {
        let stream = SslStreamBuilder::new(context.ssl()?, tcp);
        stream
            .connect()
            .await
            .map_err(|error| error.to_string().into())
    }

    async fn accept_async(context: &SslContext, tcp: Counted) -> Outcome<SslStream<Counted>> {
        let stream = SslStreamBuilder::new(Ssl::new(context)?, tcp);
        stream
            .accept()
            .await
            .map_err(|error| error.to_string().into())
    }
}
