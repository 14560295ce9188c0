//! The kernel itself, by two ends whose secrets are made up: no TLS library
//! takes part. Where the kernel has no kernel TLS all of it is ignored, unless
//! `POLYTLS_EXPECT_KTLS` says that it has it.
#![cfg_attr(
    not(target_os = "linux"),
    allow(unused, reason = "there is only a `main`")
)]

use std::process::ExitCode;

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    live::main()
}

#[cfg(target_os = "linux")]
mod live {
    use std::env;
    use std::io::{IoSlice, Read, Write};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::process::ExitCode;
    use std::thread;
    use std::time::Duration;

    use kernel_tls::{Finished, Handover, Offload, Secrets, capabilities};
    use libtest_mimic::{Arguments, Completion, Failed, Trial};
    use nix::libc;
    use socket2::{MsgHdr, SockRef};
    use tls_core::{
        Alert, CipherSuite, Error, Interest, KernelTls, PeerMisbehaved, ProtocolVersion, Role,
        SessionFacts, Step, Transport, WithDescriptor,
    };

    const TESTS: &[(&str, fn())] = &[
        ("every_cipher_carries_data_both_ways", ciphers),
        ("what_came_before_the_handover_is_read_after_it", early),
        ("tickets_are_passed_over", tickets),
        ("alerts_are_told", alerts),
        ("a_message_that_is_not_allowed_is_refused", refused),
        ("a_key_update_in_pieces_is_refused", key_update_in_pieces),
        ("garbage_is_refused_by_kind", garbage),
        ("a_write_leaves_a_fault_to_the_reader", write_before_fault),
        ("the_end_waits_until_tcp_has_all", end),
        ("nothing_is_cut_off_by_a_shutdown", shutdown),
        ("a_connection_is_handed_over_once", twice),
        ("a_unix_socket_stays_as_it_is", unix),
        (
            "a_connection_whose_record_is_cut_stays_as_it_is",
            amid_a_record,
        ),
    ];

    pub(super) fn main() -> ExitCode {
        let trial = |&(name, run): &(&'static str, fn())| {
            Trial::ignorable_test(name, move || {
                if capabilities().is_empty() && env::var_os("POLYTLS_EXPECT_KTLS").is_none() {
                    return Ok(Completion::ignored_with("the kernel has no kernel TLS"));
                }
                catch_unwind(AssertUnwindSafe(run))
                    .map(|()| Completion::Completed)
                    .map_err(|panic| {
                        let words = panic.downcast_ref::<String>().map(String::as_str);
                        let words = words.or_else(|| panic.downcast_ref().copied());
                        Failed::from(words.unwrap_or("a panic without words").to_owned())
                    })
            })
        };
        let trials = TESTS.iter().map(trial).collect();
        libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
    }

    /// One end of a connection.
    struct End {
        handover: Box<Handover>,
        stream: TcpStream,
    }

    impl End {
        fn lent<T>(&mut self, call: impl FnOnce(&mut Offload, &mut dyn Transport) -> T) -> T {
            let offload = self.handover.offload().expect("the kernel has it");
            call(offload, &mut WithDescriptor::new(&mut self.stream))
        }

        fn read(&mut self, buf: &mut [u8]) -> Result<Step<usize>, Error> {
            self.lent(|offload, io| offload.read(io, buf))
        }

        fn write(&mut self, words: &[u8]) -> Result<Step<usize>, Error> {
            self.lent(|offload, io| offload.write(io, &[IoSlice::new(words)]))
        }

        fn close(&mut self) -> Result<Step<()>, Error> {
            self.lent(Offload::close)
        }

        /// Reads until there is an answer.
        fn wait(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
            for _ in 0..2_000 {
                match self.read(buf)? {
                    Step::Ready(octets) => return Ok(octets),
                    Step::Blocked(_) => thread::sleep(Duration::from_millis(5)),
                }
            }
            panic!("nothing comes");
        }

