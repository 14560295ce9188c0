//! Sending from files.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use socket::{Error, FileSent, Interest, Operation, PlainSocket, Refusal, Route, Step};

use crate::common::{LONG, SHORT, fill, tcp_pair};

/// The route of a plain socket whose descriptor lets the kernel send.
const BY_THE_KERNEL: Route = match cfg!(any(target_os = "linux", target_os = "android")) {
    true => Route::Sendfile,
    false => Route::Copied,
};

/// How a socket waits, which decides the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// In the kernel, without limit.
    Endless,
    /// Within a time, on a blocking descriptor.
    Bounded,
    /// Within a time, on a non-blocking one.
    NonBlocking,
}

impl Mode {
    const ALL: [Self; 3] = [Self::Endless, Self::Bounded, Self::NonBlocking];

    fn set(self, socket: &mut PlainSocket) {
        socket.set_write_timeout((self != Self::Endless).then_some(LONG));
        let nonblocking = self == Self::NonBlocking;
        socket.set_nonblocking(nonblocking).unwrap();
    }

    fn route(self) -> Route {
        match self {
            Self::Bounded => Route::Copied,
            _ => BY_THE_KERNEL,
        }
    }

    /// The same without waiting.
    fn try_route(self) -> Route {
        match self {
            Self::NonBlocking => BY_THE_KERNEL,
            _ => Route::Copied,
        }
    }
}

/// Every mode over TCP and over a Unix socket.
fn links() -> impl Iterator<Item = (Mode, PlainSocket, PlainSocket)> {
    Mode::ALL.into_iter().flat_map(|mode| {
        [tcp_pair(), PlainSocket::pair().unwrap()].map(|(mut near, mut far)| {
            mode.set(&mut near);
            far.set_read_timeout(Some(LONG / 4));
            (mode, near, far)
        })
    })
}

/// A file whose octets show when one is lost, doubled or moved.
fn numbered(octets: usize) -> (File, Vec<u8>) {
    let content: Vec<u8> = (0..octets).map(|place| (place % 251) as u8).collect();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&content).unwrap();
    (file, content)
}

#[track_caller]
fn sent(result: Result<FileSent, Error>) -> (u64, Route) {
    let FileSent { octets, route, .. } = result.unwrap();
    (octets, route)
}

/// Receives to the end of the stream.
fn receive_all(socket: &mut PlainSocket) -> Vec<u8> {
    let mut got = Vec::new();
    socket.read_to_end(&mut got).unwrap();
    got
}

#[test]
fn a_part_of_a_file_arrives_between_two_messages() {
    let (file, content) = numbered(300_000);
    for (mode, mut near, mut far) in links() {
        let expected = [b"head", &content[1000..251_000], b"tail"].concat();
        let got = thread::scope(|scope| {
            let receiver = scope.spawn(|| receive_all(&mut far));
            near.send_all(b"head").unwrap();
            let mut offset = 1000;
            let result = near.send_file(&file, &mut offset, 250_000);
            assert_eq!(sent(result), (250_000, mode.route()), "{mode:?}");
            assert_eq!(offset, 251_000);
            near.send_all(b"tail").unwrap();
            near.shutdown_write(LONG).unwrap();
            receiver.join().unwrap()
        });
        assert!(got == expected, "{mode:?}");
    }
}

#[test]
fn a_large_file_passes_a_small_buffer() {
    let octets = 64 << 20;
    let (file, content) = numbered(octets);
    for (mode, mut near, mut far) in links() {
        // TCP waits for delayed acknowledgements if there is room for little.
        if near.nodelay().is_err() {
            near.set_send_buffer(20_000).unwrap();
        }
        thread::scope(|scope| {
            let content = &content;
            let receiver = scope.spawn(move || {
                let mut got = vec![0; 1 << 20];
                let mut place = 0;
                loop {
                    match far.recv(&mut got).unwrap() {
                        0 => return place,
                        here => {
                            assert!(got[..here] == content[place..place + here]);
                            place += here;
                        }
                    }
                }
            });
            let mut offset = 0;
            let result = near.send_file(&file, &mut offset, octets as u64);
            assert_eq!(sent(result), (octets as u64, mode.route()), "{mode:?}");
            near.shutdown_write(LONG).unwrap();
            assert_eq!(receiver.join().unwrap(), octets);
        });
        let statistics = near.statistics();
        assert_eq!(statistics.sent.octets, octets as u64);
        assert_eq!(statistics.sent, statistics.wire_sent);
    }
}

