//! Sending and receiving, by every name that a socket has for it.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};

use polytls::Step;
use polytls::tls::TlsBackend;

use super::ends::{End, LONG, Link, Setup, in_both_roles, pattern, receive_all, together};
use crate::scenario::{Case, Scenario, scenario};

pub(super) fn scenarios<C: TlsBackend, S: TlsBackend>() -> Vec<Scenario<C, S>> {
    let mut table: Vec<_> = Link::ALL
        .into_iter()
        .map(|link| {
            let name = format!("pieces_of_all_sizes_arrive_over_{}", link.name());
            scenario(name, move |case| pieces(case, link))
        })
        .collect();
    table.extend([
        scenario("a_send_tells_how_much_it_took", counted),
        scenario("an_empty_buffer_sends_nothing_and_ends_nothing", empty),
        scenario("several_buffers_arrive_in_order", vectored),
        scenario("more_buffers_than_the_system_takes_arrive", many_buffers),
        scenario("the_traits_of_std_work_over_tls", std_traits),
        scenario("a_copy_of_std_runs_to_the_clean_end", copy),
        scenario("without_any_limit_the_kernel_waits", without_limit),
        scenario("octets_that_were_read_ahead_are_pending", pending),
    ]);
    table
}

const SIZES: [usize; 6] = [0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 1024 * 1024];

fn pieces<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>, link: Link) {
    let (mut client, mut server) = Setup::new(case).connected(link);
    together(
        move || {
            say_pieces(&mut client);
            hear_pieces(&mut client);
            assert_eq!(client.shutdown(LONG), Ok(0));
        },
        move || {
            hear_pieces(&mut server);
            say_pieces(&mut server);
            assert_eq!(server.shutdown(LONG), Ok(0));
        },
    );
}

fn say_pieces<B: TlsBackend>(end: &mut End<B>) {
    for size in SIZES {
        end.send_all(&pattern(size)).expect("a send");
    }
}

fn hear_pieces<B: TlsBackend>(end: &mut End<B>) {
    for size in SIZES {
        let mut got = vec![0; size];
        end.recv_exact(&mut got).expect("a piece");
        assert!(got == pattern(size), "{size} octets came out wrong");
    }
}

fn counted<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, counted_between);
}

fn counted_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let data = pattern(200_000);
    together(
        || {
            let mut sent = 0;
            while sent < data.len() {
                let rest = &data[sent..];
                let taken = near.send(&rest[..rest.len().min(30_000)]).expect("a send");
                assert!((1..=30_000).contains(&taken), "{taken} were taken");
                sent += taken;
            }
            near.shutdown_write(LONG).expect("an end");
        },
        || {
            let mut got = Vec::new();
            let mut buf = [0; 1000];
            loop {
                match far.recv(&mut buf).expect("data") {
                    0 => break,
                    octets => got.extend_from_slice(&buf[..octets]),
                }
            }
            assert!(got == data);
        },
    );
}

fn empty<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, empty_between);
}

fn empty_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let before = *near.statistics();
    let nothing = [IoSlice::new(&[]), IoSlice::new(&[])];
    assert_eq!(near.send(&[]), Ok(0));
    assert_eq!(near.send_all(&[]), Ok(()));
    assert_eq!(near.send_vectored(&nothing), Ok(0));
    assert_eq!(near.send_vectored(&[]), Ok(0));
    assert_eq!(near.send_all_vectored(&mut []), Ok(()));
    assert_eq!(near.try_send(&[]), Ok(Step::Ready(0)));
    assert_eq!(near.write(&[]).expect("nothing"), 0);
    assert_eq!(near.recv(&mut []), Ok(0));
    assert_eq!(near.recv_exact(&mut []), Ok(()));
    assert_eq!(near.recv_vectored(&mut []), Ok(0));
    assert_eq!(near.try_recv(&mut []), Ok(Step::Ready(0)));
    assert_eq!(near.read(&mut []).expect("nothing"), 0);
    assert_eq!(*near.statistics(), before);
    far.send_all(b"data").expect("a send");
    let mut got = [0; 4];
    let mut with_empty = [IoSliceMut::new(&mut []), IoSliceMut::new(&mut got)];
    assert_eq!(near.recv_vectored(&mut with_empty), Ok(4));
    assert_eq!(&got, b"data");
}

fn vectored<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, vectored_between);
}