        /// Sends a record of any type, past the session.
        fn send_record(&self, content_type: u8, octets: &[u8]) {
            let mut control = Vec::new();
            control.extend((size_of::<usize>() + 9).to_ne_bytes());
            control.extend(libc::SOL_TLS.to_ne_bytes());
            control.extend(libc::TLS_SET_RECORD_TYPE.to_ne_bytes());
            control.push(content_type);
            control.resize(2 * size_of::<usize>() + 8, 0);
            let bufs = [IoSlice::new(octets)];
            let message = MsgHdr::new().with_buffers(&bufs).with_control(&control);
            let sent = SockRef::from(&self.stream).sendmsg(&message, 0);
            assert_eq!(sent.expect("a record"), octets.len());
        }
    }

    fn tcp() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address");
        let near = TcpStream::connect(listener.local_addr().expect("an address"));
        let (far, _) = listener.accept().expect("a connection");
        (near.expect("a connection"), far)
    }

    fn facts(suite: CipherSuite) -> SessionFacts {
        let mut facts = SessionFacts::default();
        facts.version = Some(ProtocolVersion::Tls13);
        facts.cipher_suite = Some(suite);
        facts
    }

    fn settle(
        handover: &mut Handover,
        role: Role,
        suite: CipherSuite,
        io: &mut dyn Transport,
    ) -> Result<(), Error> {
        let length = match suite {
            CipherSuite::TLS_AES_256_GCM_SHA384 => 48,
            _ => 32,
        };
        let mut secrets = Secrets::new();
        secrets.note("CLIENT_TRAFFIC_SECRET_0", &vec![3; length]);
        secrets.note("SERVER_TRAFFIC_SECRET_0", &vec![4; length]);
        let finished = Finished {
            role,
            facts: &facts(suite),
            secrets,
            is_drained: true,
        };
        handover.settle(io, finished)
    }

    fn handed_over(role: Role, suite: CipherSuite, mut stream: TcpStream) -> End {
        let mut handover = Handover::new("live");
        assert!(handover.is_shaking(), "the kernel has no kernel TLS");
        let settled = settle(
            &mut handover,
            role,
            suite,
            &mut WithDescriptor::new(&mut stream),
        );
        settled.expect("a handover");
        assert_eq!(handover.status(), KernelTls::active());
        stream.set_nonblocking(true).expect("a mode");
        End { handover, stream }
    }

    const SUITE: CipherSuite = CipherSuite::TLS_AES_128_GCM_SHA256;

    /// A client and a server.
    fn pair() -> (End, End) {
        let (near, far) = tcp();
        (
            handed_over(Role::Client, SUITE, near),
            handed_over(Role::Server, SUITE, far),
        )
    }

    fn ciphers() {
        for suite in [
            SUITE,
            CipherSuite::TLS_AES_256_GCM_SHA384,
            CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
        ] {
            let (near, far) = tcp();
            let mut client = handed_over(Role::Client, suite, near);
            let mut server = handed_over(Role::Server, suite, far);
            let mut buf = [0; 100];
            for _ in 0..3 {
                assert_eq!(client.write(b"hello"), Ok(Step::Ready(5)));
                assert_eq!(server.wait(&mut buf), Ok(5));
                assert_eq!(&buf[..5], b"hello");
                assert_eq!(server.write(b"there!"), Ok(Step::Ready(6)));
                assert_eq!(client.wait(&mut buf), Ok(6));
                assert_eq!(&buf[..6], b"there!");
            }
        }
    }

    fn early() {
        let (near, far) = tcp();
        let mut client = handed_over(Role::Client, SUITE, near);
        assert_eq!(client.write(b"early"), Ok(Step::Ready(5)));
        assert_eq!(client.close(), Ok(Step::Ready(())));
        thread::sleep(Duration::from_millis(20));
        let mut server = handed_over(Role::Server, SUITE, far);
        let mut buf = [0; 100];
        assert_eq!(server.wait(&mut buf), Ok(5));
        assert_eq!(&buf[..5], b"early");
        assert_eq!(server.wait(&mut buf), Ok(0));
    }

    fn ticket(length: u16) -> Vec<u8> {
        let [high, low] = length.to_be_bytes();
        let mut message = vec![4, 0, high, low];
        message.resize(4 + usize::from(length), 1);
        message
    }

    fn tickets() {
        let (mut client, mut server) = pair();
        let mut buf = [0; 100];
        server.send_record(22, &[ticket(200), ticket(30)].concat());
        // One in two records.
        server.send_record(22, &ticket(300)[..7]);
        server.send_record(22, &ticket(300)[7..]);
        // And as many as do not pass in one read.
        for _ in 0..40 {
            server.send_record(22, &ticket(16_000));
        }
        assert_eq!(server.write(b"data"), Ok(Step::Ready(4)));
        assert_eq!(client.wait(&mut buf), Ok(4));
        assert_eq!(&buf[..4], b"data");
        // They mean nothing to a server.
        client.send_record(22, &ticket(20));
        let error = Error::from(PeerMisbehaved::UnexpectedMessage);
        assert_eq!(server.wait(&mut buf), Err(error));
        let told = Error::AlertReceived(Alert::UNEXPECTED_MESSAGE);
        assert_eq!(client.wait(&mut buf), Err(told));
    }

    fn alerts() {
        let mut buf = [0; 100];
        let (mut client, server) = pair();
        server.send_record(21, &[1, Alert::USER_CANCELED.0]);
        server.send_record(21, &[1, Alert::CLOSE_NOTIFY.0]);
        for _ in 0..2 {
            assert_eq!(client.wait(&mut buf), Ok(0));
        }
        let (mut client, server) = pair();
        server.send_record(21, &[2, Alert::ACCESS_DENIED.0]);
        let told = Error::AlertReceived(Alert::ACCESS_DENIED);
        assert_eq!(client.wait(&mut buf), Err(told));
    }

    fn refused() {
        let (mut client, mut server) = pair();
        let mut buf = [0; 100];
        assert_eq!(server.write(b"data"), Ok(Step::Ready(4)));
        server.send_record(22, &[1, 0, 0, 0]);
        assert_eq!(client.wait(&mut buf), Ok(4));
        let error = Error::from(PeerMisbehaved::UnexpectedMessage);
        assert_eq!(client.wait(&mut buf), Err(error));
        let told = Error::AlertReceived(Alert::UNEXPECTED_MESSAGE);
        assert_eq!(server.wait(&mut buf), Err(told));
    }

    fn key_update_in_pieces() {
        let (mut client, mut server) = pair();
        let mut buf = [0; 100];
        server.send_record(22, &[24, 0, 0]);
        server.send_record(22, &[1, 0]);
        // A kernel that takes new keys waits for them at once; one that does
        // not leaves it to the session.
        let error = client.wait(&mut buf).expect_err("a refusal");
        let told = match &error {
            Error::PeerMisbehaved(PeerMisbehaved::UnexpectedMessage) => Alert::UNEXPECTED_MESSAGE,
            Error::Unsupported(_) => Alert::INTERNAL_ERROR,
            other => panic!("{other:?}"),
        };
        assert_eq!(server.wait(&mut buf), Err(Error::AlertReceived(told)));
    }

    /// A session, and a peer that writes what it likes.
    fn with_bare_peer() -> (End, TcpStream) {
        let (near, far) = tcp();
        (handed_over(Role::Client, SUITE, near), far)
    }

    fn garbage() {
        for (octets, error) in [
            (&[23, 3, 3, 0, 20][..], PeerMisbehaved::BadCryptography),
            (&[23, 3, 3, 0, 2], PeerMisbehaved::BadCryptography),
            (&[23, 3, 3, 0xff, 0], PeerMisbehaved::RecordOverflow),
            (&[23, 2, 1, 0, 20], PeerMisbehaved::Malformed),
        ] {
            let (mut client, mut peer) = with_bare_peer();
            peer.write_all(octets).expect("garbage");
            peer.write_all(&[7; 20]).expect("garbage");
            let mut buf = [0; 100];
            let error = Error::from(error);
            assert_eq!(client.wait(&mut buf), Err(error.clone()), "{octets:?}");
            assert_eq!(client.wait(&mut buf), Err(error.clone()), "{octets:?}");
            assert_eq!(client.write(b"x"), Err(error));
            // The alert has left: a record of 24 octets.
            peer.set_read_timeout(Some(Duration::from_secs(10)))
                .expect("a limit");
            let mut alert = [0; 24];
            peer.read_exact(&mut alert).expect("an alert");
            assert_eq!(alert[..5], [23, 3, 3, 0, 19]);
        }
    }

    fn write_before_fault() {
        let (mut client, mut peer) = with_bare_peer();
        peer.write_all(&[23, 3, 3, 0xff, 0]).expect("garbage");
        thread::sleep(Duration::from_millis(20));
        for _ in 0..2 {
            assert_eq!(client.write(b"words"), Ok(Step::Ready(5)));
        }
        let error = Error::from(PeerMisbehaved::RecordOverflow);
        assert_eq!(client.wait(&mut [0; 9]), Err(error.clone()));
        assert_eq!(client.write(b"x"), Err(error));
    }

    /// Writes until there is no room, and answers how much that was.
    fn fill(end: &mut End) -> usize {
        let words = [5; 50_000];
        let mut written = 0;
        while let Step::Ready(octets) = end.write(&words).expect("a write") {
            written += octets;
        }
        written
    }

    fn drain(end: &mut End) -> usize {
        let mut buf = vec![0; 70_000];
        let mut read = 0;
        loop {
            match end.wait(&mut buf).expect("a clean end") {
                0 => return read,
                octets => read += octets,
            }
        }
    }

    fn end() {
        let (mut client, mut server) = pair();
        let written = fill(&mut client);
        assert_eq!(client.close(), Ok(Step::Blocked(Interest::WRITE)));
        let reader = thread::spawn(move || drain(&mut server));
        for _ in 0..2_000 {
            if client.close().expect("an end").is_ready() {
                assert_eq!(reader.join().expect("no panic"), written);
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("the end is never sent");
    }

    fn shutdown() {
        for room in [5_000, 20_000, 100_000] {
            for _ in 0..20 {
                let (mut client, mut server) = pair();
                let socket = SockRef::from(&client.stream);
                socket.set_send_buffer_size(room).expect("a buffer");
                let written = fill(&mut client);
                let reader = thread::spawn(move || drain(&mut server));
                while !client.close().expect("an end").is_ready() {
                    let mut fds = [nix::poll::PollFd::new(
                        std::os::fd::AsFd::as_fd(&client.stream),
                        nix::poll::PollFlags::POLLOUT,
                    )];
                    nix::poll::poll(&mut fds, 10_000_u16).expect("a poll");
                }
                client.stream.shutdown(Shutdown::Write).expect("an end");
                drop(client);
                assert_eq!(reader.join().expect("a clean end"), written);
            }
        }
    }

    fn twice() {
        let (mut client, mut server) = pair();
        let mut handover = Handover::new("live");
        let mut io = WithDescriptor::new(&mut client.stream);
        settle(&mut handover, Role::Client, SUITE, &mut io).expect("no handover");
        assert_eq!(handover.status(), KernelTls::inactive(true));
        // The one that has it is not disturbed.
        assert_eq!(client.write(b"on"), Ok(Step::Ready(2)));
        assert_eq!(server.wait(&mut [0; 9]), Ok(2));
    }

    fn unix() {
        let (mut near, mut far) = UnixStream::pair().expect("a pair");
        let mut handover = Handover::new("live");
        let mut io = WithDescriptor::new(&mut near);
        settle(&mut handover, Role::Client, SUITE, &mut io).expect("no handover");
        assert_eq!(handover.status(), KernelTls::inactive(true));
        near.write_all(b"as before").expect("a write");
        let mut got = [0; 9];
        far.read_exact(&mut got).expect("data");
        assert_eq!(&got, b"as before");
    }

    /// The library has read half of a record.
    fn amid_a_record() {
        let (mut near, mut far) = tcp();
        far.write_all(&[22, 3, 3, 0, 9, 1, 2, 3]).expect("a write");
        let mut handover = Handover::new("live");
        let mut io = WithDescriptor::new(&mut near);
        let mut got = [0; 9];
        let mut wire = handover.wire(&mut io);
        assert_eq!(wire.read(&mut got).expect("a header"), 5);
        assert_eq!(wire.read(&mut got).expect("a part"), 3);
        settle(&mut handover, Role::Client, SUITE, &mut io).expect("no handover");
        assert_eq!(handover.status(), KernelTls::inactive(true));
    }
}
