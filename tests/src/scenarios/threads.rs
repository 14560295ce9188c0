//! Sessions belong to no thread.

use std::io::{self, Read, Write};
use std::thread;

use polytls::tls::{Error, Step, TlsBackend, TlsSession, parse_server_name};

use crate::pki::HOST;
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("a_session_moves_from_thread_to_thread", moves),
        scenario("a_context_serves_several_threads", shared),
    ]
}

/// What one call is lent: what was received before it, and what it sends.
#[derive(Default)]
struct Memory {
    received: io::Cursor<Vec<u8>>,
    sent: Vec<u8>,
}

impl Read for Memory {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.received.read(buf)? {
            0 if !buf.is_empty() => Err(io::ErrorKind::WouldBlock.into()),
            octets => Ok(octets),
        }
    }
}

impl Write for Memory {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.sent.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A session, and what waits for its next call.
struct Nomad<T> {
    session: T,
    io: Memory,
}

type Call<T, R> = fn(&mut T, &mut Memory) -> Result<Step<R>, Error>;

impl<T: TlsSession + 'static> Nomad<T> {
    fn new(session: T) -> Self {
        let io = Memory::default();
        Self { session, io }
    }

    /// Makes one call on a thread of its own.
    fn call<R: Send + 'static>(self, call: Call<T, R>) -> (Self, Step<R>) {
        let mut nomad = self;
        let run = move || {
            let result = call(&mut nomad.session, &mut nomad.io);
            (nomad, result.expect("no call fails"))
        };
        thread::spawn(run).join().expect("no call panics")
    }

    fn receive(&mut self, octets: &[u8]) {
        let received = &mut self.io.received;
        let read = usize::try_from(received.position()).expect("a place in memory");
        received.get_mut().drain(..read);
        received.set_position(0);
        received.get_mut().extend_from_slice(octets);
    }
}

/// Lets each have what the other has sent.
fn pass<A: TlsSession + 'static, B: TlsSession + 'static>(one: &mut Nomad<A>, two: &mut Nomad<B>) {
    let sent = std::mem::take(&mut one.io.sent);
    two.receive(&sent);
    let sent = std::mem::take(&mut two.io.sent);
    one.receive(&sent);
}

fn moves<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let client = case.client_config().build().expect("a config");
    let server = case.server_config().build().expect("a config");
    let name = parse_server_name(HOST).expect("a server name");
    let client = case.client.client(&client).expect("a context");
    let server = case.server.server(&server).expect("a context");
    let mut client = Nomad::new(case.client.connect(&client, &name).expect("a session"));
    let mut server = Nomad::new(case.server.accept(&server).expect("a session"));
    let mut done = false;
    for _ in 0..10 {
        let (one, step) = client.call(|session, io| session.handshake(io));
        client = one;
        pass(&mut client, &mut server);
        done = step.is_ready();
        let (one, step) = server.call(|session, io| session.handshake(io));
        server = one;
        pass(&mut client, &mut server);
        done &= step.is_ready();
        if done {
            break;
        }
    }
    assert!(done, "the handshake does not end");
    let (mut client, step) =
        client.call(|session, io| session.write(io, &[io::IoSlice::new(b"data")]));
    assert_eq!(step, Step::Ready(4));
    pass(&mut client, &mut server);
    let (_, step) = server.call(|session, io| {
        let mut buf = [0; 16];
        let step = session.read(io, &mut buf)?;
        Ok(step.map(|octets| buf[..octets].to_vec()))
    });
    assert_eq!(step, Step::Ready(b"data".to_vec()));
}

fn shared<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let contexts = case
        .contexts(case.client_config(), case.server_config())
        .expect("both backends take the configs");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..4 {
                    contexts.plain().connect();
                }
            });
        }
    });
}
