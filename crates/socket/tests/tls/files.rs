//! Sending from files under TLS, encrypted here or by the kernel. The kernel
//! is played: what it gets to encrypt is what the peer sees.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use socket::{Error, FileSent, Interest, PlainListener, PlainSocket, Route, Step};

use crate::common::{
    FakeSocket, LONG, SHORT, before_handshake, client_flights, server_of, server_of_a_raw_client,
    tls_pair,
};
use crate::fake::{DATA, Fake, RECORD, record};

/// The route where the kernel encrypts and the descriptor lets it send.
const BY_THE_KERNEL: Route = match cfg!(any(target_os = "linux", target_os = "android")) {
    true => Route::KernelTls,
    false => Route::Copied,
};

fn numbered(octets: usize) -> (File, Vec<u8>) {
    let content: Vec<u8> = (0..octets).map(|place| (place % 251) as u8).collect();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&content).unwrap();
    (file, content)
}

/// A non-blocking server whose kernel encrypts, and its client's descriptor.
fn under_kernel_tls() -> (PlainSocket, FakeSocket) {
    let fake = Fake {
        kernel_transmits: true,
        ..Fake::default()
    };
    let (mut peer, mut server) = server_of(&fake);
    peer.set_read_timeout(Some(LONG));
    server.set_nonblocking(true).unwrap();
    server.set_write_timeout(Some(LONG));
    (peer, server)
}

#[track_caller]
fn sent(result: Result<FileSent, Error>) -> (u64, Route) {
    let FileSent { octets, route, .. } = result.unwrap();
    (octets, route)
}

#[test]
fn a_file_is_encrypted_a_full_record_at_a_time() {
    let (file, content) = numbered(2 * RECORD + 100);
    for nonblocking in [false, true] {
        let (mut peer, mut server) = server_of_a_raw_client();
        server.set_nonblocking(nonblocking).unwrap();
        let before = *server.statistics();
        let mut offset = 0;
        let result = server.send_file(&file, &mut offset, content.len() as u64);
        assert_eq!(sent(result), (content.len() as u64, Route::Encrypted));
        let expected: Vec<u8> = content
            .chunks(RECORD)
            .flat_map(|piece| record(DATA, piece))
            .collect();
        let mut wire = vec![0; expected.len()];
        peer.recv_exact(&mut wire).unwrap();
        assert!(wire == expected);
        let after = server.statistics();
        assert_eq!(after.sent.octets - before.sent.octets, offset);
        assert_eq!(after.sent.calls - before.sent.calls, 3);
        let on_the_wire = after.wire_sent.octets - before.wire_sent.octets;
        assert_eq!(on_the_wire, expected.len() as u64);
    }
}

#[test]
fn a_file_finishes_the_handshake() {
    let (file, content) = numbered(100);
    let (mut client, mut server) = before_handshake();
    // Nobody has answered yet: nothing is taken, and the file is not asked.
    let folder = tempfile::tempdir().unwrap();
    let unreadable = File::open(folder.path()).unwrap();
    let mut offset = 0;
    for file in [&unreadable, &file] {
        let step = client.try_send_file(file, &mut offset, 100);
        assert_eq!(step, Ok(Step::Blocked(Interest::READ)));
    }
    client.set_write_timeout(Some(SHORT));
    let error = client.send_file(&file, &mut offset, 100).unwrap_err();
    assert!(error.is_timeout() && offset == 0, "{error:?}");
    client.set_write_timeout(None);
    thread::scope(|scope| {
        scope.spawn(|| sent(client.send_file(&file, &mut offset, 100)));
        let mut got = [0; 100];
        server.recv_exact(&mut got).unwrap();
        assert_eq!(got[..], content);
    });
    assert_eq!(client.statistics().handshakes, 1);
}

