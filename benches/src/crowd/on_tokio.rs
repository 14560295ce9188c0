//! The server on a runtime of tokio's, a task for each client.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{LocalSet, spawn_local, yield_now};

use super::{BUFFER, Crowd, Service};
use crate::asynchronous::{AsyncLibrary, Counted};
use crate::library::Outcome;
use crate::pipe::Calls;
use crate::settings::Settings;

/// See [`Crowd`].
pub struct OnTokio<L> {
    // The tasks go before the runtime that their streams are registered with.
    tasks: LocalSet,
    runtime: Runtime,
    address: SocketAddr,
    shared: Rc<Shared>,
    library: PhantomData<L>,
}

/// Wakes from another thread: a clock of the runtime would be looked at
/// wherever it waits.
async fn sleep(time: Duration) {
    let is_over = Arc::<AtomicBool>::default();
    let mut sleeper = Some(Arc::clone(&is_over));
    poll_fn(|cx| {
        if let Some(is_over) = sleeper.take() {
            let waker = cx.waker().clone();
            thread::spawn(move || {
                thread::sleep(time);
                is_over.store(true, Ordering::Release);
                waker.wake();
            });
        }
        match is_over.load(Ordering::Acquire) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

/// What the tasks tell.
#[derive(Default)]
struct Shared {
    served: Cell<usize>,
    /// Who waits until so many octets are served.
    waits: RefCell<Option<(usize, Waker)>>,
    failure: RefCell<Option<String>>,
    calls: Rc<Cell<Calls>>,
}

impl<L: AsyncLibrary> Crowd for OnTokio<L> {
    fn serve(settings: &Settings, service: Service) -> Outcome<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let context = Rc::new(L::server(settings)?);
        let shared = Rc::<Shared>::default();
        let tasks = LocalSet::new();
        tasks.spawn_local(accept::<L>(listener, context, service, Rc::clone(&shared)));
        Ok(Self {
            tasks,
            runtime,
            address,
            shared,
            library: PhantomData,
        })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn turn(&mut self) -> Outcome<()> {
        self.tasks.block_on(&self.runtime, yield_now());
        self.shared.failed()
    }

    fn until(&mut self, octets: usize) -> Outcome<()> {
        let reached = self.shared.reached(octets);
        self.tasks.block_on(&self.runtime, reached)
    }

    fn rest(&mut self, time: Duration) -> Outcome<()> {
        self.tasks.block_on(&self.runtime, sleep(time));
        self.shared.failed()
    }

    fn calls(&mut self) -> Calls {
        self.shared.calls.get()
    }
}

impl Shared {
    fn serve(&self, octets: usize) {
        let served = self.served.get() + octets;
        self.served.set(served);
        if let Some((_, waker)) = self
            .waits
            .borrow_mut()
            .take_if(|(wanted, _)| *wanted <= served)
        {
            waker.wake();
        }
    }

    fn fail(&self, error: &dyn std::fmt::Display) {
        *self.failure.borrow_mut() = Some(error.to_string());
        if let Some((_, waker)) = self.waits.take() {
            waker.wake();
        }
    }

    fn failed(&self) -> Outcome<()> {
        match &*self.failure.borrow() {
            Some(failure) => Err(failure.as_str().into()),
            None => Ok(()),
        }
    }

    async fn reached(&self, octets: usize) -> Outcome<()> {
        poll_fn(|cx| {
            self.failed()?;
            if self.served.get() >= octets {
                return Poll::Ready(Ok(()));
            }
            *self.waits.borrow_mut() = Some((octets, cx.waker().clone()));
            Poll::Pending
        })
        .await
    }
}

async fn accept<L: AsyncLibrary>(
    listener: TcpListener,
    context: Rc<L::Server>,
    service: Service,
    shared: Rc<Shared>,
) {
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => {
                let (context, shared) = (Rc::clone(&context), Rc::clone(&shared));
                spawn_local(async move {
                    if let Err(error) = serve::<L>(tcp, &context, service, &shared).await {
                        shared.fail(&error);
                    }
                });
            }
            Err(error) => return shared.fail(&error),
        }
    }
}

/// Until the client is gone.
async fn serve<L: AsyncLibrary>(
    tcp: TcpStream,
    context: &L::Server,
    service: Service,
    shared: &Shared,
) -> Outcome<()> {
    tcp.set_nodelay(true)?;
    let mut stream = L::accept_async(context, Counted::new(tcp, &shared.calls)).await?;
    let mut buf = vec![0; BUFFER];
    loop {
        let octets = stream.read(&mut buf).await?;
        if octets == 0 {
            return Ok(());
        }
        if service == Service::Echo {
            stream.write_all(&buf[..octets]).await?;
            stream.flush().await?;
        }
        shared.serve(octets);
    }
}
