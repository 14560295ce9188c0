//! Ending TLS: one direction, both, or back to plaintext.

use std::thread;

use socket::{Error, Interest, MAX_DISCARDED_OCTETS, Operation, Refusal, Step};
use tls_core::Error as TlsError;

use crate::common::{FakeSocket, LONG, SHORT, server_of_a_raw_client, tls_error, tls_pair};
use crate::fake::{ALERT, DATA, HANDSHAKE, record};

#[test]
fn one_direction_ends_cleanly_and_the_other_goes_on() {
    let (mut client, mut server) = tls_pair();
    client.send_all(b"last").unwrap();
    client.shutdown_write(LONG).unwrap();
    client.shutdown_write(LONG).unwrap();
    assert_eq!(client.send(b"more").unwrap_err(), Error::Closed);
    let mut got = [0; 4];
    server.recv_exact(&mut got).unwrap();
    for _ in 0..2 {
        assert_eq!(server.recv(&mut got).unwrap(), 0);
    }
    server.send_all(b"back").unwrap();
    client.recv_exact(&mut got).unwrap();
    assert_eq!(&got, b"back");
}

#[test]
fn close_notify_goes_before_the_end_of_the_descriptor() {
    let (mut peer, mut socket) = server_of_a_raw_client();
    assert_eq!(socket.try_shutdown_write(), Ok(Step::Ready(())));
    let mut wire = record(ALERT, &[0]);
    let expected = wire.clone();
    peer.recv_exact(&mut wire).unwrap();
    assert_eq!(wire, expected);
    assert_eq!(peer.recv(&mut wire).unwrap(), 0);
}

#[test]
fn a_full_shutdown_waits_for_the_peers_close_notify() {
    let (mut client, mut server) = tls_pair();
    server.send_all(&[1; 5000]).unwrap();
    thread::scope(|scope| {
        let ends = scope.spawn(|| client.shutdown(LONG));
        assert_eq!(server.recv(&mut [0; 8]).unwrap(), 0);
        assert_eq!(server.shutdown(LONG), Ok(0));
        assert_eq!(ends.join().unwrap(), Ok(5000));
    });
    // Both are done, and stay so.
    assert_eq!(client.shutdown(LONG), Ok(5000));
    assert_eq!(client.recv(&mut [0]), Ok(0));
}

#[test]
fn a_peer_that_leaves_without_close_notify_is_told() {
    let (peer, mut socket) = server_of_a_raw_client();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut peer = peer;
            peer.recv_exact(&mut record(ALERT, &[0])).unwrap();
        });
        assert_eq!(tls_error(socket.shutdown(LONG)), TlsError::Truncated);
    });
}

#[test]
fn a_peer_that_never_answers_is_waited_for_in_vain_and_in_time() {
    let (_peer, mut socket) = server_of_a_raw_client();
    assert_eq!(
        socket.shutdown(SHORT),
        Err(Error::Timeout {
            during: Operation::Shutdown,
            done: 0
        })
    );
    assert_eq!(socket.try_shutdown(), Ok(Step::Blocked(Interest::READ)));
}

#[test]
fn a_peer_that_goes_on_sending_is_cut_off() {
    let (mut client, mut server) = tls_pair();
    thread::scope(|scope| {
        scope.spawn(|| while server.send(&[0; 16384]).is_ok() {});
        let error = client.shutdown(LONG).unwrap_err();
        assert!(
            matches!(error, Error::Flooded { discarded } if discarded > MAX_DISCARDED_OCTETS),
            "{error:?}"
        );
        drop(client);
    });
}

#[test]
fn nothing_is_pushed_into_a_direction_that_has_ended() {
    let (mut peer, mut socket) = server_of_a_raw_client();
    socket.shutdown_write(LONG).unwrap();
    // The session would answer this, but it is too late.
    let mut wire = record(HANDSHAKE, b"update");
    wire.extend(record(DATA, b"one"));
    peer.send_all(&wire).unwrap();
    let mut got = [0; 3];
    socket.recv_exact(&mut got).unwrap();
    let blocked = Ok(Step::Blocked(Interest::READ));
    assert_eq!(socket.try_recv(&mut got), blocked);
    peer.send_all(&record(DATA, b"two")).unwrap();
    socket.recv_exact(&mut got).unwrap();
    assert_eq!(&got, b"two");
}

/// Sends `close_notify` and receives the peer's.
fn end_tls(near: &mut FakeSocket, far: &mut FakeSocket) {
    near.close_tls(LONG).unwrap();
    assert_eq!(far.recv(&mut [0]).unwrap(), 0);
    far.close_tls(LONG).unwrap();
    assert_eq!(near.recv(&mut [0]).unwrap(), 0);
}