#[test]
fn a_step_that_blocks_takes_nothing_and_goes_on_later() {
    let (file, content) = numbered(4 << 20);
    let (mut client, mut server) = tls_pair();
    client.send_all(b"head").unwrap();
    let mut offset = 0;
    let interest = loop {
        match client.try_send_file(&file, &mut offset, u64::MAX).unwrap() {
            Step::Ready(sent) => assert_eq!(sent.route, Route::Encrypted),
            Step::Blocked(interest) => break interest,
        }
    };
    assert_eq!(
        (interest, client.interest()),
        (Interest::WRITE, Interest::all())
    );
    let taken = offset;
    for _ in 0..3 {
        let again = client.try_send_file(&file, &mut offset, u64::MAX);
        assert_eq!(again, Ok(Step::Blocked(Interest::WRITE)));
        assert_eq!(offset, taken);
    }
    thread::scope(|scope| {
        let expected = [b"head", &content[..], b"tail"].concat();
        let receiver = scope.spawn(move || {
            let mut got = vec![0; expected.len()];
            server.recv_exact(&mut got).map(|()| got == expected)
        });
        let left = content.len() as u64 - offset;
        assert_eq!(sent(client.send_file(&file, &mut offset, left)).0, left);
        assert_eq!(client.interest(), Interest::READ, "all of it has left");
        client.send_all(b"tail").unwrap();
        assert_eq!(receiver.join().unwrap(), Ok(true));
    });
}

#[test]
fn a_timeout_tells_what_the_session_took() {
    let (file, content) = numbered(4 << 20);
    let (mut client, mut server) = tls_pair();
    client.set_write_timeout(Some(SHORT));
    let mut offset = 0;
    let result = client.send_file(&file, &mut offset, content.len() as u64);
    let Err(Error::Timeout { done, .. }) = result else {
        panic!("{result:?}");
    };
    assert_eq!(done as u64, offset);
    assert_eq!(client.statistics().sent.octets, offset);
    client.set_write_timeout(Some(LONG));
    thread::scope(|scope| {
        let expected = &content[..done];
        let receiver = scope.spawn(move || {
            let mut got = vec![0; expected.len()];
            server.recv_exact(&mut got).map(|()| got == expected)
        });
        client.flush().unwrap();
        assert_eq!(receiver.join().unwrap(), Ok(true));
    });
}

#[test]
fn the_kernel_sends_what_it_encrypts() {
    let (file, content) = numbered(3 << 20);
    let (mut peer, mut server) = under_kernel_tls();
    let before = *server.statistics();
    thread::scope(|scope| {
        let expected = [b"head", &content[1000..], b"tail"].concat();
        let receiver = scope.spawn(move || {
            let mut got = vec![0; expected.len()];
            peer.recv_exact(&mut got).map(|()| got == expected)
        });
        server.send_all(b"head").unwrap();
        let mut offset = 1000;
        let length = content.len() as u64 - offset;
        let result = server.send_file(&file, &mut offset, length);
        assert_eq!(sent(result), (length, BY_THE_KERNEL));
        server.send_all(b"tail").unwrap();
        assert_eq!(receiver.join().unwrap(), Ok(true));
    });
    let after = server.statistics();
    let octets = content.len() as u64 - 1000 + 8;
    assert_eq!(after.sent.octets - before.sent.octets, octets);
    assert_eq!(after.wire_sent.octets - before.wire_sent.octets, octets);
}

#[test]
fn what_the_session_holds_leaves_before_the_kernel_sends() {
    let (file, content) = numbered(100);
    let (mut peer, mut server) = under_kernel_tls();
    let mut held = 0;
    while server.interest() == Interest::READ {
        let step = server.try_send(&[7; 5000]).unwrap();
        held += step.ready().unwrap();
    }
    let mut offset = 0;
    let step = server.try_send_file(&file, &mut offset, 100);
    assert_eq!(step, Ok(Step::Blocked(Interest::WRITE)));
    thread::scope(|scope| {
        let receiver = scope.spawn(move || {
            let mut got = vec![0; held + 100];
            peer.recv_exact(&mut got).map(|()| got)
        });
        let result = server.send_file(&file, &mut offset, 100);
        assert_eq!(sent(result), (100, BY_THE_KERNEL));
        let got = receiver.join().unwrap().unwrap();
        assert!(got[..held].iter().all(|&octet| octet == 7));
        assert_eq!(got[held..], content);
    });
}

