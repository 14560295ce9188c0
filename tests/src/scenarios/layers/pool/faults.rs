//! An endpoint that dies, comes back, hangs, or is somebody else.

use std::time::{Duration, Instant};

use polytls::pool::{Error, Options, Target, WaitingFor};
use polytls::tls::{AnyBackend, CertificateError, Error as TlsError};

use super::front::{Connection, Front};
use super::rig::{Backend, LONG, LayersCase, Rig, SHORT, exchange, failure};
use crate::scenario::{Scenario, Versions, scenario};

pub(super) fn scenarios<F: Front>() -> Vec<Scenario<AnyBackend, AnyBackend>> {
    vec![
        scenario(
            "an_endpoint_that_dies_opens_the_circuit_until_it_is_back",
            dies::<F>,
        )
        .versions(Versions::Unpinned),
        scenario(
            "an_endpoint_that_is_back_in_time_is_connected_to",
            back_in_time::<F>,
        )
        .versions(Versions::Unpinned),
        scenario(
            "an_endpoint_with_another_certificate_is_refused",
            impostor::<F>,
        ),
        scenario(
            "an_endpoint_that_hangs_in_the_handshake_is_given_up",
            hangs::<F>,
        )
        .versions(Versions::Unpinned),
        scenario(
            "an_endpoint_that_hangs_up_in_the_handshake_is_tried_again",
            hangs_up::<F>,
        )
        .versions(Versions::Unpinned),
    ]
}

fn dies<F: Front>(case: &LayersCase) {
    // Long enough for a slow machine to ask once more.
    let open_for = SHORT * 8;
    let options = Options::new()
        .backoff(Duration::ZERO, Duration::ZERO)
        .attempts(1)
        .breaker(2, open_for);
    let mut rig = Rig::<F>::with(case, options);
    let (connection, server) = rig.connected();
    connection.release().expect("it is fit");
    drop(server);
    rig.stop_listening();
    // The idle connection is found dead, and then nobody answers.
    let start = Instant::now();
    for _ in 0..2 {
        let refused = failure(rig.pool.get(&rig.target, LONG));
        assert_eq!(refused.kind(), "connect");
    }
    match failure(rig.pool.get(&rig.target, LONG)) {
        Error::CircuitOpen { retry_in, last } => {
            assert!(retry_in <= open_for);
            assert_eq!(last.kind(), "connect");
        }
        other => panic!("{other:?} after {:?}", start.elapsed()),
    }
    assert!(start.elapsed() < LONG / 4);
    rig.assert_at_rest(0);
    assert_eq!(rig.pool.statistics().open_circuits, 1);
    rig.listen_again();
    std::thread::sleep(open_for);
    let (mut connection, mut server) = rig.connected();
    exchange(&mut connection, &mut server);
    assert_eq!(rig.pool.statistics().open_circuits, 0);
}

fn back_in_time<F: Front>(case: &LayersCase) {
    let pause = Duration::from_millis(20);
    let options = Options::new()
        .backoff(pause, pause)
        .attempts(1000)
        .no_breaker();
    let mut rig = Rig::<F>::with(case, options);
    rig.stop_listening();
    let (pool, target) = (rig.pool.clone(), rig.target.clone());
    let caller = std::thread::spawn(move || pool.get(&target, LONG));
    while rig.pool.statistics().failed == 0 {
        std::thread::yield_now();
    }
    rig.listen_again();
    let listener = rig.listener.as_ref().expect("somebody listens");
    let accepted = listener.accept_tls(&case.server, &rig.server, LONG);
    let (mut server, _) = accepted.expect("a client");
    let mut connection = caller.join().expect("no panic").expect("a connection");
    exchange(&mut connection, &mut server);
}

fn impostor<F: Front>(case: &LayersCase) {
    let mut rig = Rig::<F>::with(case, Options::new().breaker(1, LONG));
    let (mut connection, mut server) = rig.connected();
    exchange(&mut connection, &mut server);
    rig.becomes(&case.pki.unknown_ca);
    // That others were verified says nothing of this one.
    for _ in 0..2 {
        let (client, server) = rig.meet(&rig.target, LONG);
        let unknown = TlsError::Certificate(CertificateError::UnknownIssuer);
        assert_eq!(
            failure(client),
            Error::Handshake(polytls::Error::Tls(unknown))
        );
        // In TLS 1.3 a server learns of it after its own handshake.
        if let Ok(mut server) = server {
            assert!(server.recv(&mut [0]).is_err());
        }
    }
    assert_eq!(rig.pool.statistics().failed, 2);
    // The endpoint is there, and the circuit stays closed. The verified
    // connection is still good.
    assert_eq!(rig.pool.statistics().open_circuits, 0);
    connection.release().expect("it is fit");
    let mut connection = rig.reused();
    exchange(&mut connection, &mut server);
}

fn hangs<F: Front>(case: &LayersCase) {
    let rig = Rig::<F>::new(case);
    let start = Instant::now();
    let waiting_for = WaitingFor::Handshake;
    let over = Error::Timeout {
        waiting_for,
        last: None,
    };
    // The system accepts, and nobody answers.
    let timeout = SHORT * 4;
    assert_eq!(failure(rig.pool.get(&rig.target, timeout)), over);
    assert!(start.elapsed() >= timeout && start.elapsed() < LONG / 4);
    rig.assert_at_rest(0);
    let plain: Target<Backend> = Target::plain(rig.address);
    assert!(!rig.pool.get(&plain, LONG).expect("a connection").is_tls());
}

fn hangs_up<F: Front>(case: &LayersCase) {
    let options = Options::new().backoff(Duration::ZERO, Duration::ZERO);
    let rig = Rig::<F>::with(case, options.attempts(3));
    let listener = rig.listener.as_ref().expect("somebody listens");
    let (pool, target) = (rig.pool.clone(), rig.target.clone());
    let caller = std::thread::spawn(move || pool.get(&target, LONG));
    for _ in 0..2 {
        drop(listener.accept().expect("a client"));
    }
    let accepted = listener.accept_tls(&case.server, &rig.server, LONG);
    let (mut server, _) = accepted.expect("a client");
    let mut connection = caller.join().expect("no panic").expect("a connection");
    exchange(&mut connection, &mut server);
    assert_eq!(rig.pool.statistics().failed, 2);
}
