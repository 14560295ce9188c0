//! Timeouts, deadlines and held octets under TLS.

use std::io::IoSliceMut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use socket::{Error, Interest, Operation, PlainSocket, Step};

use crate::common::{FakeSocket, LONG, SHORT, before_handshake, server_of_a_raw_client, tls_pair};
use crate::fake::{DATA, Fake, HANDSHAKE, record};

fn over(during: Operation) -> Error {
    Error::Timeout { during, done: 0 }
}

/// Sends a byte at a time until the operation is over.
fn dribble<T>(peer: &mut PlainSocket, bytes: &[u8], operation: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for byte in bytes.chunks(1) {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                peer.send_all(byte).unwrap();
                thread::sleep(SHORT / 10);
            }
        });
        let result = operation();
        over.store(true, Ordering::Relaxed);
        result
    })
}

#[test]
fn a_handshake_that_dribbles_ends_at_its_timeout() {
    let (mut peer, server) = PlainSocket::pair().unwrap();
    let mut server = FakeSocket::from_fd(server.into_fd().unwrap()).unwrap();
    server.enable_tls_server(&Fake::default(), &()).unwrap();
    let start = Instant::now();
    let hello = record(HANDSHAKE, &[b'a'; 10000]);
    let result = dribble(&mut peer, &hello, || server.handshake(SHORT * 2));
    assert_eq!(result, Err(over(Operation::Handshake)));
    assert!(start.elapsed() >= SHORT * 2 && start.elapsed() < LONG);
}

#[test]
fn a_peer_that_says_nothing_ends_the_handshake_in_time_and_it_can_go_on() {
    let (mut client, mut server) = before_handshake();
    assert_eq!(client.handshake(SHORT), Err(over(Operation::Handshake)));
    assert_eq!(server.handshake(SHORT), Err(over(Operation::Handshake)));
    crate::common::shake(&mut client, &mut server);
}

#[test]
fn a_deadline_bounds_the_handshake_too() {
    let (mut client, _server) = before_handshake();
    client.set_deadline(Some(Instant::now() + SHORT));
    assert_eq!(client.handshake(LONG), Err(over(Operation::Handshake)));
}

#[test]
fn a_record_that_comes_in_pieces_does_not_extend_a_receive() {
    let (mut peer, mut server) = server_of_a_raw_client();
    server.set_read_timeout(Some(SHORT * 2));
    let before = server.statistics().wire_received.octets;
    let start = Instant::now();
    let long = record(DATA, &[1; 10000]);
    let result = dribble(&mut peer, &long, || server.recv(&mut [0; 8]));
    assert_eq!(result, Err(over(Operation::Receive)));
    assert!(start.elapsed() >= SHORT * 2 && start.elapsed() < LONG);
    assert!(server.statistics().wire_received.octets > before + 5);
}

#[test]
fn a_receive_after_a_timeout_loses_nothing() {
    let (mut peer, mut server) = server_of_a_raw_client();
    let whole = record(DATA, b"whole");
    peer.send_all(&whole[..7]).unwrap();
    server.set_read_timeout(Some(SHORT));
    let mut got = [0; 5];
    assert_eq!(server.recv(&mut got), Err(over(Operation::Receive)));
    peer.send_all(&whole[7..]).unwrap();
    assert_eq!(server.recv(&mut got), Ok(5));
    assert_eq!(&got, b"whole");
}

#[test]
fn a_receive_pushes_out_what_the_session_holds() {
    // The peer answers only when it has everything, so a receive that left
    // the held octets where they are would wait for ever.
    for timeout in [None, Some(LONG)] {
        let (mut client, mut server) = tls_pair();
        client.set_send_buffer(4096).unwrap();
        client.set_read_timeout(timeout);
        let mut sent = 0;
        while let Step::Ready(octets) = client.try_send(&[3; 5000]).unwrap() {
            sent += octets;
            if client.interest().contains(Interest::WRITE) {
                break;
            }
        }
        assert_eq!(client.interest(), Interest::all());
        thread::scope(|scope| {
            scope.spawn(|| {
                server.recv_exact(&mut vec![0; sent]).unwrap();
                server.send_all(b"done").unwrap();
            });
            let mut got = [0; 4];
            client.recv_exact(&mut got).unwrap();
            assert_eq!(&got, b"done");
        });
        assert_eq!(client.interest(), Interest::READ);
        assert_eq!(client.statistics().sent.octets, sent as u64);
    }
}

#[test]
fn a_try_receive_waits_for_both_directions_while_octets_are_held() {
    let (mut client, mut server) = tls_pair();
    while client.interest() == Interest::READ {
        assert!(client.try_send(&[3; 5000]).unwrap().is_ready());
    }
    let both = Ok(Step::Blocked(Interest::all()));
    assert_eq!(client.try_recv(&mut [0; 4]), both);
    assert_eq!(client.try_flush(), Ok(Step::Blocked(Interest::WRITE)));
    let octets = usize::try_from(client.statistics().sent.octets).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| server.recv_exact(&mut vec![0; octets]).unwrap());
        client.flush().unwrap();
    });
    assert_eq!(client.interest(), Interest::READ);
}