#[test]
fn without_leave_to_wait_the_kernel_encrypts_what_was_copied() {
    let (file, content) = numbered(50_000);
    let (mut peer, mut server) = under_kernel_tls();
    server.set_nonblocking(false).unwrap();
    let result = server.send_file(&file, &mut 0, 50_000);
    assert_eq!(sent(result), (50_000, Route::Copied));
    let mut got = vec![0; 50_000];
    peer.recv_exact(&mut got).unwrap();
    assert!(got == content);
}

#[test]
fn nothing_passes_the_session_after_its_end() {
    let (file, _) = numbered(100);
    let (mut peer, mut server) = under_kernel_tls();
    server.close_tls(LONG).unwrap();
    let mut end = record(crate::fake::ALERT, &[0]);
    peer.recv_exact(&mut end).unwrap();
    let mut offset = 0;
    assert_eq!(
        server.send_file(&file, &mut offset, 100),
        Err(Error::Closed)
    );
    let step = server.try_send_file(&file, &mut offset, 100);
    assert_eq!(step, Err(Error::Closed));
    assert_eq!(offset, 0);
    let nothing = peer.try_recv(&mut [0]);
    assert_eq!(nothing, Ok(Step::Blocked(Interest::READ)), "in the clear");
}

#[test]
fn a_failure_past_the_session_is_the_sessions_end() {
    let (file, _) = numbered(100);
    let listener = PlainListener::bind_tcp("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().ip().unwrap();
    let server = TcpStream::connect(address).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    let mut server = FakeSocket::from(server);
    server.set_nonblocking(true).unwrap();
    server.set_write_timeout(Some(LONG));
    let fake = Fake {
        kernel_transmits: true,
        ..Fake::default()
    };
    server.enable_tls_server(&fake, &()).unwrap();
    peer.send_all(&client_flights()).unwrap();
    server.handshake(LONG).unwrap();
    // The answer is unread, and so the connection is reset: the system tells
    // that once.
    peer.peek(&mut [0]).unwrap();
    peer.set_linger(Some(Duration::ZERO)).unwrap();
    drop(peer);
    let mut offset = 0;
    let error = server.send_file(&file, &mut offset, 100).unwrap_err();
    let Error::Io(inner) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(inner.kind(), ErrorKind::ConnectionReset);
    assert_eq!(server.send(b"x"), Err(error.clone()));
    assert_eq!(server.recv(&mut [0]), Err(error.clone()));
    assert_eq!(server.send_file(&file, &mut offset, 100), Err(error));
    assert_eq!(offset, 0);
}

#[test]
fn an_error_of_the_file_leaves_the_session_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let unreadable = File::open(folder.path()).unwrap();
    let (file, content) = numbered(100);
    for (mut peer, mut server) in [server_of_a_raw_client(), under_kernel_tls()] {
        let error = server.send_file(&unreadable, &mut 0, 10).unwrap_err();
        assert_eq!(error.kind(), "file");
        let too_short = Error::FileTooShort {
            sent: 100,
            wanted: 101,
        };
        assert_eq!(server.send_file(&file, &mut 0, 101), Err(too_short));
        assert_eq!(server.send_file(&file, &mut 0, 100).unwrap().octets, 100);
        peer.set_read_timeout(Some(Duration::from_secs(1)));
        let mut wire = [0; 200];
        peer.recv_exact(&mut wire).unwrap();
        assert!(wire.starts_with(&content) || wire.starts_with(&record(DATA, &content)));
    }
}
