//! Sessions that have received many small records: a read then expects one
//! more, and whatever else comes must be met all the same.

use std::io;

use tls_core::{Alert, Error, Interest, PeerMisbehaved, ProtocolVersion, Step, TlsSession};

use super::{Side, VERSIONS, connected};

fn practised(version: ProtocolVersion) -> (Side, Side) {
    let (mut client, mut server) = connected(version);
    for _ in 0..20 {
        exchange(&mut client, &mut server, b"ping");
        exchange(&mut server, &mut client, b"pong");
    }
    (client, server)
}

fn exchange(from: &mut Side, to: &mut Side, data: &[u8]) {
    assert_eq!(from.write(data), Ok(Step::Ready(data.len())));
    let received = to.read_all().unwrap();
    assert!(received == data, "{} octets", received.len());
}

#[test]
fn a_longer_record_costs_one_more_read_once() {
    for version in VERSIONS {
        let (mut client, mut server) = practised(version);
        let long = [7; 10_000];
        // The last read finds that there is no more.
        for reads in [3, 2] {
            let before = server.io.calls;
            exchange(&mut client, &mut server, &long);
            assert_eq!(server.io.calls - before, reads);
        }
        exchange(&mut client, &mut server, b"small");
    }
}

#[test]
fn data_is_whole_however_it_comes_and_is_taken() {
    for version in VERSIONS {
        let (mut client, mut server) = practised(version);
        let data: Vec<u8> = (0..200).collect();
        // Several records in one read.
        for piece in data.chunks(60) {
            assert_eq!(client.write(piece), Ok(Step::Ready(piece.len())));
        }
        assert_eq!(server.read_all().unwrap(), data);
        // Less room than a record has.
        exchange(&mut server, &mut client, b"back to small ones");
        assert_eq!(client.write(&data), Ok(Step::Ready(200)));
        let mut taken = Vec::new();
        let mut buf = [0; 7];
        while let Step::Ready(octets @ 1..) = server.read(&mut buf).unwrap() {
            taken.extend_from_slice(&buf[..octets]);
            assert_eq!(server.session.pending(), taken.len() < 200);
        }
        assert_eq!(taken, data);
        // A record in parts, with calls that block or are interrupted amid it.
        for fitful in [false, true] {
            let (mut client, mut server) = practised(version);
            server.io.most = 3;
            server.io.fitful = fitful;
            assert_eq!(client.write(&data), Ok(Step::Ready(200)));
            let mut received = Vec::new();
            for _ in 0..1000 {
                received.extend(server.read_all().unwrap());
            }
            assert_eq!(received, data);
        }
    }
}

#[test]
fn a_key_update_is_answered_by_the_read_that_meets_it() {
    for with_data in [false, true] {
        let (mut client, mut server) = practised(ProtocolVersion::Tls13);
        let step = client.session.key_update(&mut client.io);
        assert_eq!(step, Ok(Step::Ready(())));
        let before = server.io.sent().len();
        if with_data {
            exchange(&mut client, &mut server, b"behind it");
        } else {
            assert_eq!(server.read(&mut [0]), Ok(Step::Blocked(Interest::READ)));
        }
        assert!(server.io.sent().len() > before, "the read sends the answer");
        exchange(&mut server, &mut client, b"with new keys");
        exchange(&mut client, &mut server, b"both ways");
    }
}

#[test]
fn ends_and_faults_are_told_as_ever() {
    for version in VERSIONS {
        let mut buf = [0; 9];

        let (mut client, mut server) = practised(version);
        let _ = client.write(b"last").unwrap();
        assert_eq!(client.close(), Ok(Step::Ready(())));
        assert_eq!(server.read(&mut buf), Ok(Step::Ready(4)));
        assert_eq!(server.read(&mut buf), Ok(Step::Ready(0)));

        let (mut client, mut server) = practised(version);
        client.io.end();
        for _ in 0..2 {
            assert_eq!(server.read(&mut buf), Err(Error::Truncated));
        }

        let (_client, mut server) = practised(version);
        server.io.reset = true;
        for _ in 0..2 {
            let reset = io::Error::from(io::ErrorKind::ConnectionReset);
            assert_eq!(server.read(&mut buf), Err(reset.into()));
        }

        for with_data in [false, true] {
            let (mut client, mut server) = practised(version);
            if with_data {
                let _ = client.write(b"sound").unwrap();
            }
            let _ = client.write(b"damaged").unwrap();
            server.io.damage();
            if with_data {
                assert_eq!(server.read(&mut buf), Ok(Step::Ready(5)));
            }
            let error = Error::PeerMisbehaved(PeerMisbehaved::BadCryptography);
            assert_eq!(server.read(&mut buf), Err(error));
            let alert = Error::AlertReceived(Alert::BAD_RECORD_MAC);
            assert_eq!(client.read(&mut buf), Err(alert));
        }
    }
}

#[test]
fn a_write_that_blocked_goes_on_whatever_came_before() {
    for version in VERSIONS {
        let (mut client, mut server) = practised(version);
        client.io.room = 10;
        assert_eq!(client.write(b"blocked"), Ok(Step::Ready(7)));
        assert_eq!(client.write(b"later"), Ok(Step::Blocked(Interest::WRITE)));
        exchange(&mut server, &mut client, b"meanwhile");
        client.io.room = usize::MAX;
        assert_eq!(client.write(b" later"), Ok(Step::Ready(6)));
        assert_eq!(server.read_all().unwrap(), b"blocked later");
    }
}
