//! Moving bytes.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::thread;

use socket::{Error, PlainSocket, Step};

use crate::common::{LONG, tcp_pair};

/// Bytes that show when one is lost, doubled or moved.
fn numbered(octets: usize) -> Vec<u8> {
    (0..octets).map(|place| (place % 251) as u8).collect()
}

#[test]
fn a_full_send_passes_a_small_buffer() {
    let (mut client, mut server) = PlainSocket::pair().unwrap();
    client.set_send_buffer(4096).unwrap();
    for timeout in [None, Some(LONG)] {
        client.set_write_timeout(timeout);
        let whole = numbered(1 << 20);
        let mut got = vec![0; whole.len()];
        thread::scope(|scope| {
            let sender = scope.spawn(|| client.send_all(&whole));
            server.recv_exact(&mut got).unwrap();
            sender.join().unwrap().unwrap();
        });
        assert!(got == whole);
    }
    assert_eq!(client.statistics().sent.octets, 2 << 20);
}

#[test]
fn vectored_calls_keep_the_order_and_pass_empty_slices() {
    let (mut client, mut server) = tcp_pair();
    let slices = ["", "ab", "", "cde", ""].map(|part| IoSlice::new(part.as_bytes()));
    assert_eq!(client.send_vectored(&slices).unwrap(), 5);
    assert_eq!(client.statistics().wire_sent.calls, 1);
    let (mut first, mut second, mut third) = ([0; 1], [0; 0], [0; 9]);
    let mut bufs = [
        IoSliceMut::new(&mut first),
        IoSliceMut::new(&mut second),
        IoSliceMut::new(&mut third),
    ];
    assert_eq!(server.recv_vectored(&mut bufs).unwrap(), 5);
    assert_eq!((&first, &third[..4]), (b"a", &b"bcde"[..]));
}

#[test]
fn nothing_to_move_is_done_at_once() {
    let (mut client, mut server) = tcp_pair();
    assert_eq!(client.send(b"").unwrap(), 0);
    client.send_all(b"").unwrap();
    client.send_all_vectored(&mut []).unwrap();
    client
        .send_all_vectored(&mut [IoSlice::new(b""), IoSlice::new(b"")])
        .unwrap();
    assert_eq!(server.recv(&mut []).unwrap(), 0);
    assert_eq!(server.recv_vectored(&mut []).unwrap(), 0);
    server.recv_exact(&mut []).unwrap();
    assert_eq!(*client.statistics(), socket::Statistics::default());
}

#[test]
fn more_slices_than_the_system_takes_are_all_sent() {
    let (mut client, mut server) = PlainSocket::pair().unwrap();
    client.set_send_buffer(4096).unwrap();
    let whole = numbered(9000);
    let mut slices: Vec<_> = vec![IoSlice::new(b""); 1500];
    slices.extend(whole.chunks(3).map(IoSlice::new));
    let mut got = vec![0; whole.len()];
    thread::scope(|scope| {
        let sender = scope.spawn(|| client.send_all_vectored(&mut slices));
        server.recv_exact(&mut got).unwrap();
        sender.join().unwrap().unwrap();
    });
    assert!(got == whole);
    client
        .send_all_vectored(&mut [IoSlice::new(b"end")])
        .unwrap();
    let mut room = [[0_u8; 1]; 1500];
    let mut bufs: Vec<_> = room.iter_mut().map(|one| IoSliceMut::new(one)).collect();
    assert_eq!(server.recv_vectored(&mut bufs).unwrap(), 3);
}

#[test]
fn an_early_end_tells_how_much_came() {
    let (mut client, mut server) = tcp_pair();
    client.send_all(b"abc").unwrap();
    drop(client);
    let mut got = [0; 8];
    let error = server.recv_exact(&mut got).unwrap_err();
    assert_eq!(error, Error::Ended { got: 3, wanted: 8 });
    assert_eq!(&got[..3], b"abc");
    assert_eq!(error.kind(), "ended");
    assert_eq!(std::io::Error::from(error).kind(), ErrorKind::UnexpectedEof);
    assert_eq!(server.recv(&mut got).unwrap(), 0);
}

#[test]
fn statistics_count_both_sides_of_the_same_bytes() {
    let (mut client, mut server) = tcp_pair();
    client.send_all(b"abcd").unwrap();
    client.send_all(b"ef").unwrap();
    let mut got = [0; 6];
    server.recv_exact(&mut got).unwrap();
    assert!(matches!(server.try_recv(&mut got), Ok(Step::Blocked(_))));
    let sent = client.statistics();
    assert_eq!((sent.sent.octets, sent.sent.calls), (6, 2));
    assert_eq!(sent.sent, sent.wire_sent);
    assert_eq!(sent.received.octets, 0);
    let received = server.statistics();
    assert_eq!(received.received.octets, 6);
    assert!((1..=2).contains(&received.received.calls));
    assert_eq!(received.received, received.wire_received);
    assert_eq!(received.handshakes, 0);
}

#[test]
fn std_readers_and_writers_work() {
    let (mut client, mut server) = tcp_pair();
    write!(client, "{} {}", 1, 2).unwrap();
    let slices = [IoSlice::new(b" 3"), IoSlice::new(b" 4")];
    assert_eq!(client.write_vectored(&slices).unwrap(), 4);
    client.flush().unwrap();
    client.shutdown_write(LONG).unwrap();
    let mut text = String::new();
    server.read_to_string(&mut text).unwrap();
    assert_eq!(text, "1 2 3 4");
}

#[test]
fn a_peer_that_is_gone_is_an_error_and_no_signal() {
    let (mut client, server) = PlainSocket::pair().unwrap();
    drop(server);
    let error = client.send(b"x").unwrap_err();
    let Error::Io(inner) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(inner.kind(), ErrorKind::BrokenPipe);
    assert_eq!(error.kind(), "io");
    let number = inner.raw_os_error();
    assert!(number.is_some());
    assert_eq!(std::io::Error::from(error).raw_os_error(), number);
}

#[test]
fn a_reset_is_told() {
    let (mut client, mut server) = tcp_pair();
    server.set_linger(Some(std::time::Duration::ZERO)).unwrap();
    client.send_all(b"unread").unwrap();
    server.peek(&mut [0]).unwrap();
    drop(server);
    let Err(Error::Io(error)) = client.recv(&mut [0]) else {
        panic!("the reset is lost");
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(client.take_error(), Ok(None));
}
