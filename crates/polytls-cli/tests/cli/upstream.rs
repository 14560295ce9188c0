//! Upstreams and clients without TLS, for proxies.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use crate::server::Server;
use crate::support::LONG;

/// An address at which nobody listens yet, and nobody else can.
pub(crate) struct Reserved(Socket);

impl Reserved {
    pub(crate) fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).unwrap();
        Self(socket)
    }

    pub(crate) fn address(&self) -> String {
        let address = self.0.local_addr().unwrap().as_socket();
        address.unwrap().to_string()
    }

    /// Now somebody does.
    pub(crate) fn listen(self) -> TcpListener {
        self.0.listen(16).unwrap();
        self.0.into()
    }
}

/// A listener whose connections the test holds, and its address.
pub(crate) fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // Who waits for a connection that does not come fails the test.
    SockRef::from(&listener)
        .set_read_timeout(Some(LONG))
        .unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// Sends back what comes, to its end.
pub(crate) fn answer(stream: TcpStream) {
    thread::spawn(move || {
        let mut stream = patient(stream);
        let mut buf = [0; 16 * 1024];
        loop {
            match stream.read(&mut buf) {
                Ok(0) => return stream.shutdown(Shutdown::Write),
                Ok(octets) => stream.write_all(&buf[..octets])?,
                Err(error) => return Err(error),
            }
        }
    });
}

/// Sends back what comes to this listener, as long as the test's process lives.
pub(crate) fn echo(listener: TcpListener) {
    thread::spawn(move || listener.incoming().flatten().for_each(answer));
}

/// The address of a server that does so.
pub(crate) fn any_echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    echo(listener);
    address
}

/// A client of a server without TLS.
pub(crate) fn connect(server: &Server) -> TcpStream {
    patient(TcpStream::connect(&server.address).unwrap())
}

/// What hangs fails the test.
pub(crate) fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.set_write_timeout(Some(LONG)).unwrap();
    stream
}

/// Sends this while it takes as much.
pub(crate) fn exchange(stream: &TcpStream, octets: &[u8]) -> Vec<u8> {
    let mut taken = vec![0; octets.len()];
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut stream = stream;
            stream.write_all(octets).unwrap();
        });
        let mut stream = stream;
        stream.read_exact(&mut taken).unwrap();
    });
    taken
}

/// Takes all that comes until the end, and whether that was a reset.
pub(crate) fn rest(mut stream: &TcpStream) -> (Vec<u8>, bool) {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => (rest, false),
        Err(error) if is_reset(&error) => (rest, true),
        Err(error) => panic!("{error}"),
    }
}

fn is_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    )
}

/// Closes with a reset instead of an end.
pub(crate) fn reset(stream: TcpStream) {
    let linger = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    linger.unwrap();
    drop(stream);
}