#[test]
fn the_position_of_the_file_is_neither_used_nor_changed() {
    let (mut file, content) = numbered(5000);
    file.seek(SeekFrom::Start(77)).unwrap();
    for (mode, mut near, mut far) in links() {
        let mut offset = 10;
        assert_eq!(sent(near.send_file(&file, &mut offset, 20)).0, 20);
        let step = near.try_send_file(&file, &mut offset, 30).unwrap();
        let FileSent { octets, route, .. } = step.ready().unwrap();
        assert_eq!((octets, route), (30, mode.try_route()), "{mode:?}");
        assert_eq!(offset, 60);
        assert_eq!(file.stream_position().unwrap(), 77);
        let mut got = [0; 50];
        far.recv_exact(&mut got).unwrap();
        assert_eq!(got, content[10..60]);
    }
}

#[test]
fn steps_end_with_the_file() {
    let (file, content) = numbered(100_000);
    for (_, mut near, mut far) in links() {
        let mut offset = 0;
        let got = thread::scope(|scope| {
            let receiver = scope.spawn(|| receive_all(&mut far));
            loop {
                let before = offset;
                let step = near.try_send_file(&file, &mut offset, u64::MAX);
                match step.unwrap() {
                    Step::Ready(sent) => {
                        assert_eq!(offset, before + sent.octets);
                        if sent.octets == 0 {
                            break;
                        }
                    }
                    Step::Blocked(interest) => {
                        assert_eq!((offset, interest), (before, Interest::WRITE));
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            }
            near.shutdown_write(LONG).unwrap();
            receiver.join().unwrap()
        });
        assert!(got == content);
    }
}

#[test]
fn a_file_that_is_too_short_is_told_with_what_was_sent() {
    let (file, content) = numbered(70_000);
    for (mode, mut near, mut far) in links() {
        let mut offset = 1000;
        let error = near.send_file(&file, &mut offset, 80_000).unwrap_err();
        let too_short = Error::FileTooShort {
            sent: 69_000,
            wanted: 80_000,
        };
        assert_eq!(error, too_short, "{mode:?}");
        assert_eq!(offset, 70_000);
        assert_eq!(error.kind(), "file-too-short");
        let error = std::io::Error::from(error);
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        // Beyond the end there is nothing at all, and nothing else is broken.
        for mut beyond in [70_000, 1 << 40, 1 << 62, i64::MAX as u64] {
            let before = beyond;
            let nothing = Error::FileTooShort { sent: 0, wanted: 1 };
            assert_eq!(near.send_file(&file, &mut beyond, 1), Err(nothing));
            let step = near.try_send_file(&file, &mut beyond, 1).unwrap();
            assert_eq!(step.ready().unwrap().octets, 0);
            assert_eq!(beyond, before);
        }
        near.shutdown_write(LONG).unwrap();
        assert!(receive_all(&mut far) == content[1000..]);
    }
}

#[test]
fn a_file_that_is_cut_while_it_is_sent_is_told() {
    const LEFT: usize = 3 << 20;
    for (mode, mut near, mut far) in links() {
        near.set_send_buffer(20_000).unwrap();
        far.set_receive_buffer(20_000).unwrap();
        let (file, content) = numbered(16 << 20);
        let got = thread::scope(|scope| {
            let receiver = scope.spawn(|| {
                let mut got = vec![0; 1 << 20];
                far.recv_exact(&mut got).unwrap();
                file.set_len(LEFT as u64).unwrap();
                got.extend(receive_all(&mut far));
                got
            });
            let mut offset = 0;
            let result = near.send_file(&file, &mut offset, content.len() as u64);
            let too_short = Error::FileTooShort {
                sent: LEFT as u64,
                wanted: content.len() as u64,
            };
            assert_eq!(result, Err(too_short), "{mode:?}");
            assert_eq!(offset, LEFT as u64);
            near.shutdown_write(LONG).unwrap();
            receiver.join().unwrap()
        });
        assert!(got == content[..LEFT], "{mode:?}");
    }
}

#[test]
fn a_peer_that_does_not_read_blocks_a_step_at_once() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(100 << 20).unwrap();
    for (mode, mut near, _far) in links() {
        let start = Instant::now();
        let mut offset = 0;
        let octets = loop {
            match near.try_send_file(&file, &mut offset, u64::MAX).unwrap() {
                Step::Ready(sent) => {
                    assert_eq!(sent.route, mode.try_route());
                    assert!((1..=1 << 20).contains(&sent.octets), "a step is bounded");
                }
                Step::Blocked(interest) => {
                    assert_eq!(interest, Interest::WRITE);
                    break offset;
                }
            }
        };
        assert!((1..100 << 20).contains(&octets), "{mode:?}: {octets}");
        for _ in 0..3 {
            let again = near.try_send_file(&file, &mut offset, u64::MAX);
            assert_eq!(again, Ok(Step::Blocked(Interest::WRITE)));
            assert_eq!(offset, octets, "a blocked step changes nothing");
        }
        assert!(start.elapsed() < LONG / 4, "{mode:?}");
        assert_eq!(near.statistics().sent.octets, octets);
        assert_eq!(near.is_nonblocking(), mode == Mode::NonBlocking);
    }
}

#[test]
fn a_timeout_tells_what_was_sent_and_the_rest_follows() {
    const TIME: Duration = Duration::from_millis(200);
    let (file, content) = numbered(24 << 20);
    for nonblocking in [false, true] {
        let (mut near, mut far) = tcp_pair();
        near.set_nonblocking(nonblocking).unwrap();
        near.set_write_timeout(Some(TIME));
        let start = Instant::now();
        let mut offset = 0;
        let result = near.send_file(&file, &mut offset, content.len() as u64);
        let Err(Error::Timeout { during, done }) = result else {
            panic!("{result:?}");
        };
        assert!(start.elapsed() >= TIME && start.elapsed() < LONG / 2);
        assert_eq!((during, done as u64), (Operation::Send, offset));
        assert!((1..content.len()).contains(&done));
        assert_eq!(near.statistics().sent.octets, offset);
        near.set_write_timeout(Some(LONG));
        let got = thread::scope(|scope| {
            let receiver = scope.spawn(|| receive_all(&mut far));
            let left = content.len() as u64 - offset;
            let result = near.send_file(&file, &mut offset, left);
            assert_eq!(sent(result).0, left);
            near.shutdown_write(LONG).unwrap();
            receiver.join().unwrap()
        });
        assert!(got == content);
    }
}

#[test]
fn a_peer_that_reads_slowly_does_not_extend_a_file() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(1 << 30).unwrap();
    for nonblocking in [false, true] {
        let (mut near, mut far) = PlainSocket::pair().unwrap();
        near.set_nonblocking(nonblocking).unwrap();
        near.set_deadline(Some(Instant::now() + SHORT * 3));
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let _ = far.try_recv(&mut [0; 512]).unwrap();
                    thread::sleep(SHORT / 10);
                }
            });
            let start = Instant::now();
            let mut offset = 0;
            let result = near.send_file(&file, &mut offset, 1 << 30);
            over.store(true, Ordering::Relaxed);
            assert!(result.unwrap_err().is_timeout());
            assert!(start.elapsed() < LONG / 2);
            assert_eq!(near.statistics().sent.octets, offset);
        });
    }
}

