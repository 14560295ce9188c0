//! Connecting without waiting.

use std::io::ErrorKind;

use rustix::event::{PollFd, PollFlags, poll};
use socket::{Error, Interest, PlainListener, PlainSocket, Step};

fn wait_for_room(socket: &PlainSocket) {
    let fd = socket.wait_fd();
    poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::OUT)], None).unwrap();
}

#[test]
fn a_connection_that_was_started_is_made_in_steps() {
    let listener = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    let mut client = PlainSocket::start_connect_tcp(address).unwrap();
    wait_for_room(&client);
    assert_eq!(client.connect_step(), Ok(Step::Ready(())));
    assert_eq!(client.connect_step(), Ok(Step::Ready(())));
    assert!(!client.is_connecting() && !client.is_nonblocking());
    let (mut server, from) = listener.accept().unwrap();
    assert_eq!(from, client.local_addr().unwrap());
    // It waits like any other.
    std::thread::scope(|scope| {
        scope.spawn(|| server.send_all(b"hello").unwrap());
        let mut got = [0; 5];
        client.recv_exact(&mut got).unwrap();
        assert_eq!(&got, b"hello");
    });
}

#[test]
fn a_socket_that_is_connected_needs_no_step() {
    let (mut near, _far) = PlainSocket::pair().unwrap();
    assert!(!near.is_connecting());
    assert_eq!(near.connect_step(), Ok(Step::Ready(())));
}

#[test]
fn a_refusal_is_told_at_every_step() {
    let listener = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    drop(listener);
    let mut client = match PlainSocket::start_connect_tcp(address) {
        Ok(client) => client,
        Err(error) => return assert_refused(error),
    };
    wait_for_room(&client);
    for _ in 0..3 {
        assert_refused(client.connect_step().unwrap_err());
        assert!(client.is_connecting());
    }
}

#[track_caller]
fn assert_refused(error: Error) {
    let Error::Connect { source, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(source.kind(), ErrorKind::ConnectionRefused);
}

/// A listener whose queue is full lets the system wait.
#[cfg(target_os = "linux")]
#[test]
fn a_step_does_not_wait_for_the_connection() {
    let options = socket::ListenOptions::new().backlog(0);
    let listener = PlainListener::bind_tcp_with("127.0.0.1:0", &options).unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    let mut clients: Vec<_> = (0..8)
        .map(|_| PlainSocket::start_connect_tcp(address).unwrap())
        .collect();
    let late = clients.last_mut().unwrap();
    assert_eq!(late.connect_step(), Ok(Step::Blocked(Interest::WRITE)));
    assert!(late.is_connecting());
}
