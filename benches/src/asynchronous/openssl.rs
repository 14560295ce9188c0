//! The `tokio-openssl` crate.

use std::pin::Pin;

use openssl::ssl::{Ssl, SslContext};
use tokio_openssl::SslStream;

use super::{AsyncLibrary, Counted};
use crate::library::{Library, Outcome};
use crate::raw::OpenSsl;

impl AsyncLibrary for OpenSsl {
    type AsyncStream = SslStream<Counted>;

    async fn connect_async(
        context: &<Self as Library>::Client,
        tcp: Counted,
    ) -> Outcome<SslStream<Counted>> {
        let mut stream = SslStream::new(context.ssl()?, tcp)?;
        Pin::new(&mut stream).connect().await?;
        Ok(stream)
    }

    async fn accept_async(context: &SslContext, tcp: Counted) -> Outcome<SslStream<Counted>> {
        let mut stream = SslStream::new(Ssl::new(context)?, tcp)?;
        Pin::new(&mut stream).accept().await?;
        Ok(stream)
    }
}