#[test]
fn a_peer_that_reads_fast_does_not_extend_a_file_either() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(1 << 40).unwrap();
    for nonblocking in [false, true] {
        let (mut near, mut far) = PlainSocket::pair().unwrap();
        near.set_nonblocking(nonblocking).unwrap();
        near.set_write_timeout(Some(SHORT));
        thread::scope(|scope| {
            scope.spawn(move || while far.recv(&mut [0; 65536]).unwrap() > 0 {});
            let start = Instant::now();
            let mut offset = 0;
            let result = near.send_file(&file, &mut offset, 1 << 40);
            assert!(result.unwrap_err().is_timeout());
            assert!(start.elapsed() >= SHORT && start.elapsed() < LONG / 2);
            drop(near);
        });
    }
}

#[test]
fn a_time_that_is_over_still_takes_what_there_is_room_for() {
    let (file, content) = numbered(100);
    for nonblocking in [false, true] {
        let (mut near, mut far) = tcp_pair();
        near.set_nonblocking(nonblocking).unwrap();
        near.set_write_timeout(Some(Duration::ZERO));
        assert_eq!(sent(near.send_file(&file, &mut 0, 100)).0, 100);
        let mut got = [0; 100];
        far.recv_exact(&mut got).unwrap();
        assert_eq!(got[..], content);
        fill(&mut near);
        let over = Error::Timeout {
            during: Operation::Send,
            done: 0,
        };
        let mut offset = 0;
        assert_eq!(near.send_file(&file, &mut offset, 100), Err(over));
        assert_eq!(offset, 0);
    }
}

