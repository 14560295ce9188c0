//! Callers that go away at any point leave nothing behind. Alone in its
//! process, because it counts the process's descriptors and threads.
#![cfg(any(target_os = "linux", target_os = "android"))]

use std::fs;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use pool::tokio::Pool;
use pool::{Endpoint, Options, Resolve, Target};
use tls_core::AnyBackend;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const LONG: Duration = Duration::from_secs(20);
const CALLERS: usize = 600;
const LIMIT: usize = 4;

fn count(what: &str) -> usize {
    let open = fs::read_dir(format!("/proc/self/{what}")).expect("a list");
    open.count()
}

/// One address where somebody listens, and one where nobody does.
#[derive(Debug)]
struct Both([SocketAddr; 2]);

impl Resolve for Both {
    fn resolve(&self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(self.0.to_vec())
    }
}

/// Polls no more often than said, and then goes away: the answer, if there was
/// one.
async fn at_most<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|cx| {
        if polled == polls {
            return Poll::Ready(None);
        }
        polled += 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            // It goes away before anything else happens.
            Poll::Pending if polled == polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

struct Caller {
    pool: Pool,
    target: Target<AnyBackend>,
    polls: usize,
    keeps: bool,
}

impl Caller {
    async fn gets(self) {
        let got = at_most(self.polls, self.pool.get(&self.target, LONG)).await;
        if let Some(Ok(connection)) = got {
            tokio::task::yield_now().await;
            if self.keeps {
                // Whether it is fit is the server's choice.
                let _ = connection.release();
            }
        }
    }

    async fn prewarms(self) {
        at_most(self.polls, self.pool.prewarm(&self.target, LIMIT, LONG)).await;
    }
}

#[test]
fn callers_that_go_away_leave_nothing_behind() {
    // The first runtime leaves what all of the process share.
    drop(runtime());
    let before = (count("fd"), count("task"));
    runtime().block_on(play());
    // A resolver's thread, and one of the runtime, may have an instant to live.
    let end = Instant::now() + LONG;
    while count("task") > before.1 && Instant::now() < end {
        std::thread::yield_now();
    }
    assert_eq!((count("fd"), count("task")), before);
}

fn runtime() -> Runtime {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_io().enable_time();
    runtime.build().expect("a runtime")
}

async fn play() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let nobody = {
        let gone = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        gone.local_addr().expect("an address")
    };
    let server = tokio::spawn(async move {
        let mut random = fastrand::Rng::with_seed(5);
        let mut kept = Vec::new();
        loop {
            let (stream, _) = listener.accept().await.expect("a client");
            // Some clients are left at once, and find out when they may.
            if random.bool() {
                kept.push(stream);
            }
        }
    });
    let options = Options::new()
        .max_per_key(LIMIT)
        .max_total(LIMIT + 1)
        .backoff(Duration::ZERO, Duration::from_millis(1))
        .no_breaker()
        .resolver(Arc::new(Both([nobody, address])));
    let pool: Pool = Pool::new(options).expect("a pool");
    let targets: [Target<AnyBackend>; 3] = [
        Target::plain(address),
        Target::plain(Endpoint::host("service.example", 1)),
        Target::plain(nobody),
    ];
    let mut random = fastrand::Rng::with_seed(6);
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let caller = Caller {
            pool: pool.clone(),
            target: targets[random.usize(..3)].clone(),
            polls: random.usize(1..12),
            keeps: random.bool(),
        };
        match random.u8(..8) {
            0 => callers.spawn(caller.prewarms()),
            _ => callers.spawn(caller.gets()),
        };
        if callers.len() > 3 * LIMIT {
            callers.join_next().await;
        }
        let found = pool.statistics();
        assert!(found.in_use + found.connecting + found.idle <= LIMIT + 1);
    }
    while let Some(caller) = callers.join_next().await {
        caller.expect("no panic");
    }
    let found = pool.statistics();
    assert_eq!((found.in_use, found.connecting, found.waiting), (0, 0, 0));
    assert!(found.given > 0 && found.waited > 0 && found.failed > 0);
    // There is room for as many as ever.
    assert_eq!(pool.drain(LONG).await.still_in_use, 0);
    server.abort();
}
