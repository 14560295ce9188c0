//! What a connection holds. One test in a process of its own: malloc's figures
//! are of all threads.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use backend_bench::heap;

/// So many that what comes and goes with the first few does not count.
const CONNECTIONS: usize = 8;

#[test]
fn a_connection_holds_heap_in_each_state() {
    let before = heap::in_use().unwrap();
    let held: Vec<Box<[u8]>> = (0..100).map(|_| vec![1; 1000].into()).collect();
    assert!(heap::in_use().unwrap() >= before + 100_000);
    drop(held);

    let pairs = heap::all();
    // Backends, roles, states, and places for the connection itself.
    assert_eq!(pairs.len(), 4 * 2 * 4 * 2);
    for pair in pairs {
        let report = pair.measure(CONNECTIONS).unwrap();
        let plausible = 1_000.0..200_000.0;
        assert!(plausible.contains(&report.ours), "{report:?}");
        assert!(plausible.contains(&report.raw), "{report:?}");
    }
}