#[test]
fn a_socket_goes_back_to_plaintext_after_a_clean_end() {
    let (mut client, mut server) = tls_pair();
    end_tls(&mut client, &mut server);
    client.disable_tls().unwrap();
    server.disable_tls().unwrap();
    assert!(!client.is_tls());
    client.send_all(b"clear").unwrap();
    let mut got = [0; 5];
    assert_eq!(server.peek(&mut got).unwrap(), 5);
    assert_eq!(&got, b"clear");
    server.into_fd().unwrap();
}

#[test]
fn going_back_is_refused_until_both_have_ended() {
    let (mut client, mut server) = tls_pair();
    let refused = Err(Error::Refused(Refusal::TlsNotClosed));
    assert_eq!(client.disable_tls(), refused);
    assert_eq!(client.try_close_tls(), Ok(Step::Ready(())));
    assert_eq!(client.disable_tls(), refused);
    assert_eq!(server.recv(&mut [0]).unwrap(), 0);
    assert_eq!(server.disable_tls(), refused);
    server.close_tls(LONG).unwrap();
    server.disable_tls().unwrap();
    // The peer's end is there, but has not been received.
    assert_eq!(client.disable_tls(), refused);
    assert_eq!(client.recv(&mut [0]).unwrap(), 0);
    client.disable_tls().unwrap();
}

#[test]
fn going_back_is_refused_when_tls_has_read_what_comes_behind() {
    let (mut peer, mut socket) = server_of_a_raw_client();
    let mut wire = record(DATA, b"x");
    wire.extend(record(ALERT, &[0]));
    wire.extend(b"plaintext, too early");
    peer.send_all(&wire).unwrap();
    assert_eq!(socket.recv(&mut [0; 8]).unwrap(), 1);
    assert_eq!(socket.recv(&mut [0; 8]).unwrap(), 0);
    socket.close_tls(LONG).unwrap();
    let refused = Err(Error::Refused(Refusal::BytesHeld));
    assert_eq!(socket.disable_tls(), refused);
    assert!(socket.is_tls());
}

#[test]
fn plaintext_right_behind_the_peers_close_is_not_read_by_tls() {
    // The peer goes on in the clear as soon as it has seen our close.
    let (mut peer, mut socket) = server_of_a_raw_client();
    let sound = record(DATA, b"before");
    peer.send_all(&sound[..8]).unwrap();
    assert_eq!(
        socket.try_recv(&mut [0; 8]),
        Ok(Step::Blocked(Interest::READ))
    );
    socket.close_tls(LONG).unwrap();
    let mut wire = sound[8..].to_vec();
    wire.extend(record(DATA, b"more"));
    wire.extend(record(ALERT, &[0]));
    wire.extend(b"plaintext");
    peer.send_all(&wire).unwrap();
    let mut got = [0; 10];
    socket.recv_exact(&mut got).unwrap();
    assert_eq!(&got, b"beforemore");
    assert_eq!(socket.recv(&mut got).unwrap(), 0);
    socket.disable_tls().unwrap();
    assert_eq!(socket.recv(&mut got).unwrap(), 9);
    assert_eq!(&got[..9], b"plaintext");
}

#[test]
fn a_peer_that_has_ended_and_gone_needs_no_close_notify() {
    let (mut near, mut far) = tls_pair();
    far.send_all(b"last").unwrap();
    far.shutdown_write(LONG).unwrap();
    drop(far);
    assert_eq!(near.shutdown(LONG), Ok(4));
    assert_eq!(near.recv(&mut [0]), Ok(0));
    assert_eq!(near.send(b"x").unwrap_err(), Error::Closed);
}

#[test]
fn a_peer_that_has_gone_without_close_notify_is_told_by_a_shutdown() {
    let (mut near, far) = tls_pair();
    drop(far);
    assert_eq!(near.shutdown_write(LONG), Ok(()));
    assert_eq!(tls_error(near.shutdown(LONG)), TlsError::Truncated);
}

#[test]
fn data_that_a_gone_peer_did_not_get_fails_the_shutdown() {
    let (mut near, far) = tls_pair();
    while near.interest() == Interest::READ {
        assert!(near.try_send(&[3; 5000]).unwrap().is_ready());
    }
    drop(far);
    let error = near.shutdown_write(LONG).unwrap_err();
    assert!(matches!(error, Error::Io(_)), "{error:?}");
}

#[test]
fn tls_can_be_turned_on_again_after_a_clean_end() {
    let (mut client, mut server) = tls_pair();
    end_tls(&mut client, &mut server);
    client.disable_tls().unwrap();
    server.disable_tls().unwrap();
    let fake = crate::fake::Fake::default();
    client
        .enable_tls_client(&fake, &(), &crate::common::name())
        .unwrap();
    server.enable_tls_server(&fake, &()).unwrap();
    crate::common::shake(&mut client, &mut server);
    assert_eq!(client.statistics().handshakes, 2);
    client.send_all(b"x").unwrap();
    server.recv_exact(&mut [0]).unwrap();
}
