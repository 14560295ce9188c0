//! Sending from files: by the kernel where it encrypts, else by the library.

use std::fs::File;
use std::io::Write;

use polytls::tls::{Error as TlsError, TlsBackend, TlsSession};
use polytls::{Error, FileSent, Interest, Operation, Route, Step};

use super::ends::{
    End, LONG, Link, SHORT, Setup, greet, pattern, receive_all, tls_error, together,
};
use super::poll::wait_for_either;
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    vec![
        scenario("send_file_keeps_its_place_between_messages", between),
        scenario("send_file_sends_any_length", lengths),
        scenario("send_file_finishes_the_handshake", handshake),
        scenario(
            "send_file_goes_on_at_its_offset_when_it_was_blocked",
            resumed,
        ),
        scenario("send_file_goes_on_at_its_offset_after_a_timeout", late),
        scenario("send_file_tells_when_the_file_shrinks", shrinks),
        scenario("send_file_given_up_is_a_truncation", given_up),
        scenario("send_file_ends_no_session_when_the_file_fails", unreadable),
        scenario("send_file_sends_nothing_after_the_end", closed),
    ]
}

/// More than two sockets hold.
const LARGE: usize = 1 << 20;

/// The usual configs, and those that leave the records to the kernel where
/// that is possible.
fn setups<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) -> [Setup<'_, C, S>; 2] {
    let client = case.client_config().prefer_kernel_tls(true);
    let server = case.server_config().prefer_kernel_tls(true);
    [Setup::new(case), Setup::of(case, client, server)]
}

/// Plays a generic function over two connected ends, in both roles and with
/// both configs.
macro_rules! in_all {
    ($case:expr, $play:ident) => {{
        for setup in setups($case) {
            let (client, server) = setup.connected(Link::Tcp4);
            $play(ready(client), ready(server));
            let (client, server) = setup.connected(Link::Tcp4);
            $play(ready(server), ready(client));
        }
    }};
}

/// The kernel may send on a non-blocking descriptor alone, because there is a
/// deadline. What is small is not to wait for an acknowledgement.
fn ready<B: TlsBackend>(mut end: End<B>) -> End<B> {
    end.set_nonblocking(true).expect("a mode");
    end.set_nodelay(true).expect("no delay");
    end
}

/// The route that a file has to take.
fn route<B: TlsBackend>(end: &End<B>) -> Route {
    let session = end.session().expect("TLS is on");
    match session.kernel_tls().transmit {
        true => Route::KernelTls,
        false => Route::Encrypted,
    }
}

fn file_of(content: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(content).expect("room on the disk");
    file
}

/// Sends this much of the file, all of it by the right route.
#[track_caller]
fn send<B: TlsBackend>(end: &mut End<B>, file: &File, offset: &mut u64, length: u64) {
    let first = *offset;
    let FileSent { octets, route, .. } = end.send_file(file, offset, length).expect("a file");
    assert_eq!((octets, *offset), (length, first + length));
    assert_eq!(route, self::route(end));
}

fn between<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_all!(case, between_both);
}

fn between_both<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let data = pattern(200_000);
    let file = file_of(&data);
    let before = *near.statistics();
    let expected = [b"head", &data[777..150_777], b"and", &data[..5], b"tail"].concat();
    let (got, ()) = together(
        || receive_all(&mut far),
        || {
            let mut offset = 777;
            near.send_all(b"head").expect("a send");
            send(&mut near, &file, &mut offset, 150_000);
            near.send_all(b"and").expect("a send");
            send(&mut near, &file, &mut 0, 5);
            near.send_all(b"tail").expect("a send");
            near.shutdown_write(LONG).expect("an end");
        },
    );
    assert!(got == expected, "lost, doubled or mixed up");
    let after = near.statistics();
    let octets = expected.len() as u64;
    assert_eq!(after.sent.octets - before.sent.octets, octets);
    let calls = after.sent.calls - before.sent.calls;
    assert!((5..=4 + 150_000 / 1024).contains(&calls), "{calls} calls");
    let on_the_wire = after.wire_sent.octets - before.wire_sent.octets;
    match route(&near) {
        // Records are made below what is counted here.
        Route::KernelTls => assert!(on_the_wire >= octets),
        _ => assert!(on_the_wire > octets),
    }
}

