//! Ending a plain stream.

use std::io::ErrorKind;
use std::thread;

use socket::{Error, Interest, MAX_DISCARDED_OCTETS, Operation, PlainSocket, Step};

use crate::common::{LONG, SHORT, tcp_pair};

#[test]
fn one_direction_ends_and_the_other_goes_on() {
    let (mut client, mut server) = tcp_pair();
    client.send_all(b"last").unwrap();
    client.shutdown_write(LONG).unwrap();
    client.shutdown_write(LONG).unwrap();
    let error = client.send(b"more").unwrap_err();
    assert_eq!(error, Error::Closed);
    assert_eq!(std::io::Error::from(error).kind(), ErrorKind::BrokenPipe);
    assert_eq!(client.try_send(b"more"), Err(Error::Closed));
    assert_eq!(client.send_all(b"more"), Err(Error::Closed));
    let mut got = [0; 4];
    server.recv_exact(&mut got).unwrap();
    assert_eq!(server.recv(&mut got).unwrap(), 0);
    server.send_all(b"back").unwrap();
    client.recv_exact(&mut got).unwrap();
    assert_eq!(&got, b"back");
}

#[test]
fn a_full_shutdown_waits_for_the_peer_and_counts_what_it_throws_away() {
    let (mut client, mut server) = tcp_pair();
    server.send_all(&[1; 5000]).unwrap();
    thread::scope(|scope| {
        let ends = scope.spawn(|| client.shutdown(LONG));
        assert_eq!(server.recv(&mut [0; 8]).unwrap(), 0);
        server.send_all(&[2; 3]).unwrap();
        assert_eq!(server.shutdown(LONG), Ok(0));
        assert_eq!(ends.join().unwrap(), Ok(5003));
    });
}

#[test]
fn a_full_shutdown_without_waiting_goes_on_where_it_was() {
    let (mut client, mut server) = PlainSocket::pair().unwrap();
    server.send_all(b"abc").unwrap();
    let blocked = Ok(Step::Blocked(Interest::READ));
    assert_eq!(client.try_shutdown(), blocked);
    assert_eq!(client.try_shutdown(), blocked);
    server.send_all(b"de").unwrap();
    assert_eq!(server.try_shutdown_write(), Ok(Step::Ready(())));
    assert_eq!(client.try_shutdown(), Ok(Step::Ready(5)));
}

#[test]
fn a_peer_that_never_ends_is_waited_for_in_vain_and_in_time() {
    let (mut client, _server) = tcp_pair();
    let over = Err(Error::Timeout {
        during: Operation::Shutdown,
        done: 0,
    });
    assert_eq!(client.shutdown(SHORT), over);
    assert_eq!(client.shutdown(std::time::Duration::ZERO), over);
}

#[test]
fn a_peer_that_goes_on_sending_is_cut_off() {
    let (mut client, mut server) = tcp_pair();
    thread::scope(|scope| {
        scope.spawn(|| while server.send(&[0; 65536]).is_ok() {});
        let error = client.shutdown(LONG).unwrap_err();
        let Error::Flooded { discarded } = error else {
            panic!("{error:?}");
        };
        assert!((MAX_DISCARDED_OCTETS..MAX_DISCARDED_OCTETS + 65536).contains(&discarded));
        assert_eq!(error.kind(), "flooded");
        drop(client);
    });
}

#[test]
fn a_peer_that_has_torn_the_connection_down_counts_as_ended() {
    let (mut client, mut server) = tcp_pair();
    server.set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(server);
    let Err(Error::Io(error)) = client.recv(&mut [0]) else {
        panic!("the reset is lost");
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    client.shutdown_write(LONG).unwrap();
}
