//! Callers that go away, and tasks that the runtime holds up: what only tasks
//! can be in.

use std::future::{Future, poll_fn};
use std::net::{SocketAddr, TcpStream};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use polytls::pool::Options;
use polytls::tls::AnyBackend;

use super::front::{Connection, Front};
use super::rig::{LONG, LayersCase, Rig, exchange};
use super::tasks::Tasks;
use crate::scenario::{Scenario, Versions, scenario};

pub(super) fn scenarios() -> Vec<Scenario<AnyBackend, AnyBackend>> {
    vec![
        scenario(
            "callers_that_go_away_at_any_point_leave_nothing",
            going_away,
        )
        .versions(Versions::Unpinned),
        scenario("a_task_without_a_share_left_ends_cleanly", no_share_left)
            .versions(Versions::Unpinned),
    ]
}

/// Goes away when it has been pending so often.
async fn at_most<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => {
            polled += 1;
            match polled < polls {
                true => Poll::Pending,
                false => Poll::Ready(None),
            }
        }
    })
    .await
}

/// Some go away while they connect, some in the handshake, and some while
/// others wait behind them.
fn going_away(case: &LayersCase) {
    const LIMIT: usize = 2;
    const CALLERS: usize = 24;
    let options = Options::new().max_per_key(LIMIT).no_breaker();
    let rig = Rig::<Tasks>::with(case, options.backoff(Duration::ZERO, Duration::ZERO));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let listener = rig.listener.as_ref().expect("somebody listens");
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // Clients come and go.
                let _ = listener.accept_tls(&case.server, &rig.server, LONG);
            }
        });
        let _stop = Stop {
            over: &over,
            address: rig.address,
        };
        let pool = &rig.pool.pool;
        rig.pool.runtime.block_on(async {
            for round in 0..CALLERS / 4 {
                // What one has got must not hold up another.
                let goes_away = async |polls| {
                    drop(at_most(polls, pool.get(&rig.target, LONG)).await);
                };
                let stays = async {
                    let got = pool.get(&rig.target, LONG).await.expect("a connection");
                    assert!(got.is_tls());
                };
                tokio::join!(
                    goes_away(1 + round % 5),
                    goes_away(2 + round % 3),
                    goes_away(1 + round),
                    stays,
                );
                let found = pool.statistics();
                assert_eq!((found.in_use, found.connecting, found.waiting), (0, 0, 0));
            }
        });
    });
    rig.assert_at_rest(0);
    assert_eq!(rig.pool.drain(LONG).still_in_use, 0);
}

/// Ends the server, whatever happens.
struct Stop<'a> {
    over: &'a AtomicBool,
    address: SocketAddr,
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // One more client, for a server that waits for it.
        drop(TcpStream::connect(self.address));
    }
}

/// A task that has used up its share of the runtime finds every stream pending,
/// although there is room.
fn no_share_left(case: &LayersCase) {
    let rig = Rig::<Tasks>::with(case, Options::new().max_idle_per_key(0));
    let (mut connection, mut server) = rig.connected();
    exchange(&mut connection, &mut server);
    let mut connection = Some(connection);
    rig.pool.runtime.block_on(poll_fn(|cx| {
        while let Poll::Ready(share) = tokio::task::coop::poll_proceed(cx) {
            share.made_progress();
        }
        let released = connection.take().map(Connection::release);
        assert_eq!(released, Some(Ok(())));
        Poll::Ready(())
    }));
    assert_eq!(rig.pool.statistics().evicted, 1);
    assert_eq!(server.recv(&mut [0]), Ok(0), "close_notify");
}