#[test]
fn who_shares_the_descriptor_may_change_its_mode() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(100 << 20).unwrap();
    let (mut near, far) = tcp_pair();
    near.set_nonblocking(true).unwrap();
    let shared = std::net::TcpStream::from(near.wait_fd().try_clone_to_owned().unwrap());
    shared.set_nonblocking(false).unwrap();
    assert!(near.is_nonblocking(), "the socket does not know");
    let (is_done, done) = std::sync::mpsc::channel::<()>();
    thread::scope(|scope| {
        // Ends a step that waits.
        scope.spawn(move || {
            let _ = done.recv_timeout(LONG / 4);
            drop(far);
        });
        let mut offset = 0;
        while let Step::Ready(sent) = near.try_send_file(&file, &mut offset, u64::MAX).unwrap() {
            assert_eq!(sent.route, Route::Copied);
        }
        assert!(offset < 100 << 20);
        drop(is_done);
    });
}

#[test]
fn nothing_to_send_is_done_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let unreadable = File::open(folder.path()).unwrap();
    for (mode, mut near, mut far) in links() {
        let mut offset = 5;
        let result = near.send_file(&unreadable, &mut offset, 0);
        assert_eq!(sent(result), (0, BY_THE_KERNEL), "{mode:?}");
        let step = near.try_send_file(&unreadable, &mut offset, 0).unwrap();
        assert_eq!(step.ready().unwrap().octets, 0);
        assert_eq!(offset, 5);
        assert_eq!(*near.statistics(), socket::Statistics::default());
        let step = far.try_recv(&mut [0]);
        assert_eq!(step, Ok(Step::Blocked(Interest::READ)));
    }
}

#[test]
fn an_offset_that_no_file_has_is_refused() {
    let (file, _) = numbered(10);
    let (mut near, _far) = tcp_pair();
    let refused = Error::Refused(Refusal::FileOffset);
    for first in [i64::MAX as u64 + 1, u64::MAX] {
        let mut offset = first;
        for length in [0, 1, u64::MAX] {
            let result = near.send_file(&file, &mut offset, length);
            assert_eq!(result, Err(refused.clone()));
            let step = near.try_send_file(&file, &mut offset, length);
            assert_eq!(step, Err(refused.clone()));
        }
        assert_eq!(offset, first);
    }
}

/// The file's error, of an operation that has sent nothing.
#[track_caller]
fn file_error(mode: Mode, socket: &mut PlainSocket, file: impl AsFd + Copy) -> ErrorKind {
    let mut offset = 0;
    let error = socket.send_file(file, &mut offset, 10).unwrap_err();
    let again = socket.try_send_file(file, &mut offset, 10).unwrap_err();
    assert_eq!(error, again, "{mode:?}");
    assert_eq!(offset, 0);
    assert_eq!(error.kind(), "file");
    let Error::File(inner) = &error else {
        panic!("{mode:?}: {error:?}");
    };
    assert!(inner.raw_os_error().is_some());
    let kind = inner.kind();
    let at_the_edge = std::io::Error::from(error);
    assert_eq!(at_the_edge.kind(), kind);
    assert!(at_the_edge.to_string().contains("file"), "{at_the_edge}");
    kind
}

