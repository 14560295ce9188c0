// Included by the guide's examples, in lines that the guide does not show: whom
// they meet when they are run.

#[path = "../../examples/https_server/pki.rs"]
mod pki;

mod support {
    use std::io;
    use std::net::SocketAddr;
    use std::thread::{self, JoinHandle};

    use polytls::tls::{
        AnyBackend, ClientConfig, Identity, Roots, ServerConfig, TlsBackend, parse_server_name,
    };
    use polytls::tokio::{TlsAcceptor, TlsConnector, TlsStream};
    use polytls::{Backend, Listener};
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
    use tokio::net::TcpStream;

    pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

    /// A certificate for localhost, and the roots that it leads to.
    pub(super) fn pki() -> Result<(Identity, Roots), Failure> {
        let (identity, ca) = super::pki::make().map_err(|error| error.to_string())?;
        Ok((identity, Roots::from_pem(ca.as_bytes())?))
    }

    /// A server's side, and the roots that its certificate leads to.
    pub(super) fn acceptor() -> Result<(TlsAcceptor<AnyBackend>, Roots), Failure> {
        let (identity, roots) = pki()?;
        let config = ServerConfig::builder()
            .identity(identity)
            .alpn(["http/1.1"])
            .build()?;
        let acceptor = TlsAcceptor::from_config(Backend::by_name("rustls")?, &config)?;
        Ok((acceptor, roots))
    }

    /// Connects to a server on this machine that these roots vouch for.
    pub(super) async fn connect(
        address: SocketAddr,
        roots: Roots,
    ) -> Result<TlsStream<AnyBackend, TcpStream>, Failure> {
        let config = ClientConfig::builder()
            .roots(roots)
            .alpn(["http/1.1"])
            .build()?;
        let connector = TlsConnector::from_config(Backend::by_name("rustls")?, &config)?;
        let tcp = TcpStream::connect(address).await?;
        Ok(connector
            .connect(&parse_server_name("localhost")?, tcp)
            .await?)
    }

    /// A client that asks for a page, to the answer's end.
    pub(super) async fn ask(address: SocketAddr, roots: Roots) -> Result<String, Failure> {
        let mut stream = connect(address, roots).await?;
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await?;
        stream.flush().await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// Answers one request, and ends.
    pub(super) async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut request).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
            .await?;
        stream.shutdown().await
    }

    /// A server on a thread, for one client, and the port that it has.
    pub(super) fn thread(
        identity: Identity,
    ) -> Result<(u16, JoinHandle<Result<(), Failure>>), Failure> {
        let backend = Backend::by_name("rustls")?;
        let config = ServerConfig::builder()
            .identity(identity)
            .alpn(["http/1.1"])
            .build()?;
        let context = backend.server(&config)?;
        let listener = Listener::<AnyBackend>::bind_tcp("127.0.0.1:0")?;
        let address = listener.local_addr()?.ip().ok_or("no IP address")?;
        let serving = thread::spawn(move || {
            let (mut socket, _) = listener.accept()?;
            socket.enable_tls_server(&backend, &context)?;
            socket.handshake(polytls::HANDSHAKE_TIMEOUT)?;
            Ok(())
        });
        Ok((address.port(), serving))
    }
}