#[test]
fn a_send_that_cannot_leave_in_time_is_taken_once() {
    let (mut client, mut server) = tls_pair();
    client.set_write_timeout(Some(SHORT));
    let mut taken = 0;
    let error = loop {
        match client.send(&[9; 3000]) {
            Ok(octets) => taken += octets,
            Err(error) => break error,
        }
    };
    assert_eq!(error, over(Operation::Send));
    assert_eq!(client.flush(), Err(over(Operation::Send)));
    client.set_write_timeout(Some(LONG));
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut got = vec![0; taken];
            server.recv_exact(&mut got).map(|()| got)
        });
        client.flush().unwrap();
        client.shutdown_write(LONG).unwrap();
        assert!(
            reader
                .join()
                .unwrap()
                .unwrap()
                .iter()
                .all(|&octet| octet == 9)
        );
    });
    assert_eq!(server.recv(&mut [0]).unwrap(), 0, "nothing was sent twice");
}

#[test]
fn a_full_send_tells_how_much_was_taken_when_its_time_is_over() {
    let (mut client, mut server) = tls_pair();
    client.set_write_timeout(Some(SHORT));
    let whole = vec![5; 4 << 20];
    let Err(Error::Timeout { during, done }) = client.send_all(&whole) else {
        panic!("nobody read it");
    };
    assert_eq!(during, Operation::Send);
    assert!((1..whole.len()).contains(&done));
    client.set_write_timeout(Some(LONG));
    thread::scope(|scope| {
        let reader = scope.spawn(|| server.recv_exact(&mut vec![0; whole.len()]));
        client.send_all(&whole[done..]).unwrap();
        reader.join().unwrap().unwrap();
    });
}

#[test]
fn a_shutdown_that_cannot_leave_ends_in_time_and_can_go_on() {
    let (mut client, mut server) = tls_pair();
    while client.interest() == Interest::READ {
        assert!(client.try_send(&[3; 5000]).unwrap().is_ready());
    }
    let in_vain = client.shutdown_write(SHORT);
    assert_eq!(in_vain, Err(over(Operation::Shutdown)));
    let octets = usize::try_from(client.statistics().sent.octets).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            server.recv_exact(&mut vec![0; octets]).unwrap();
            assert_eq!(server.recv(&mut [0]).unwrap(), 0);
        });
        client.shutdown_write(LONG).unwrap();
    });
}

#[test]
fn a_full_receive_stops_between_two_records_when_its_time_is_over() {
    let (mut client, mut server) = tls_pair();
    client.send_all(b"first").unwrap();
    client.send_all(b"second").unwrap();
    server.set_deadline(Some(Instant::now()));
    let mut got = [0; 11];
    let late = Err(Error::Timeout {
        during: Operation::Receive,
        done: 5,
    });
    assert_eq!(server.recv_exact(&mut got), late);
    assert_eq!(&got[..6], b"first\0");
    server.set_deadline(None);
    server.recv_exact(&mut got[5..]).unwrap();
    assert_eq!(&got, b"firstsecond");
}

#[test]
fn a_send_that_is_done_has_left_the_session() {
    let (mut client, mut server) = tls_pair();
    client.set_write_timeout(Some(LONG));
    server.set_read_timeout(Some(LONG));
    thread::scope(|scope| {
        scope.spawn(|| {
            // Long enough for the descriptor to be full meanwhile.
            thread::sleep(SHORT);
            server.recv_exact(&mut vec![0; 2 * 200 * 5000]).unwrap();
        });
        for _ in 0..200 {
            assert_eq!(client.send(&[1; 5000]), Ok(5000));
            assert_eq!(client.interest(), Interest::READ);
        }
        for _ in 0..200 {
            client.send_all(&[1; 5000]).unwrap();
            assert_eq!(client.interest(), Interest::READ);
        }
    });
}

#[test]
fn a_vectored_receive_does_not_wait_for_its_second_buffer() {
    let (mut peer, mut server) = server_of_a_raw_client();
    let mut wire = record(DATA, b"whole");
    let second = record(DATA, b"later");
    wire.extend(&second[..7]);
    peer.send_all(&wire).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(SHORT);
            peer.send_all(&second[7..]).unwrap();
        });
        let (mut first, mut rest) = ([0; 5], [0; 5]);
        let mut bufs = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut rest)];
        assert_eq!(server.recv_vectored(&mut bufs), Ok(5));
        server.recv_exact(&mut rest).unwrap();
        assert_eq!((&first, &rest), (b"whole", b"later"));
    });
}
