use tls_core::{Alert, Error, PeerMisbehaved, Step};
use tls_rustls::Rustls;

use super::VERSIONS;
use super::pair::{Pair, connected, serving, trusting};
use super::pki::Authority;
use crate::Native;

const END: Result<Step<usize>, Error> = Ok(Step::Ready(0));

#[test]
fn a_close_is_clean_whatever_the_transport_does_then() {
    for from_client in [true, false] {
        for with_data in [true, false] {
            for mut pair in connected() {
                let (near, far) = sides(&mut pair, from_client);
                if with_data {
                    assert_eq!(near.write(b"last words"), Ok(Step::Ready(10)));
                }
                assert_eq!(near.close(), Ok(Step::Ready(())));
                near.end.end();
                if with_data {
                    assert_eq!(far.receive(), b"last words");
                }
                for _ in 0..2 {
                    assert_eq!(far.read(&mut [0; 10]), END);
                }
                assert_eq!(far.write(b"answer"), Ok(Step::Ready(6)));
                assert_eq!(near.receive(), b"answer");
                assert_eq!(near.write(b"late"), Err(Error::Closed));
                assert_eq!(far.close(), Ok(Step::Ready(())));
                assert_eq!(near.read(&mut [0; 10]), END);
            }
        }
    }
}

#[test]
fn an_end_without_close_notify_is_truncation_that_stays() {
    for from_client in [true, false] {
        for with_data in [true, false] {
            for mut pair in connected() {
                let (near, far) = sides(&mut pair, from_client);
                if with_data {
                    let _ = near.write(b"almost").unwrap();
                }
                near.end.end();
                if with_data {
                    assert_eq!(far.receive(), b"almost");
                }
                for _ in 0..2 {
                    assert_eq!(far.read(&mut [0; 10]), Err(Error::Truncated));
                }
                assert_eq!(far.write(b"x"), Err(Error::Truncated));
            }
        }
    }
}

#[test]
fn an_end_at_every_octet_of_data_and_close_is_told_from_a_close() {
    let authority = Authority::new();
    let server = serving(&authority);
    for version in VERSIONS {
        for missing in 0..40 {
            let client = trusting(&authority).max_version(version);
            let backends = (Native::new(), Rustls::default());
            let mut pair = Pair::of(backends, client, server.clone());
            pair.connect();
            let _ = pair.client.read(&mut [0]).unwrap();
            let _ = pair.server.write(b"data").unwrap();
            let data = pair.client.end.waiting();
            let _ = pair.server.close().unwrap();
            let whole = pair.client.end.waiting();
            assert!(whole < data + 40, "every octet of the close is cut");
            let cut = whole - missing;
            pair.client.end.tamper(|bytes| bytes.truncate(cut));
            pair.server.end.end();
            let mut buf = [0; 10];
            if cut >= data {
                assert_eq!(pair.client.read(&mut buf), Ok(Step::Ready(4)));
            }
            let expected = if cut < whole {
                Err(Error::Truncated)
            } else {
                END
            };
            assert_eq!(pair.client.read(&mut buf), expected, "{cut} of {whole}");
        }
    }
}

#[test]
fn an_end_amid_the_handshake_is_truncation() {
    let authority = Authority::new();
    for backward in [false, true] {
        for steps in 0..4 {
            let (client, server) = (trusting(&authority), serving(&authority));
            let mut pair = if backward {
                Pair::of((Rustls::default(), Native::new()), client, server)
            } else {
                Pair::of((Native::new(), Rustls::default()), client, server)
            };
            let (near, far) = sides(&mut pair, !backward);
            if backward {
                let _ = far.handshake().unwrap();
            }
            for step in 0..steps {
                let side = if step % 2 == 0 { &mut *near } else { &mut *far };
                let _ = side.handshake().unwrap();
            }
            far.end.end();
            near.end.tamper(|bytes| {
                let _ = bytes.pop_back();
            });
            for _ in 0..2 {
                let outcome = near.handshake();
                // With three steps the handshake is over on this side.
                if steps >= 3 && outcome == Ok(Step::Ready(())) {
                    assert_eq!(near.read(&mut [0]), Err(Error::Truncated));
                } else {
                    assert_eq!(outcome, Err(Error::Truncated), "{backward} {steps}");
                }
            }
        }
    }
}

#[test]
fn close_waits_behind_what_is_staged_and_amid_the_handshake_does_not_wait() {
    for mut pair in connected() {
        pair.client.end.room = 0;
        let _ = pair.client.write(b"data").unwrap();
        let blocked = Ok(Step::Blocked(tls_core::Interest::WRITE));
        assert_eq!(pair.client.close(), blocked);
        pair.client.end.room = usize::MAX;
        assert_eq!(pair.client.close(), Ok(Step::Ready(())));
        assert_eq!(pair.server.receive(), b"data");
        assert_eq!(pair.server.read(&mut [0]), END);
    }
    let authority = Authority::new();
    for steps in 0..2 {
        let (client, server) = (trusting(&authority), serving(&authority));
        let mut pair = Pair::of((Native::new(), Native::new()), client, server);
        for _ in 0..steps {
            let _ = pair.client.handshake().unwrap();
            let _ = pair.server.handshake().unwrap();
        }
        for side in [&mut pair.client, &mut pair.server] {
            assert_eq!(side.close(), Ok(Step::Ready(())));
            assert_eq!(side.handshake(), Err(Error::Closed));
        }
    }
}

#[test]
fn a_damaged_record_ends_the_session_for_good_and_is_told_to_the_peer() {
    for from_client in [true, false] {
        for mut pair in connected() {
            let (near, far) = sides(&mut pair, from_client);
            let _ = far.read(&mut [0]).unwrap();
            let _ = near.write(b"good").unwrap();
            let good = far.end.waiting();
            let _ = near.write(b"bad").unwrap();
            far.end.tamper(|bytes| bytes[good + 8] ^= 1);
            assert_eq!(far.receive(), b"good");
            let error = Error::from(PeerMisbehaved::BadCryptography);
            for _ in 0..2 {
                assert_eq!(far.read(&mut [0; 10]), Err(error.clone()));
                assert_eq!(far.write(b"x"), Err(error.clone()));
                assert_eq!(far.flush(), Err(error.clone()));
            }
            let told = Err(Error::AlertReceived(Alert::BAD_RECORD_MAC));
            assert_eq!(near.read(&mut [0; 10]), told);
        }
    }
}

fn sides(pair: &mut Pair, from_client: bool) -> (&mut super::pair::Side, &mut super::pair::Side) {
    if from_client {
        (&mut pair.client, &mut pair.server)
    } else {
        (&mut pair.server, &mut pair.client)
    }
}
