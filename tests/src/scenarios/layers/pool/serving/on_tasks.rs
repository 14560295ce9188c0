//! A server on tokio, one task for each client.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use polytls::SHUTDOWN_TIMEOUT;
use polytls::pool::server::{Action, Admission, Id, Permit, Registry};
use polytls::tokio::{TlsAcceptor, TlsStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use super::super::rig::{Backend, LayersCase};
use super::super::tasks::runtime;
use super::server::{Running, Setup, TICK, is_busy};

pub(super) fn start(case: &LayersCase, setup: &Setup) -> Running {
    let runtime = runtime();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
    let listener = listener.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let config = case.server_config().build().expect("a config");
    let acceptor = TlsAcceptor::from_config(case.server.clone(), &config).expect("an acceptor");
    let door = Admission::new(setup.limits);
    let (drain, drains) = unbounded_channel();
    let server = Server {
        acceptor: acceptor.handshake_timeout(Some(setup.handshake_timeout)),
        door: door.clone(),
        registry: Arc::new(Mutex::new(Registry::new(setup.idle_timeout))),
    };
    Running {
        address,
        door,
        drain: Box::new(move |grace| drain.send(grace).expect("a server")),
        thread: thread::spawn(move || {
            runtime.block_on(async {
                server.run(listener, drains).await;
                assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
            });
        }),
    }
}

/// What a connection's task is told.
type Orders = UnboundedSender<Action>;

#[derive(Clone)]
struct Server {
    acceptor: TlsAcceptor<Backend>,
    door: Admission,
    registry: Arc<Mutex<Registry<Orders>>>,
}

impl Server {
    async fn run(self, listener: TcpListener, mut drains: UnboundedReceiver<Duration>) {
        let mut listener = Some(listener);
        let mut connections = JoinSet::new();
        let mut tick = interval(TICK);
        while listener.is_some() || !connections.is_empty() {
            tokio::select! {
                (stream, permit) = self.admit(&listener) => {
                    connections.spawn(self.clone().serve(stream, permit));
                }
                Some(grace) = drains.recv() => {
                    listener = None;
                    self.registry().drain(Instant::now() + grace);
                }
                Some(ended) = connections.join_next() => ended.expect("no panic"),
                _ = tick.tick() => {}
            }
            for (_, orders, action) in self.registry().due(Instant::now()) {
                // A task that has just ended needs none.
                let _ = orders.send(action);
            }
        }
    }

    /// The next client that the door admits. Who is refused is closed.
    async fn admit(&self, listener: &Option<TcpListener>) -> (TcpStream, Permit) {
        let Some(listener) = listener else {
            return std::future::pending().await;
        };
        loop {
            let (stream, from) = listener.accept().await.expect("a client");
            if let Ok(permit) = self.door.admit(Some(from.ip()), Instant::now()) {
                return (stream, permit);
            }
        }
    }

    async fn serve(self, stream: TcpStream, permit: Permit) {
        let handshake = permit.handshake_turn().await;
        let shaken = self.acceptor.accept(stream).await;
        drop(handshake);
        let Ok(mut stream) = shaken else { return };
        let (orders, ordered) = unbounded_channel();
        let id = self.registry().insert(orders, Some(permit), Instant::now());
        match id {
            Some(id) => {
                self.send_back(id, stream, ordered).await;
                self.registry().remove(id);
            }
            // The server ends.
            None => close(&mut stream).await,
        }
    }

    /// Until one of both sides has enough.
    async fn send_back(
        &self,
        id: Id,
        mut stream: TlsStream<Backend, TcpStream>,
        mut ordered: UnboundedReceiver<Action>,
    ) {
        let mut buf = [0; 64];
        let mut busy = false;
        loop {
            tokio::select! {
                read = stream.read(&mut buf) => match read {
                    Ok(octets @ 1..) => {
                        let octets = &buf[..octets];
                        busy = is_busy(busy, octets);
                        self.registry().set_busy(id, busy, Instant::now());
                        let written = stream.write_all(octets).await;
                        if written.is_err() || stream.flush().await.is_err() {
                            return;
                        }
                    }
                    Ok(_) => return close(&mut stream).await,
                    Err(_) => return,
                },
                Some(action) = ordered.recv() => match action {
                    Action::Close => return close(&mut stream).await,
                    Action::Force => return,
                    // It is closed when it is idle.
                    _ => assert_eq!(action, Action::Finish),
                },
            }
        }
    }

    fn registry(&self) -> MutexGuard<'_, Registry<Orders>> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// With `close_notify`, if the client takes it.
async fn close(stream: &mut TlsStream<Backend, TcpStream>) {
    let _ = timeout(SHUTDOWN_TIMEOUT, stream.shutdown()).await;
}
