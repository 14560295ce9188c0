//! Connections that are not given out again.

use std::time::Duration;

use polytls::pool::Unfit;
use polytls::tls::{AnyBackend, Error as TlsError};
use polytls::{Error, SHUTDOWN_TIMEOUT};

use super::front::{Connection, Front};
use super::rig::{End, LayersCase, Rig, exchange};
use crate::scenario::{Scenario, Versions, scenario};

pub(super) fn scenarios<F: Front>() -> Vec<Scenario<AnyBackend, AnyBackend>> {
    vec![
        scenario(
            "a_connection_that_ended_while_idle_is_not_given_out",
            ended::<F>,
        ),
        scenario(
            "a_connection_that_was_cut_while_idle_is_not_given_out",
            truncated::<F>,
        ),
        scenario("a_connection_that_was_reset_is_not_given_out", reset::<F>)
            .versions(Versions::Unpinned),
        scenario("data_that_nobody_asked_for_is_not_given_out", unasked::<F>),
        scenario("a_connection_with_unread_data_is_discarded", unread::<F>),
        scenario("a_connection_with_unsent_data_is_discarded", unsent::<F>)
            .versions(Versions::Unpinned),
        scenario("a_connection_that_is_altered_is_discarded", altered::<F>)
            .versions(Versions::Unpinned),
        scenario("a_dropped_connection_does_not_look_complete", dropped::<F>),
    ]
}

/// Something happens to a connection between its exchange and its release: it
/// is found there, and nothing is left of the connection.
#[track_caller]
fn found_at_the_release<F: Front>(case: &LayersCase, happen: impl FnOnce(End) -> Option<End>) {
    let rig = Rig::<F>::new(case);
    let (mut connection, mut server) = rig.connected();
    exchange(&mut connection, &mut server);
    let kept = happen(server);
    connection.until_it_can_be_read();
    let unfit = connection.release().expect_err("it is not fit");
    assert!(kept.is_none() || unfit == Unfit::Unread, "{unfit:?}");
    rig.assert_at_rest(0);
}

/// Something happens to an idle connection: the next caller gets another.
#[track_caller]
fn found_at_the_next_use<F: Front>(case: &LayersCase, happen: impl FnOnce(End) -> Option<End>) {
    let rig = Rig::<F>::new(case);
    let (mut connection, mut server) = rig.connected();
    exchange(&mut connection, &mut server);
    let from = connection.local_addr();
    connection.release().expect("it is fit");
    let _kept = happen(server);
    // On the loopback interface it has arrived when the call is over.
    let (next, mut its_server) = rig.connected();
    assert_ne!(next.local_addr(), from);
    assert_eq!(rig.pool.statistics().unfit, 1);
    let mut next = next;
    exchange(&mut next, &mut its_server);
    next.release().expect("it is fit");
    rig.assert_at_rest(1);
}

#[track_caller]
fn both<F: Front>(case: &LayersCase, happen: impl Fn(End) -> Option<End>) {
    found_at_the_release::<F>(case, &happen);
    found_at_the_next_use::<F>(case, &happen);
}

fn ended<F: Front>(case: &LayersCase) {
    both::<F>(case, |mut server| {
        server.shutdown_write(SHUTDOWN_TIMEOUT).expect("an end");
        None
    });
}

fn truncated<F: Front>(case: &LayersCase) {
    both::<F>(case, |server| {
        drop(server);
        None
    });
    let rig = Rig::<F>::new(case);
    let (connection, server) = rig.connected();
    drop(server);
    until_it_ends(connection, &Unfit::Failed(Error::Tls(TlsError::Truncated)));
}

fn reset<F: Front>(case: &LayersCase) {
    both::<F>(case, |mut server| {
        server.set_linger(Some(Duration::ZERO)).expect("an option");
        None
    });
}

fn unasked<F: Front>(case: &LayersCase) {
    both::<F>(case, |mut server| {
        server.send_all(b"nobody asked").expect("a send");
        Some(server)
    });
}

fn unread<F: Front>(case: &LayersCase) {
    let rig = Rig::<F>::new(case);
    let (mut connection, mut server) = rig.connected();
    server.send_all(b"an answer and more").expect("a send");
    let mut answer = [0; 9];
    connection.recv_exact(&mut answer);
    assert_eq!(connection.release(), Err(Unfit::Unread));
    rig.assert_at_rest(0);
    assert_eq!(rig.pool.statistics().discarded, 1);
}

/// The peer does not read, and a session holds what the descriptor does not
/// take.
fn unsent<F: Front>(case: &LayersCase) {
    let rig = Rig::<F>::new(case);
    let (mut connection, _server) = rig.connected();
    connection.send_too_much();
    assert_eq!(connection.release(), Err(Unfit::Unsent));
    rig.assert_at_rest(0);
}

fn altered<F: Front>(case: &LayersCase) {
    let rig = Rig::<F>::new(case);
    let (mut connection, _server) = rig.connected();
    connection.end();
    assert_eq!(connection.release(), Err(Unfit::Altered));
    rig.assert_at_rest(0);
}

fn dropped<F: Front>(case: &LayersCase) {
    let rig = Rig::<F>::new(case);
    let (mut connection, mut server) = rig.connected();
    connection.send_all(b"half a requ");
    drop(connection);
    let mut half = [0; 11];
    server.recv_exact(&mut half).expect("a half");
    let end = server.recv(&mut half).expect_err("it is no clean end");
    // A ticket that was not read makes it a reset.
    let is_reset = matches!(&end, Error::Io(_));
    assert!(
        is_reset || end == Error::Tls(TlsError::Truncated),
        "{end:?}"
    );
    rig.assert_at_rest(0);
}

/// A server that is dropped with octets unread resets; both are failures.
#[track_caller]
fn until_it_ends(connection: impl Connection, expected: &Unfit) {
    connection.until_it_can_be_read();
    let unfit = connection.release().expect_err("it is not fit");
    let is_reset = matches!(&unfit, Unfit::Failed(Error::Io(_)));
    assert!(is_reset || unfit == *expected, "{unfit:?}");
}
