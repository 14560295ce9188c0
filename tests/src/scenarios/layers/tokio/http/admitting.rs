//! Who may come in, and how many at once.

use std::time::{Duration, Instant};

use hyper::service::service_fn;
use polytls::pool::server::{Admission, Limits};
use polytls::tokio::hyper::Server;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::super::rig::{AsyncCase, AsyncScenario, Rig, play};
use super::site::{address_of, answer, ask, bare, beside, hear_until, listen};
use crate::scenario::{Versions, scenario};

/// How long somebody is watched who must not be served.
const WATCHED: Duration = Duration::from_millis(100);

pub(super) fn scenarios() -> Vec<AsyncScenario> {
    vec![
        scenario("who_finds_no_room_waits_until_somebody_goes", waits).versions(Versions::Unpinned),
        scenario("an_address_with_too_many_connections_is_refused", refused)
            .versions(Versions::Unpinned),
    ]
}

fn waits(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let server =
            Server::new(listener, rig.acceptor.clone(), service_fn(answer)).max_connections(2);
        beside(server, async |_stop| {
            // One of them has done no more than connect.
            let silent = TcpStream::connect(address).await.expect("a connection");
            let mut first = bare(&rig, address).await;
            ask(&mut first, "/one").await;
            hear_until(&mut first, "/one").await;
            let second = bare(&rig, address);
            tokio::pin!(second);
            let early = timeout(WATCHED, &mut second).await;
            assert!(early.is_err(), "there was room");
            // Who is there is served on.
            ask(&mut first, "/two").await;
            hear_until(&mut first, "/two").await;
            drop(silent);
            let mut second = second.await;
            ask(&mut second, "/three").await;
            hear_until(&mut second, "/three").await;
        })
        .await;
    });
}

/// Tells when it is dropped.
struct Leaving(UnboundedSender<()>);

impl Drop for Leaving {
    fn drop(&mut self) {
        // Nobody listens after the test's end.
        let _ = self.0.send(());
    }
}

/// What is held for a client goes with its connection.
fn refused(case: &AsyncCase) {
    let rig = Rig::new(case);
    play(async {
        let listener = listen().await;
        let address = address_of(&listener);
        let door = Admission::new(Limits {
            per_address: Some(1),
            ..Limits::default()
        });
        let asked = door.clone();
        let (leaving, mut left) = unbounded_channel();
        let server =
            Server::new(listener, rig.acceptor.clone(), service_fn(answer)).admit(move |from| {
                let permit = asked.admit(Some(from.ip()), Instant::now()).ok()?;
                // In this order: the permit is back when it is told.
                Some((permit, Leaving(leaving.clone())))
            });
        beside(server, async |_stop| {
            let mut first = bare(&rig, address).await;
            ask(&mut first, "/one").await;
            hear_until(&mut first, "/one").await;
            let mut second = TcpStream::connect(address).await.expect("a connection");
            let mut heard = Vec::new();
            let _ = second.read_to_end(&mut heard).await;
            assert_eq!(heard, b"");
            ask(&mut first, "/two").await;
            hear_until(&mut first, "/two").await;
            let told = door.statistics();
            assert_eq!((told.connections, told.admitted, told.refused), (1, 1, 1));
            drop(first);
            left.recv().await.expect("an admission");
            assert_eq!(door.statistics().connections, 0);
            let mut third = bare(&rig, address).await;
            ask(&mut third, "/three").await;
            hear_until(&mut third, "/three").await;
        })
        .await;
        assert_eq!(door.statistics().connections, 0);
    });
}