fn lengths<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_all!(case, lengths_both);
}

fn lengths_both<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    const RECORD: usize = 16 * 1024;
    let data = pattern(4 * RECORD);
    let file = file_of(&data);
    for length in [0, 1, RECORD - 1, RECORD, RECORD + 1, 4 * RECORD] {
        send(&mut near, &file, &mut 0, length as u64);
        let mut got = vec![0; length];
        far.recv_exact(&mut got).expect("a file");
        assert!(got == data[..length], "{length} octets came out wrong");
    }
    // A step at the end of the file tells so.
    let mut offset = data.len() as u64;
    let step = near.try_send_file(&file, &mut offset, 10).expect("a step");
    assert_eq!(step.map(|sent| sent.octets), Step::Ready(0));
    greet(&mut near, &mut far);
}

fn handshake<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    let data = pattern(50_000);
    let file = file_of(&data);
    for setup in setups(case) {
        for client_sends in [true, false] {
            let (client, server) = setup.turned_on(Link::Tcp4);
            let (mut client, mut server) = (ready(client), ready(server));
            together(
                || match client_sends {
                    true => send(&mut client, &file, &mut 0, 50_000),
                    false => receives(&mut client, &data),
                },
                || match client_sends {
                    true => receives(&mut server, &data),
                    false => send(&mut server, &file, &mut 0, 50_000),
                },
            );
            assert_eq!(client.statistics().handshakes, 1);
            assert_eq!(server.statistics().handshakes, 1);
        }
    }
}

#[track_caller]
fn receives<B: TlsBackend>(end: &mut End<B>, data: &[u8]) {
    let mut got = vec![0; data.len()];
    end.recv_exact(&mut got).expect("data");
    assert!(got == data, "lost, doubled or mixed up");
}

/// Leaves so little room that a large file does not fit.
fn narrow<A: TlsBackend, B: TlsBackend>(near: &mut End<A>, far: &mut End<B>) {
    near.set_send_buffer(100_000).expect("a buffer");
    far.set_receive_buffer(100_000).expect("a buffer");
}

fn resumed<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_all!(case, resumed_both);
}

/// Both sides on one thread: the reader comes only when the sender blocks.
fn resumed_both<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    narrow(&mut near, &mut far);
    let data = pattern(LARGE);
    let file = file_of(&data);
    let mut offset = 0;
    let mut got = Vec::new();
    let mut buf = vec![0; 64 * 1024];
    let mut blocked = 0;
    while got.len() < LARGE {
        let before = offset;
        let max = LARGE as u64 - offset;
        match near.try_send_file(&file, &mut offset, max).expect("a step") {
            Step::Ready(sent) => {
                assert_eq!(offset, before + sent.octets);
                assert_eq!(sent.route, route(&near));
                if offset < LARGE as u64 {
                    assert!(sent.octets > 0, "the file does not end here");
                    continue;
                }
                let _ = near.try_flush().expect("a flush");
            }
            Step::Blocked(interest) => {
                assert_eq!((offset, interest), (before, Interest::WRITE));
                blocked += 1;
            }
        }
        wait_for_either([
            (far.wait_fd(), Interest::READ),
            (near.wait_fd(), near.interest() & Interest::WRITE),
        ]);
        while let Step::Ready(octets @ 1..) = far.try_recv(&mut buf).expect("data") {
            got.extend_from_slice(&buf[..octets]);
        }
    }
    assert!(got == data, "lost, doubled or mixed up");
    assert!(blocked > 0, "there was room for all of it");
    assert_eq!(near.statistics().sent.octets, LARGE as u64);
}

fn late<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_all!(case, late_both);
}

