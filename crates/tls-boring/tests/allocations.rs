//! Reading and writing records, and being blocked, allocate nothing on this
//! side of the library.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::IoSlice;

use tls_boring::Boring;
use tls_core::{
    ClientConfig, Identity, Interest, PrivateKeyDer, ServerConfig, Step, TlsBackend, TlsSession,
    parse_server_name,
};
use wire::Loop;

mod wire;

thread_local!(static ALLOCATIONS: Cell<usize> = const { Cell::new(0) });

/// Counts what this thread allocates.
struct Counting;

// SAFETY: every call goes to the system's allocator as it came; the counter is
// thread-local, needs no destructor and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and the pointer
        // came from the same allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn records_cost_no_allocation() {
    let (mut client, mut server, mut end) = connected();
    let pieces = [b"some".as_slice(), b" small", b" pieces"].map(IoSlice::new);
    let whole = [7; 1000];
    let mut buf = [0; 2000];
    let mut round = || {
        for slices in [&pieces[..], &[IoSlice::new(&whole)]] {
            let octets: usize = slices.iter().map(|slice| slice.len()).sum();
            assert_eq!(client.write(&mut end, slices), Ok(Step::Ready(octets)));
            end.turn();
            assert_eq!(server.read(&mut end, &mut buf), Ok(Step::Ready(octets)));
            let blocked = server.read(&mut end, &mut buf);
            assert_eq!(blocked, Ok(Step::Blocked(Interest::READ)));
            assert!(!server.pending());
            end.turn();
        }
    };
    // Fills what is kept: the wire's queues and this thread's scratch buffer.
    round();
    round();
    let before = ALLOCATIONS.with(Cell::get);
    assert!(before > 0, "the counter is in use");
    round();
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0);
}

fn connected() -> (impl TlsSession, impl TlsSession, Loop) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default()
        .self_signed(&key)
        .unwrap();
    let identity = Identity::from_der(
        [certificate.der().clone()],
        PrivateKeyDer::Pkcs8(key.serialize_der().into()),
    )
    .unwrap();
    let client = ClientConfig::builder().danger().accept_any_certificate();
    let server = ServerConfig::builder().identity(identity);

    let backend = Boring::new();
    let name = parse_server_name("server.example").unwrap();
    let client = backend.client(&client.build().unwrap()).unwrap();
    let server = backend.server(&server.build().unwrap()).unwrap();
    let mut client = backend.connect(&client, &name).unwrap();
    let mut server = backend.accept(&server).unwrap();
    let mut end = Loop::default();
    loop {
        let at_client = client.handshake(&mut end).unwrap();
        end.turn();
        let at_server = server.handshake(&mut end).unwrap();
        end.turn();
        if at_client.is_ready() && at_server.is_ready() {
            return (client, server, end);
        }
    }
}
