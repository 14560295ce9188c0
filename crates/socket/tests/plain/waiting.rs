//! Timeouts, deadlines, and operations that never wait.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use socket::{Error, Interest, Operation, PlainListener, PlainSocket, Step};

use crate::common::{LONG, SHORT, done_when_over, fill, tcp_pair};

fn over(during: Operation) -> Error {
    Error::Timeout { during, done: 0 }
}

#[test]
fn a_receive_ends_at_its_timeout_and_works_later() {
    let (mut client, mut server) = tcp_pair();
    assert_eq!(server.read_timeout(), None);
    server.set_read_timeout(Some(SHORT));
    assert_eq!(server.read_timeout(), Some(SHORT));
    let start = Instant::now();
    let mut got = [0; 8];
    assert_eq!(server.recv(&mut got), Err(over(Operation::Receive)));
    assert!(start.elapsed() >= SHORT);
    assert_eq!(server.peek(&mut got), Err(over(Operation::Receive)));
    client.send_all(b"late").unwrap();
    assert_eq!(server.recv(&mut got).unwrap(), 4);
}

#[test]
fn a_send_ends_at_its_timeout_and_works_later() {
    let (mut client, mut server) = PlainSocket::pair().unwrap();
    fill(&mut client);
    client.set_write_timeout(Some(SHORT));
    assert_eq!(client.write_timeout(), Some(SHORT));
    let start = Instant::now();
    assert_eq!(client.send(b"x"), Err(over(Operation::Send)));
    assert!(start.elapsed() >= SHORT);
    while let Step::Ready(1..) = server.try_recv(&mut [0; 65536]).unwrap() {}
    assert_eq!(client.send(b"x").unwrap(), 1);
}

#[test]
fn zero_never_waits_but_takes_what_is_there() {
    let (mut client, mut server) = tcp_pair();
    server.set_read_timeout(Some(Duration::ZERO));
    let mut got = [0; 8];
    assert_eq!(server.recv(&mut got), Err(over(Operation::Receive)));
    client.send_all(b"here").unwrap();
    // Loopback delivers before the send returns.
    assert_eq!(server.recv(&mut got).unwrap(), 4);
}

#[test]
fn a_deadline_bounds_all_operations_whatever_their_timeout() {
    let (mut client, mut server) = tcp_pair();
    server.set_read_timeout(Some(LONG));
    let deadline = Instant::now() + SHORT;
    server.set_deadline(Some(deadline));
    assert_eq!(server.deadline(), Some(deadline));
    let mut got = [0; 8];
    assert_eq!(server.recv(&mut got), Err(over(Operation::Receive)));
    assert!(Instant::now() >= deadline);
    // It is over for the next operation too, until it is moved.
    let start = Instant::now();
    assert_eq!(server.recv(&mut got), Err(over(Operation::Receive)));
    assert!(start.elapsed() < LONG / 2);
    server.set_deadline(None);
    client.send_all(b"late").unwrap();
    assert_eq!(server.recv(&mut got).unwrap(), 4);
}

#[test]
fn a_timeout_too_long_to_be_told_is_no_limit() {
    let (mut client, mut server) = tcp_pair();
    server.set_read_timeout(Some(Duration::MAX));
    client.set_write_timeout(Some(Duration::MAX));
    let receiver = thread::spawn(move || {
        let mut got = [0; 2];
        server.recv_exact(&mut got).map(|()| got)
    });
    client.send_all(b"o").unwrap();
    thread::sleep(SHORT / 3);
    client.send_all(b"k").unwrap();
    assert_eq!(receiver.join().unwrap().unwrap(), *b"ok");
}

#[test]
fn a_peer_that_dribbles_does_not_extend_a_full_receive() {
    let (mut client, mut server) = tcp_pair();
    server.set_read_timeout(Some(SHORT * 3));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                client.send_all(b".").unwrap();
                thread::sleep(SHORT / 10);
            }
        });
        let start = Instant::now();
        let mut got = [0; 4096];
        let done = done_when_over(server.recv_exact(&mut got));
        over.store(true, Ordering::Relaxed);
        assert!(start.elapsed() >= SHORT * 3 && start.elapsed() < LONG);
        assert!((1..4096).contains(&done));
        assert!(got[..done].iter().all(|&octet| octet == b'.'));
        assert_eq!(got[done], 0);
        assert_eq!(server.statistics().received.octets, done as u64);
    });
}

#[test]
fn a_peer_that_reads_slowly_does_not_extend_a_full_send() {
    let (mut client, mut server) = PlainSocket::pair().unwrap();
    client.set_write_timeout(Some(SHORT * 3));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let _ = server.try_recv(&mut [0; 512]).unwrap();
                thread::sleep(SHORT / 10);
            }
        });
        let start = Instant::now();
        let whole = vec![1; 16 << 20];
        let done = done_when_over(client.send_all(&whole));
        over.store(true, Ordering::Relaxed);
        assert!(start.elapsed() >= SHORT * 3 && start.elapsed() < LONG);
        assert!((1..whole.len()).contains(&done));
        assert_eq!(client.statistics().sent.octets, done as u64);
    });
}