fn late_both<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    narrow(&mut near, &mut far);
    let data = pattern(LARGE);
    let file = file_of(&data);
    let mut offset = 0;
    near.set_write_timeout(Some(SHORT / 4));
    let result = near.send_file(&file, &mut offset, LARGE as u64);
    let Err(Error::Timeout { during, done }) = result else {
        panic!("nobody has read it: {result:?}");
    };
    assert_eq!((during, done as u64), (Operation::Send, offset));
    assert!((1..LARGE).contains(&done));
    assert_eq!(near.statistics().sent.octets, offset);
    near.set_write_timeout(None);
    let (got, ()) = together(
        || receive_all(&mut far),
        || {
            let left = LARGE as u64 - offset;
            send(&mut near, &file, &mut offset, left);
            near.shutdown_write(LONG).expect("an end");
        },
    );
    assert!(got == data, "lost, doubled or mixed up");
}

fn shrinks<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_all!(case, shrinks_both);
}

fn shrinks_both<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    const LEFT: usize = 3 * LARGE / 4;
    narrow(&mut near, &mut far);
    let data = pattern(LARGE);
    let file = file_of(&data);
    let (got, ()) = together(
        || {
            let mut got = vec![0; LARGE / 8];
            far.recv_exact(&mut got).expect("data");
            file.set_len(LEFT as u64).expect("a shorter file");
            got.extend(receive_all(&mut far));
            got
        },
        || {
            let mut offset = 0;
            let result = near.send_file(&file, &mut offset, LARGE as u64);
            let too_short = Error::FileTooShort {
                sent: LEFT as u64,
                wanted: LARGE as u64,
            };
            assert_eq!(result, Err(too_short));
            assert_eq!(offset, LEFT as u64);
            // The session goes on.
            near.send_all(b"sorry").expect("a send");
            near.shutdown_write(LONG).expect("an end");
        },
    );
    assert!(got == [&data[..LEFT], b"sorry"].concat());
}

fn given_up<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_all!(case, given_up_both);
}

fn given_up_both<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    narrow(&mut near, &mut far);
    let data = pattern(LARGE);
    let file = file_of(&data);
    let mut offset = 0;
    while let Step::Ready(sent) = near
        .try_send_file(&file, &mut offset, LARGE as u64)
        .expect("a step")
    {
        assert!(sent.octets > 0 && offset < LARGE as u64, "it must not fit");
    }
    drop(near);
    let mut got = Vec::new();
    let mut buf = [0; 16 * 1024];
    let error = loop {
        match far.recv(&mut buf) {
            Ok(octets) => {
                assert!(octets > 0, "the end looks clean");
                got.extend_from_slice(&buf[..octets]);
            }
            error => break tls_error(error),
        }
    };
    assert_eq!(error, TlsError::Truncated);
    assert!(!got.is_empty() && got.len() as u64 <= offset);
    assert!(got == data[..got.len()], "lost, doubled or mixed up");
}

fn unreadable<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_all!(case, unreadable_both);
}

fn unreadable_both<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = File::open(folder.path()).expect("a directory");
    let before = *near.statistics();
    let mut offset = 0;
    let error = near.send_file(&directory, &mut offset, 10);
    assert!(matches!(error, Err(Error::File(_))), "{error:?}");
    let step = near.try_send_file(&directory, &mut offset, 10);
    assert!(matches!(step, Err(Error::File(_))), "{step:?}");
    assert_eq!((offset, *near.statistics()), (0, before));
    greet(&mut near, &mut far);
}

fn closed<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_all!(case, closed_both);
}

fn closed_both<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let file = file_of(b"not to be seen");
    near.close_tls(LONG).expect("a close_notify");
    for _ in 0..2 {
        let mut offset = 0;
        let result = near.send_file(&file, &mut offset, 14);
        assert_eq!(result, Err(Error::Closed));
        let step = near.try_send_file(&file, &mut offset, 14);
        assert_eq!(step, Err(Error::Closed));
        assert_eq!(offset, 0);
        near.shutdown_write(LONG).expect("an end");
    }
    assert_eq!(receive_all(&mut far), []);
}