#[test]
fn an_error_of_the_file_is_not_the_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let write_only = File::create(&path).unwrap();
    (&write_only).write_all(&[1; 100]).unwrap();
    let directory = File::open(folder.path()).unwrap();
    let (pipe, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&[1; 100]).unwrap();
    let (stream, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    for (mode, mut near, mut far) in links() {
        let kind = file_error(mode, &mut near, &directory);
        assert_eq!(kind, ErrorKind::IsADirectory, "{mode:?}");
        for without_places in [pipe.as_fd(), stream.as_fd()] {
            let kind = file_error(mode, &mut near, without_places);
            assert_eq!(kind, ErrorKind::NotSeekable, "{mode:?}");
        }
        file_error(mode, &mut near, &write_only);
        // The socket works on.
        near.send_all(b"ok").unwrap();
        let mut got = [0; 2];
        far.recv_exact(&mut got).unwrap();
        assert_eq!(&got, b"ok");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_the_kernel_does_not_send_is_copied() {
    let path = "/proc/self/cmdline";
    let content = std::fs::read(path).unwrap();
    let file = File::open(path).unwrap();
    for (mode, mut near, mut far) in links() {
        let mut offset = 0;
        let result = near.send_file(&file, &mut offset, content.len() as u64);
        assert_eq!(sent(result), (content.len() as u64, Route::Copied));
        let step = near.try_send_file(&file, &mut offset, 100).unwrap();
        assert_eq!(step.ready().unwrap().octets, 0, "{mode:?}");
        let mut offset = 3;
        let step = near.try_send_file(&file, &mut offset, u64::MAX).unwrap();
        assert_eq!(step.ready().unwrap().octets, content.len() as u64 - 3);
        near.shutdown_write(LONG).unwrap();
        assert_eq!(
            receive_all(&mut far),
            [&content[..], &content[3..]].concat()
        );
    }
}

#[test]
fn after_the_end_of_sending_no_file_is_sent() {
    let (file, _) = numbered(10);
    for (_, mut near, mut far) in links() {
        near.shutdown_write(LONG).unwrap();
        for length in [0, 10] {
            let mut offset = 0;
            let result = near.send_file(&file, &mut offset, length);
            assert_eq!(result, Err(Error::Closed));
            let step = near.try_send_file(&file, &mut offset, length);
            assert_eq!(step, Err(Error::Closed));
            assert_eq!(offset, 0);
        }
        assert_eq!(receive_all(&mut far), []);
    }
}

#[test]
fn a_peer_that_is_gone_is_the_same_error_as_of_a_send() {
    let (file, _) = numbered(10);
    let gone = || {
        let (near, far) = PlainSocket::pair().unwrap();
        drop(far);
        near
    };
    let reset = || {
        let (mut near, mut far) = tcp_pair();
        far.set_linger(Some(Duration::ZERO)).unwrap();
        near.send_all(b"unread").unwrap();
        far.peek(&mut [0]).unwrap();
        drop(far);
        near
    };
    let peers: [&dyn Fn() -> PlainSocket; 2] = [&gone, &reset];
    for peer in peers {
        let of_a_send = [peer().send(b"x").unwrap_err(), {
            let mut near = peer();
            let _ = near.send(b"x").unwrap_err();
            near.send(b"x").unwrap_err()
        }];
        for mode in Mode::ALL {
            let mut near = peer();
            mode.set(&mut near);
            let mut offset = 0;
            let first = near.send_file(&file, &mut offset, 10).unwrap_err();
            let second = near.try_send_file(&file, &mut offset, 10).unwrap_err();
            assert_eq!([first, second], of_a_send, "{mode:?}");
            assert_eq!(offset, 0);
        }
    }
}

/// The signals of this thread: those that wait, and those that are blocked.
#[cfg(target_os = "linux")]
fn signals() -> [u64; 2] {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    ["SigPnd:", "SigBlk:"].map(|name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        u64::from_str_radix(line.unwrap().trim(), 16).unwrap()
    })
}

#[test]
#[cfg(target_os = "linux")]
fn no_route_raises_a_signal() {
    use nix::sys::signal::{SigSet, Signal};

    let (file, _) = numbered(10);
    for blocks_it in [false, true] {
        if blocks_it {
            // Blocked, a signal is not lost even where it is ignored.
            let mut sigpipe = SigSet::empty();
            sigpipe.add(Signal::SIGPIPE);
            sigpipe.thread_block().unwrap();
        }
        let before = signals();
        for mode in Mode::ALL {
            let (mut near, far) = PlainSocket::pair().unwrap();
            mode.set(&mut near);
            drop(far);
            for _ in 0..2 {
                let Err(Error::Io(error)) = near.send_file(&file, &mut 0, 10) else {
                    panic!("nobody is there");
                };
                assert_eq!(error.kind(), ErrorKind::BrokenPipe);
                assert_eq!(signals(), before, "{mode:?}");
            }
        }
    }
}