#[test]
fn operations_that_never_wait_say_what_for() {
    let (mut client, mut server) = tcp_pair();
    let mut got = [0; 8];
    let blocked = Ok(Step::Blocked(Interest::READ));
    assert_eq!(server.try_recv(&mut got), blocked);
    let mut slices = [IoSliceMut::new(&mut got)];
    assert_eq!(server.try_recv_vectored(&mut slices), blocked);
    fill(&mut client);
    let blocked = Ok(Step::Blocked(Interest::WRITE));
    assert_eq!(client.try_send(b"x"), blocked);
    assert_eq!(client.try_send_vectored(&[IoSlice::new(b"x")]), blocked);
    assert_eq!(client.try_flush(), Ok(Step::Ready(())));
    assert_eq!(client.interest(), Interest::READ);
    assert!(!client.has_pending());
    // The descriptor itself was blocking all the time.
    assert!(!client.is_nonblocking());
}

#[test]
fn a_non_blocking_socket_blocks_at_the_std_edge_alone() {
    let (mut client, mut server) = tcp_pair();
    server.set_nonblocking(true).unwrap();
    client.set_nonblocking(true).unwrap();
    let mut got = [0; 8];
    let error = server.read(&mut got).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    let error = server
        .read_vectored(&mut [IoSliceMut::new(&mut got)])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    fill(&mut client);
    let error = client.write(b"x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    client.set_write_timeout(Some(SHORT));
    assert_eq!(client.send(b"x"), Err(over(Operation::Send)));
    Write::flush(&mut client).unwrap();
    // A receive by name waits, non-blocking descriptor or not.
    let (mut near, mut far) = PlainSocket::pair().unwrap();
    far.set_nonblocking(true).unwrap();
    let receiver = thread::spawn(move || {
        let mut got = [0; 2];
        far.recv_exact(&mut got).map(|()| got)
    });
    thread::sleep(SHORT / 3);
    near.send_all(b"ok").unwrap();
    assert_eq!(receiver.join().unwrap().unwrap(), *b"ok");
}

#[test]
fn a_timeout_at_the_std_edge_keeps_its_kind_and_its_error() {
    let (_client, mut server) = tcp_pair();
    server.set_read_timeout(Some(SHORT));
    let error = server.read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let inner = error.get_ref().unwrap().downcast_ref::<Error>();
    assert_eq!(inner, Some(&over(Operation::Receive)));
}

#[test]
fn an_accept_ends_at_its_timeout() {
    let mut listener = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
    assert_eq!(listener.timeout(), None);
    listener.set_timeout(Some(SHORT));
    assert_eq!(listener.timeout(), Some(SHORT));
    let start = Instant::now();
    let error = listener.accept().unwrap_err();
    assert_eq!(error, over(Operation::Accept));
    assert!(start.elapsed() >= SHORT);
    assert!(matches!(
        listener.try_accept(),
        Ok(Step::Blocked(Interest::READ))
    ));
}

#[test]
fn a_socket_that_relies_on_edges_does_not_ask_in_vain() {
    let (mut near, mut far) = PlainSocket::pair().unwrap();
    let mut buf = [0; 4];
    near.rely_on_edges(true);
    assert!(!near.try_recv(&mut buf).unwrap().is_ready());
    far.send_all(b"abcdefg").unwrap();
    // It has not been told.
    assert!(!near.try_recv(&mut buf).unwrap().is_ready());
    near.note_input();
    assert_eq!(near.try_recv(&mut buf).unwrap(), Step::Ready(4));
    // There was no room for more.
    assert_eq!(near.try_recv(&mut buf).unwrap(), Step::Ready(3));
    far.send_all(b"h").unwrap();
    assert!(!near.try_recv(&mut buf).unwrap().is_ready());
    // Whoever waits asks the system.
    assert_eq!(near.recv(&mut buf).unwrap(), 1);
    far.send_all(b"i").unwrap();
    near.rely_on_edges(false);
    assert_eq!(near.try_recv(&mut buf).unwrap(), Step::Ready(1));
    assert!(!near.try_recv(&mut buf).unwrap().is_ready());
    far.send_all(b"j").unwrap();
    assert_eq!(near.try_recv(&mut buf).unwrap(), Step::Ready(1));
}

#[test]
fn the_end_is_found_again_without_a_new_edge() {
    let (mut near, far) = PlainSocket::pair().unwrap();
    near.rely_on_edges(true);
    drop(far);
    for _ in 0..2 {
        assert_eq!(near.try_recv(&mut [0; 4]).unwrap(), Step::Ready(0));
    }
}