fn vectored_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let data = pattern(150_000);
    let cuts = [0, 0, 1, 3, 16_384 + 3, 16_384 + 3, 70_000, 150_000];
    let pieces = cuts.windows(2).map(|cut| &data[cut[0]..cut[1]]);
    let mut slices: Vec<_> = pieces.map(IoSlice::new).collect();
    together(
        || {
            near.send_all_vectored(&mut slices).expect("a send");
            let few = [IoSlice::new(b"one "), IoSlice::new(b"record")];
            assert_eq!(near.send_vectored(&few), Ok(10));
            near.shutdown_write(LONG).expect("an end");
        },
        || {
            let mut got = Vec::new();
            let (mut one, mut two, mut three) = ([0; 7], [0; 1], [0; 20_000]);
            loop {
                let mut bufs = [
                    IoSliceMut::new(&mut one),
                    IoSliceMut::new(&mut []),
                    IoSliceMut::new(&mut two),
                    IoSliceMut::new(&mut three),
                ];
                let octets = far.recv_vectored(&mut bufs).expect("data");
                if octets == 0 {
                    break;
                }
                let all = [&one[..], &two, &three].concat();
                got.extend_from_slice(&all[..octets]);
            }
            let (last, all) = (got.split_off(data.len()), got);
            assert!(all == data);
            assert_eq!(last, b"one record");
        },
    );
}

fn many_buffers<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, many_buffers_between);
}

fn many_buffers_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let data = pattern(3_000 * 7);
    let mut slices: Vec<_> = data.chunks(7).map(IoSlice::new).collect();
    together(
        || {
            near.send_all_vectored(&mut slices).expect("a send");
            near.shutdown_write(LONG).expect("an end");
        },
        || assert!(receive_all(&mut far) == data),
    );
}

fn std_traits<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, std_traits_between);
}

fn std_traits_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let data = pattern(100_000);
    together(
        || {
            near.write_all(&data).expect("a write");
            let mut slices = [IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cd")];
            let mut rest = &mut slices[..];
            while !rest.is_empty() {
                let taken = near.write_vectored(rest).expect("a write");
                assert!(taken > 0);
                IoSlice::advance_slices(&mut rest, taken);
            }
            near.flush().expect("a flush");
            writeln!(near, "line {}", 1).expect("a line");
            near.shutdown_write(LONG).expect("an end");
        },
        || {
            let mut got = vec![0; data.len()];
            far.read_exact(&mut got).expect("data");
            assert!(got == data);
            let (mut one, mut two) = ([0; 1], [0; 3]);
            far.read_exact(&mut one).expect("an octet");
            let mut bufs = [IoSliceMut::new(&mut two)];
            assert_eq!(far.read_vectored(&mut bufs).expect("octets"), 3);
            assert_eq!((&one, &two), (b"a", b"bcd"));
            let mut line = String::new();
            assert_eq!(far.read_to_string(&mut line).expect("a line"), 7);
            assert_eq!(line, "line 1\n");
            assert_eq!(far.read(&mut one).expect("the end stays"), 0);
        },
    );
}

fn copy<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Unix, copy_between);
}

fn copy_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    let data = pattern(300_000);
    together(
        || {
            let copied = io::copy(&mut &data[..], &mut near).expect("a copy");
            assert_eq!(copied, 300_000);
            near.shutdown_write(LONG).expect("an end");
        },
        || {
            let mut got = Vec::new();
            io::copy(&mut far, &mut got).expect("a copy to the clean end");
            assert!(got == data);
        },
    );
}

fn without_limit<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Tcp4, without_limit_between);
    in_both_roles!(case, Link::Pair, without_limit_between);
}

/// The far side is bounded, and ends the near side's wait if it fails.
fn without_limit_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    near.set_deadline(None);
    let data = &pattern(400_000);
    together(
        || {
            for _ in 0..3 {
                near.send_all(data).expect("a send");
                let mut got = vec![0; data.len()];
                near.recv_exact(&mut got).expect("an answer");
                assert!(got == *data);
            }
            near.shutdown_write(LONG).expect("an end");
            assert_eq!(near.recv(&mut [0]), Ok(0));
        },
        move || {
            for _ in 0..3 {
                let mut got = vec![0; data.len()];
                far.recv_exact(&mut got).expect("data");
                far.send_all(&got).expect("an answer");
            }
            assert_eq!(far.shutdown(LONG), Ok(0));
        },
    );
}

fn pending<C: TlsBackend, S: TlsBackend>(case: &Case<C, S>) {
    in_both_roles!(case, Link::Pair, pending_between);
}

fn pending_between<A: TlsBackend, B: TlsBackend>(mut near: End<A>, mut far: End<B>) {
    assert!(!near.has_pending());
    far.send_all(b"0123456789").expect("a send");
    let mut got = [0; 4];
    assert_eq!(near.recv(&mut got), Ok(4));
    assert!(near.has_pending(), "six octets are left");
    assert_eq!(near.recv(&mut got), Ok(4));
    assert_eq!(near.recv(&mut got), Ok(2));
    assert_eq!(&got, b"8967");
    assert!(!near.has_pending());
    assert!(!near.try_recv(&mut got).expect("no data").is_ready());
}
